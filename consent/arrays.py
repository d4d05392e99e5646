"""A list as PostgreSQL reads it: in, values; out, one text for a parameter such as `%s::text[]`.

The driver can write lists too, and takes several times as long: it looks for the type of each element.
"""

from collections.abc import Iterable


def array(values: Iterable[object]) -> str:
    """`{"a","b"}`, each value by its `str()`; None is NULL. For texts, ids and numbers, not for lists in lists."""
    given = list(values)
    if not given:
        return "{}"
    if len(given) > 1 and given[1] == given[0] and given.count(given[0]) == len(given):
        return "{" + ",".join([_element(given[0])] * len(given)) + "}"
    # Most columns hold nothing to escape: one look instead of one an element.
    if None not in given:
        text = '","'.join(map(str, given))
        if "\\" not in text and text.count('"') == 2 * (len(given) - 1):
            return f'{{"{text}"}}'
    return "{" + ",".join(map(_element, given)) + "}"


def _element(value: object) -> str:
    if value is None:
        return "NULL"
    text = str(value)
    if "\\" in text or '"' in text:
        text = text.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{text}"'
