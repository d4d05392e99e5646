"""The machines of a sample business: in, a Plan and which are out; out, rows for COPY."""

import datetime as dt
from collections.abc import Iterator, Sequence

from rentals.sample.conditions import INTERVAL_HOURS, condition
from rentals.sample.plan import Plan
from rentals.sample.words import MACHINES
from rentals.sample.workshop import engine_hours

COLUMNS = (
    "id", "created_at", "updated_at", "unit_id", "serial_number", "category", "make", "model", "year", "daily_rate",
    "status", "total_engine_hours", "maintenance_status", "service_interval_hours",
)  # fmt: skip
# Since when the company has them. Of those bought this month nobody expects that they were out much.
OLD, NEW = dt.timedelta(days=1000), dt.timedelta(days=10)


def models(plan: Plan) -> bytes:
    """Each machine's model, as an index of MACHINES."""
    draw = plan.draws("models").random
    return bytes(int(draw() * len(MACHINES)) for _ in range(plan.units))


def equipment_rows(
    plan: Plan, *, kinds: Sequence[int], is_out: Sequence[int]
) -> Iterator[tuple[object, ...]]:
    """One row a machine. `kinds` is `models(plan)`."""
    draw = plan.draws("equipment").random
    prefix = plan.ids("equipment")
    this_year = plan.at.year
    first_spare = plan.units - plan.spare_units
    for number in range(plan.units):
        machine = MACHINES[kinds[number]]
        age = 3 + int(draw() * 6)
        health = condition(number).status
        in_workshop = draw() < 0.04 or health == "out_of_service"
        is_new = plan.ordinary_units <= number < first_spare
        if number >= first_spare:
            status = "retired" if number % 2 else "available"
        else:
            status = "rented" if is_out[number] else "maintenance" if in_workshop else "available"
        yield (
            f"{prefix}{number:012x}",
            plan.at - (NEW if is_new else OLD),
            plan.at,
            f"{machine.category[:2].upper()}-{number + 1:05d}",
            f"{machine.make[:3].upper()}{number * 7919 % 10_000_000:07d}",
            machine.category,
            machine.make,
            machine.model,
            this_year - age,
            f"{machine.rate}.00",
            status,
            f"{engine_hours(number)}.0",
            health,
            INTERVAL_HOURS,
        )
