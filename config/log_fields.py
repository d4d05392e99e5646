"""What an event of ours says, by name: in, a record such as `notification.sent id=%s attempt=%s`; out, its name and its values.

The values are the arguments themselves, not what the text made of them: a number stays one. A line that is not of this form
(a library's) is one text.
"""

import logging
import math
import re
from functools import lru_cache
from typing import Any

# What a line has anyway; a field of the same name keeps its place with a stroke behind.
RESERVED = frozenset({"at", "level", "logger", "event", "exception"})
_EVENT = re.compile(r"[a-z_]+(?:\.(?:[a-z_]+|%s))+")
_SPEC = re.compile(r"%(?:\.\d+)?[sdf]")
_PAIR = re.compile(rf"([a-z_]+)=({_SPEC.pattern}|[^%\s]*)")


def fields_of(record: logging.LogRecord) -> dict[str, Any]:
    """`event` and the values; what stands on further lines is `trace`."""
    template = _read(str(record.msg))
    given = record.args if isinstance(record.args, tuple) else (record.args,) if record.args else ()
    if template is None or len(given) != template.wanted:
        return {"event": record.getMessage()}
    values = list(given)
    entry: dict[str, Any] = {"event": template.name % tuple(values[: template.name.count("%s")])}
    del values[: template.name.count("%s")]
    for name, literal in template.pairs:
        key = f"{name}_" if name in RESERVED else name
        entry[key] = _number(values.pop(0)) if literal is None else literal
    if values:
        entry["trace"] = str(values.pop(0))
    return entry


class _Template:
    def __init__(self, name: str, pairs: list[tuple[str, str | None]], *, has_trace: bool) -> None:
        self.name, self.pairs = name, pairs
        self.wanted = name.count("%s") + sum(literal is None for _, literal in pairs) + has_trace


@lru_cache(maxsize=1000)
def _read(message: str) -> _Template | None:
    """How an event is written; None for what is none. There are as many as there are calls of a logger."""
    line, _, rest = message.partition("\n")
    first, *words = line.split(" ")
    found = [_PAIR.fullmatch(word) for word in words]
    if not _EVENT.fullmatch(first) or rest not in ("", "%s"):
        return None
    pairs = [(one[1], None if _SPEC.fullmatch(one[2]) else one[2]) for one in found if one]
    return _Template(first, pairs, has_trace=bool(rest)) if len(pairs) == len(words) else None


def _number(value: Any) -> Any:
    """JSON knows no infinity."""
    return str(value) if isinstance(value, float) and not math.isfinite(value) else value
