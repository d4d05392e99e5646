"""The filter language: what may be written, and where exactly it says that something is wrong."""

import datetime as dt
import json
from decimal import Decimal
from typing import Any

import pytest

from rentals.segments.compile import members
from rentals.segments.parse import FilterError, parse
from rentals.segments.rule import FIELDS, MAX_CONDITIONS, MAX_DEPTH, MAX_LIST, Condition, Group

RISKY = {"field": "riskScore", "operator": "gt", "value": 50}
INJECTIONS = (
    "'; DROP TABLE customers; --",
    "x') OR 1=1 --",
    "%s %(id)s %%",
    "{column} {0}",
    '"; DELETE FROM bookings',
    "\\",
)


def one(**changed: Any) -> dict[str, Any]:
    return {"logic": "and", "conditions": [{**RISKY, **changed}]}


def value(field: str, operator: str, given: Any) -> dict[str, Any]:
    return {"logic": "and", "conditions": [{"field": field, "operator": operator, "value": given}]}


def nested(depth: int) -> dict[str, Any]:
    inner: dict[str, Any] = RISKY
    for _ in range(depth):
        inner = {"logic": "or", "conditions": [inner]}
    return inner


def fault(given: Any) -> str:
    with pytest.raises(FilterError) as caught:
        parse(given)
    return str(caught.value)


def test_a_filter_is_read_into_its_parts() -> None:
    given = {
        "logic": "or",
        "conditions": [
            {"field": "location", "operator": "eq", "value": " Moncton "},
            {
                "logic": "and",
                "conditions": [
                    {"field": "lastBooking", "operator": "between", "value": ["2026-01-01", "2026-06-30"]},
                    {"field": "totalSpend", "operator": "gt", "value": 19.99},
                    {"field": "tag", "operator": "in", "value": ["VIP", "fleet"]},
                ],
            },
        ],
    }
    assert parse(given) == Group(
        "or",
        (
            Condition("location", "eq", ("Moncton",)),
            Group(
                "and",
                (
                    Condition("lastBooking", "between", (dt.date(2026, 1, 1), dt.date(2026, 6, 30))),
                    Condition("totalSpend", "gt", (Decimal("19.99"),)),
                    Condition("tag", "in", ("VIP", "fleet")),
                ),
            ),
        ),
    )


@pytest.mark.parametrize(
    ("given", "says"),
    [
        (None, "filter: must be an object with logic, conditions, and nothing else."),
        ([RISKY], "filter: must be an object"),
        (RISKY, "filter: must be an object"),
        ({"logic": "and"}, "filter: must be an object"),
        ({"logic": "and", "conditions": [RISKY], "limit": 1}, "filter: must be an object"),
        ({"logic": "xor", "conditions": [RISKY]}, "logic: must be one of and, or."),
        ({"logic": ["and"], "conditions": [RISKY]}, "logic: must be one of and, or."),
        ({"logic": "and", "conditions": {}}, "conditions: must be a list."),
        ({"logic": "and", "conditions": []}, "conditions: must not be empty."),
        ({"logic": "and", "conditions": [RISKY, "x"]}, "conditions[1]: must be an object with field"),
        (
            {"logic": "and", "conditions": [RISKY, {"logic": "or", "conditions": []}]},
            "conditions[1].conditions: must not be empty.",
        ),
        (
            {
                "logic": "and",
                "conditions": [RISKY, RISKY, {"logic": "or", "conditions": [{**RISKY, "value": "7"}]}],
            },
            "conditions[2].conditions[0].value: must be a whole number from 0 to 100.",
        ),
        (one(field="email"), "conditions[0].field: must be one of location, bookingCount,"),
        (one(field=None), "conditions[0].field: must be one of"),
        (one(field="risk_score"), "conditions[0].field: must be one of"),
        (one(operator="like"), "conditions[0].operator: must be one of eq, ne, gt, lt, between, in."),
        (one(operator={"eq": 1}), "conditions[0].operator: must be one of"),
        (one(extra=1), "conditions[0]: must be an object with field, operator, value, and nothing else."),
        (value("tag", "gt", "VIP"), "conditions[0].operator: must be one of eq, ne, in."),
        (value("location", "between", ["A", "B"]), "conditions[0].operator: must be one of eq, ne, in."),
    ],
)
def test_a_fault_of_form_is_told_with_its_place(given: Any, says: str) -> None:
    assert fault(given).startswith(says)


@pytest.mark.parametrize(
    ("field", "given"),
    [
        *(
            ("riskScore", bad)
            for bad in (True, None, "50", 50.0, -1, 101, 10**30, [50], {"n": 1}, float("nan"))
        ),
        *(("bookingCount", bad) for bad in (-1, 1_000_001, 2.5, "3")),
        *(
            ("totalSpend", bad)
            for bad in (False, "9.99", -0.01, 1e300, float("inf"), float("nan"), 10**400, 9.999)
        ),
        *(
            ("lastBooking", bad)
            for bad in (
                "2026-02-30",
                "20261124",
                "2026-W48-2",
                "2026-11-24T00:00",
                "24/11/2026",
                "today",
                20261124,
                "",
            )
        ),
        *(
            ("tag", bad)
            for bad in ("", "   ", "a\x00b", "\ud800", "x" * 201, 5, None, ["VIP"], "line\nbreak")
        ),
        ("equipmentCategory", "\u202eexcavator"),
    ],
)
def test_a_value_of_the_wrong_kind_or_size_is_refused(field: str, given: Any) -> None:
    said = fault(value(field, "eq", given))
    assert said.startswith("conditions[0].value: ")


def test_an_error_quotes_nothing_of_the_filter() -> None:
    for given in (value("tag", "eq", "marie@example.com\x00"), one(field="marie@example.com")):
        assert "marie" not in fault(given)


@pytest.mark.parametrize(
    ("operator", "given", "says"),
    [
        ("between", 5, "conditions[0].value: must be a list of 2 values."),
        ("between", [1], "conditions[0].value: must be a list of 2 values."),
        ("between", [1, 2, 3], "conditions[0].value: must be a list of 2 values."),
        ("between", [9, 3], "conditions[0].value: the lower end must come first."),
        ("between", [1, "9"], "conditions[0].value[1]: must be a whole number"),
        ("in", 5, "conditions[0].value: must be a list of 1 to 200 values."),
        ("in", [], "conditions[0].value: must be a list of 1 to 200 values."),
        ("in", [1] * (MAX_LIST + 1), "conditions[0].value: must be a list of 1 to 200 values."),
        ("in", [1, None], "conditions[0].value[1]: must be a whole number"),
    ],
)
def test_lists_are_checked_value_by_value(operator: str, given: Any, says: str) -> None:
    assert fault(value("riskScore", operator, given)).startswith(says)


def test_depth_and_number_have_limits() -> None:
    assert parse(nested(MAX_DEPTH))
    assert (
        fault(nested(MAX_DEPTH + 1))
        == f"{'.'.join(['conditions[0]'] * MAX_DEPTH)}: groups may be nested 5 deep."
    )
    assert parse({"logic": "or", "conditions": [RISKY] * MAX_CONDITIONS})
    assert fault({"logic": "or", "conditions": [RISKY] * (MAX_CONDITIONS + 1)}).startswith(
        "conditions[50]: a filter has"
    )
    # Spread over groups they count together.
    group = {"logic": "or", "conditions": [RISKY] * 30}
    assert fault({"logic": "and", "conditions": [group, group]}).startswith(
        "conditions[1].conditions[18]: a filter has"
    )


def test_what_stands_in_a_filter_never_enters_the_sql() -> None:
    for text in INJECTIONS:
        for field, spec in FIELDS.items():
            if spec.kind != "text":
                continue
            statement = members(parse(value(field, "in", [text, "plain"])))
            assert statement.sql == members(parse(value(field, "in", ["a", "b"]))).sql
            assert statement.params == ([text, "plain"],)


def test_each_field_takes_its_operators_and_binds_its_values() -> None:
    samples = {"text": "x", "whole": 7, "amount": 7.5, "date": "2026-11-24"}
    for field, spec in FIELDS.items():
        for operator in spec.operators:
            sample: Any = samples[spec.kind]
            given = [sample, sample] if operator in ("between", "in") else sample
            statement = members(parse(value(field, operator, given)))
            assert statement.sql.count("%s") == len(statement.params)


def test_conditions_on_bookings_share_one_reading_of_them() -> None:
    conditions = [
        {"field": "bookingCount", "operator": "gt", "value": 1},
        {"field": "bookingCount", "operator": "lt", "value": 9},
        {"field": "totalSpend", "operator": "gt", "value": 100},
    ]
    statement = members(parse({"logic": "and", "conditions": conditions}))
    assert statement.sql.count("FROM bookings") == 1
    assert "max(start_date)" not in statement.sql
    assert "bookings" not in members(parse(one())).sql


def test_a_filter_survives_the_way_through_json() -> None:
    given = value("totalSpend", "between", [0.1, 0.3])
    assert parse(json.loads(json.dumps(given))) == Group(
        "and", (Condition("totalSpend", "between", (Decimal("0.1"), Decimal("0.3"))),)
    )
