"""The machines of a sample business: in, a Plan and which are out; out, rows for COPY."""

from collections.abc import Iterator, Sequence

from rentals.sample.plan import Plan
from rentals.sample.words import MACHINES

COLUMNS = (
    "id", "created_at", "updated_at", "unit_id", "serial_number", "category", "make", "model", "year", "daily_rate",
    "status", "total_engine_hours", "maintenance_status",
)  # fmt: skip


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
    for number in range(plan.units):
        machine = MACHINES[kinds[number]]
        age = int(draw() * 9)
        wear, in_workshop = draw(), draw() < 0.04
        yield (
            f"{prefix}{number:012x}",
            plan.at,
            plan.at,
            f"{machine.category[:2].upper()}-{number + 1:05d}",
            f"{machine.make[:3].upper()}{number * 7919 % 10_000_000:07d}",
            machine.category,
            machine.make,
            machine.model,
            this_year - age,
            f"{machine.rate}.00",
            "rented" if is_out[number] else "maintenance" if in_workshop else "available",
            f"{age * 600 + wear * 600:.1f}",
            "normal" if wear < 0.93 else "due" if wear < 0.98 else "overdue",
        )
