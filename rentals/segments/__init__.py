"""Who belongs to a segment: in, a filter as staff write it; out, the customers who match, by one bound SQL statement.

    {"logic": "and"|"or", "conditions": [{"field", "operator", "value"} or another group, …]}

`rule.py` has the words, `parse.py` reads a filter and says what is wrong with it, `compile.py` writes the SQL,
`refresh.py` brings the members up to date.
"""
