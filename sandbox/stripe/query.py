"""Queries of Stripe's lists. Objects and the parameters of a request come in, one page or a refusal goes out.
Cursors and filters as in Stripe's API reference: newest first, 1 to 100 a page, unknown parameters
refused."""

import re
from collections.abc import Callable
from itertools import islice

from sandbox.stripe.objects import Object

RANGE = re.compile(r"(?P<field>created|arrival_date)\[(?P<operator>gt|gte|lt|lte)\]")
COMMON = frozenset({"limit", "starting_after", "ending_before", "created", "expand[]", "expand[0]"})
PARAMETERS = {
    "payouts": COMMON | {"arrival_date", "destination", "status"},
    "balance_transactions": COMMON | {"currency", "payout", "source", "type"},
}
EXPANDABLE = {"payouts": frozenset[str](), "balance_transactions": frozenset({"data.source"})}
NAMES = {"payouts": "payout", "balance_transactions": "balance transaction"}
Test = Callable[[int, int], bool]
OPERATORS: dict[str, Test] = {
    "": lambda a, b: a == b,
    "gt": lambda a, b: a > b,
    "gte": lambda a, b: a >= b,
    "lt": lambda a, b: a < b,
    "lte": lambda a, b: a <= b,
}


class RefusedError(Exception):
    """Stripe would refuse the request; carries the fields of its error object."""

    def __init__(
        self, message: str, *, param: str | None = None, code: str | None = None, status: int = 400
    ) -> None:
        super().__init__(message)
        self.status, self.param, self.code = status, param, code


def check_names(pairs: dict[str, str], kind: str) -> None:
    """Refuse parameters that this list does not have."""
    for name in pairs:
        ranged = RANGE.fullmatch(name)
        if (ranged["field"] if ranged else name) not in PARAMETERS[kind]:
            raise RefusedError(f"Received unknown parameter: {name}", param=name, code="parameter_unknown")
    if "starting_after" in pairs and "ending_before" in pairs:
        raise RefusedError(
            "You may only specify one of these parameters: starting_after, ending_before.",
            param="starting_after",
        )


def _admits(item: Object, pairs: dict[str, str]) -> bool:
    for name, value in pairs.items():
        ranged = RANGE.fullmatch(name)
        if ranged or name in {"created", "arrival_date"}:
            field, operator = (ranged["field"], ranged["operator"]) if ranged else (name, "")
            if not OPERATORS[operator](item[field], _integer(name, value)):
                return False
        elif name in {"currency", "source", "type", "status", "destination"} and item[name] != value:
            return False
    return True


def page(items: list[Object], pairs: dict[str, str], kind: str) -> Object:
    """One page; a cursor stands for its place in the whole list, even where a filter leaves its object
    out."""
    limit = _limit(pairs)
    if "ending_before" in pairs:
        newer = reversed(items[: _position(items, pairs["ending_before"], "ending_before", kind)])
        found = list(islice((item for item in newer if _admits(item, pairs)), limit + 1))
        found_page = found[:limit][::-1]
    else:
        start = (
            _position(items, pairs["starting_after"], "starting_after", kind) + 1
            if "starting_after" in pairs
            else 0
        )
        found = list(islice((item for item in items[start:] if _admits(item, pairs)), limit + 1))
        found_page = found[:limit]
    return {"object": "list", "url": f"/v1/{kind}", "has_more": len(found) > limit, "data": found_page}


def expanded(listed: Object, pairs: dict[str, str], kind: str, sources: dict[str, Object]) -> Object:
    """The page with `data.source` as whole objects, where that is asked for; one that is not known stays an id."""
    wanted = {value for name, value in pairs.items() if name.startswith("expand[")}
    for name in sorted(wanted - EXPANDABLE[kind]):
        raise RefusedError(f"This property cannot be expanded ({name}).", param="expand")
    if not wanted:
        return listed
    whole = [item | {"source": sources.get(item["source"], item["source"])} for item in listed["data"]]
    return listed | {"data": whole}


def _limit(pairs: dict[str, str]) -> int:
    limit = _integer("limit", pairs.get("limit", "10"))
    if limit > 100:
        raise RefusedError(
            f"This value must be less than or equal to 100 (it currently is '{limit}').", param="limit"
        )
    if limit < 1:
        raise RefusedError("This value must be greater than or equal to 1.", param="limit")
    return limit


def _position(items: list[Object], identifier: str, param: str, kind: str) -> int:
    for position, item in enumerate(items):
        if item["id"] == identifier:
            return position
    raise RefusedError(f"No such {NAMES[kind]}: '{identifier}'", param=param, code="resource_missing")


def one(items: list[Object], identifier: str, kind: str, *, param: str = "id") -> Object:
    for item in items:
        if item["id"] == identifier:
            return item
    raise RefusedError(
        f"No such {NAMES[kind]}: '{identifier}'", param=param, code="resource_missing", status=404
    )


def _integer(name: str, value: str) -> int:
    try:
        return int(value)
    except ValueError:
        raise RefusedError(
            f"Invalid integer: {value}", param=name, code="parameter_invalid_integer"
        ) from None
