"""The customers of a sample business and their tags: in, a Plan and what each has spent; out, rows for COPY."""

import datetime as dt
from collections.abc import Iterator, Sequence
from itertools import accumulate

from rentals.sample.people import People
from rentals.sample.plan import Plan
from rentals.sample.words import AREA_CODES, CITIES, TAGS, ZONES

Row = tuple[object, ...]

COLUMNS = (
    "id", "created_at", "updated_at", "first_name", "last_name", "email", "phone", "company_name", "locale", "timezone",
    "preferred_contact_method", "status", "risk_score", "lifetime_value", "city", "province", "stripe_customer_id",
)  # fmt: skip
TAG_COLUMNS = ("id", "created_at", "updated_at", "name", "color")
MEMBER_COLUMNS = ("id", "created_at", "updated_at", "customer_id", "tag_id", "assigned_at")

# By the customer's number. Every other customer, too, covers all three, so that each kind of reminder does.
PREFERRED = ("email", "email", "sms", "sms", "push", "push", "email", "email", "sms", "email")


def preferred(number: int) -> str:
    return PREFERRED[number % len(PREFERRED)]


def cities(plan: Plan) -> bytes:
    """Each customer's city, as an index of CITIES."""
    draw = plan.draws("cities").random
    up_to = list(accumulate(city.share for city in CITIES))
    by_percent = bytes(
        next(i for i, top in enumerate(up_to) if percent < top) for percent in range(up_to[-1])
    )
    return bytes(by_percent[int(draw() * len(by_percent))] for _ in range(plan.customers))


def customer_rows(plan: Plan, *, homes: Sequence[int], spent: Sequence[int]) -> Iterator[Row]:
    """One row a customer. `homes` is `cities(plan)`, `spent` each one's completed bookings in cents."""
    random, people = plan.draws("customers"), People(plan)
    prefix = plan.ids("customers")
    at = plan.at.astimezone(dt.UTC)
    for number in range(plan.customers):
        channel = preferred(number)
        person = people.person(number, channel=channel)
        city = CITIES[homes[number]]
        joined_at = at - dt.timedelta(minutes=int(random.random() * 3 * 365 * 24 * 60))
        yield (
            f"{prefix}{number:012x}",
            joined_at,
            joined_at,
            person.first,
            person.last,
            person.email,
            "" if channel == "email" and random.random() < 0.06 else phone(number),
            person.company,
            person.locale,
            ZONES[city.zone],
            channel,
            _status(random.random()),
            int(random.random() ** 3 * 100),
            f"{spent[number] // 100}.{spent[number] % 100:02d}",
            city.name,
            city.province,
            f"cus_sample{number:010d}",
        )


def tag_rows(plan: Plan) -> Iterator[Row]:
    prefix = plan.ids("customer_tags")
    for number, (name, color) in enumerate(TAGS):
        yield f"{prefix}{number:012x}", plan.at, plan.at, name, color


def member_rows(plan: Plan) -> Iterator[Row]:
    """A quarter of the customers has a tag."""
    draw = plan.draws("tags").random
    members, customers, tags = (plan.ids(t) for t in ("customer_tag_members", "customers", "customer_tags"))
    for number in range(plan.customers):
        if draw() < 0.25:
            tag = int(draw() * len(TAGS))
            ids = f"{members}{number:012x}", f"{customers}{number:012x}", f"{tags}{tag:012x}"
            yield ids[0], plan.at, plan.at, ids[1], ids[2], plan.at


def phone(number: int) -> str:
    """E.164, each customer's own."""
    return f"+1{AREA_CODES[number // 10_000]}555{number % 10_000:04d}"


def _status(draw: float) -> str:
    return "active" if draw < 0.96 else "inactive" if draw < 0.99 else "suspended"
