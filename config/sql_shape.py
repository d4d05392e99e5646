"""What a statement does, without what it does it to: in, SQL; out, the same with «?» for each literal. Pure."""

import re

# In PostgreSQL's own order of reading: a comment or a quoted name may hold a quote that begins nothing.
_TOKEN = re.compile(
    r"""
    (?P<comment> --[^\n]* | /\*.*?\*/ )
    | (?P<name> "(?:[^"]|"")*" )
    | (?P<text> (?:\b[eEbBxXnN] | \b[uU]&)?'(?:[^'\\]|''|\\.)*'? | (?P<tag>\$(?:[A-Za-z_]\w*)?\$).*?(?:(?P=tag)|$) )
    | (?P<word> [A-Za-z_][\w$]* | %\(\w+\)s | %s | \$\d+ )
    | (?P<number> \d[\w.]* | \.\d+ )
    """,
    re.VERBOSE | re.DOTALL,
)
LONGEST = 2000


def sql_shape(sql: str) -> str:
    """On one line; comments are left out, since a library may write anything there."""
    shape = _TOKEN.sub(_shown, sql)
    return " ".join(shape.split())[:LONGEST]


def _shown(found: re.Match[str]) -> str:
    if found["text"] or found["number"]:
        return "?"
    return " " if found["comment"] else found[0]
