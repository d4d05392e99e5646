"""Read a filter: in, what JSON holds; out, a Group, or an error that names the place and what belongs there. Pure."""

import datetime as dt
import re
from collections.abc import Mapping, Sequence
from decimal import Decimal
from itertools import count
from typing import TypeVar

from rentals.segments.rule import (
    FIELDS,
    LOGIC,
    MAX_CONDITIONS,
    MAX_DEPTH,
    MAX_LIST,
    MAX_TEXT,
    Condition,
    Field,
    Group,
    Value,
)

_DATE = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
_CENTS = 100
_Word = TypeVar("_Word", bound=str)


class FilterError(ValueError):
    """A filter that cannot be meant. The text says where (`conditions[2].value`) and what belongs there, and quotes nothing."""

    def __init__(self, path: str, reason: str) -> None:
        super().__init__(f"{path or 'filter'}: {reason}")
        self.path, self.reason = path, reason


def parse(given: object) -> Group:
    """The filter, every name, type and size of it checked; raises FilterError at the first fault."""
    return _group(given, path="", depth=1, numbers=count(1))


def _group(given: object, *, path: str, depth: int, numbers: "count[int]") -> Group:
    group = _object(given, path, ("logic", "conditions"))
    if depth > MAX_DEPTH:
        raise FilterError(path, f"groups may be nested {MAX_DEPTH} deep.")
    logic = _one_of(group["logic"], LOGIC, _at(path, "logic"))
    conditions = group["conditions"]
    here = _at(path, "conditions")
    if not isinstance(conditions, list):
        raise FilterError(here, "must be a list.")
    if not conditions:
        raise FilterError(here, "must not be empty.")
    read = (
        _part(part, path=f"{here}[{place}]", depth=depth, numbers=numbers)
        for place, part in enumerate(conditions)
    )
    return Group(logic, tuple(read))


def _part(given: object, *, path: str, depth: int, numbers: "count[int]") -> Condition | Group:
    if next(numbers) > MAX_CONDITIONS:
        raise FilterError(path, f"a filter has at most {MAX_CONDITIONS} conditions and groups.")
    if isinstance(given, Mapping) and ("logic" in given or "conditions" in given):
        return _group(given, path=path, depth=depth + 1, numbers=numbers)
    return _condition(given, path)


def _condition(given: object, path: str) -> Condition:
    condition = _object(given, path, ("field", "operator", "value"))
    name = _one_of(condition["field"], tuple(FIELDS), _at(path, "field"))
    field = FIELDS[name]
    operator = _one_of(condition["operator"], field.operators, _at(path, "operator"))
    value, here = condition["value"], _at(path, "value")
    match operator:
        case "between":
            low, high = _values(value, field, here, least=2, most=2)
            if low > high:  # type: ignore[operator]  # both are of the field's own kind
                raise FilterError(here, "the lower end must come first.")
            return Condition(name, operator, (low, high))
        case "in":
            return Condition(name, operator, _values(value, field, here, least=1, most=MAX_LIST))
        case _:
            return Condition(name, operator, (_value(value, field, here),))


def _values(given: object, field: Field, path: str, *, least: int, most: int) -> tuple[Value, ...]:
    wanted = f"{least}" if least == most else f"{least} to {most}"
    if not isinstance(given, list) or not least <= len(given) <= most:
        raise FilterError(path, f"must be a list of {wanted} values.")
    return tuple(_value(value, field, f"{path}[{place}]") for place, value in enumerate(given))


def _value(given: object, field: Field, path: str) -> Value:
    match field.kind:
        case "text":
            return _text(given, path)
        case "date":
            return _date(given, path)
        case "whole":
            # True is an int to Python, and nobody's number of bookings.
            if not isinstance(given, int) or isinstance(given, bool) or not field.low <= given <= field.high:
                raise FilterError(path, f"must be a whole number from {field.low:,} to {field.high:,}.")
            return given
        case "amount":
            return _amount(given, field, path)


def _text(given: object, path: str) -> str:
    if not isinstance(given, str) or not given.strip() or len(given) > MAX_TEXT:
        raise FilterError(path, f"must be a text of 1 to {MAX_TEXT} characters.")
    # NUL, which PostgreSQL refuses, half a surrogate pair, which nothing can encode, and what nobody can see.
    if not given.isprintable():
        raise FilterError(path, "has a character that cannot be printed.")
    return given.strip()


def _date(given: object, path: str) -> dt.date:
    wanted = "must be a date such as 2026-11-24."
    # fromisoformat also takes 20261124 and 2026-W48-2.
    if not isinstance(given, str) or not _DATE.fullmatch(given):
        raise FilterError(path, wanted)
    try:
        return dt.date.fromisoformat(given)
    except ValueError:
        raise FilterError(path, wanted) from None


def _amount(given: object, field: Field, path: str) -> Decimal:
    """A number of JSON, by its shortest spelling: 19.99 is that, not its nearest float."""
    is_number = isinstance(given, int | float) and not isinstance(given, bool)
    # NaN compares to nothing, and so is refused here, too.
    if not is_number or not field.low <= given <= field.high:  # type: ignore[operator]
        raise FilterError(path, f"must be a number from {field.low:,} to {field.high:,}.")
    amount = Decimal(str(given))
    if amount * _CENTS % 1:
        raise FilterError(path, "must have at most two decimals.")
    return amount


def _object(given: object, path: str, keys: Sequence[str]) -> Mapping[str, object]:
    if not isinstance(given, Mapping) or set(given) != set(keys):
        raise FilterError(path, f"must be an object with {', '.join(keys)}, and nothing else.")
    return given


def _one_of(given: object, words: Sequence[_Word], path: str) -> _Word:
    for word in words:
        if given == word:
            return word
    raise FilterError(path, f"must be one of {', '.join(words)}.")


def _at(path: str, key: str) -> str:
    return f"{path}.{key}" if path else key
