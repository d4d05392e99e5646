"""How machines stand with the workshop: in, a machine's number; out, its condition. Most are well.

Each condition that maintenance_reminders looks at comes once in `EVERY` machines, due ones and near misses.
"""

from typing import NamedTuple

EVERY = 60
INTERVAL_HOURS = 250


class Condition(NamedTuple):
    """`serviced` and `due` in days from the moment; `over` is how many engine hours it is past its interval."""

    serviced: int = -40
    due: int = 140
    over: int = -160
    status: str = "normal"
    # What it reports now, and what it reported before.
    fault: str = ""
    old_fault: str = ""
    # In how many days a service is planned.
    planned: int | None = None
    # Of which kind an alert is open.
    alert: str = ""


WELL = Condition()
CONDITIONS = {
    # Something to do.
    "date_passed": Condition(serviced=-190, due=-3),
    "hours_passed": Condition(serviced=-80, due=100, over=12),
    "fault": Condition(fault="SPN110-FMI0"),
    "date_near": Condition(serviced=-173, due=7),
    "hours_near": Condition(serviced=-80, due=100, over=-10),
    "plan_passed": Condition(planned=-1),
    "serviced_yesterday": Condition(serviced=-1, due=179, over=-245, status="due", alert="calendar_based"),
    # Nothing to do.
    "told_already": Condition(serviced=-200, due=-20, status="overdue", alert="calendar_based"),
    "fault_gone": Condition(old_fault="SPN100-FMI1"),
    "in_two_months": Condition(serviced=-120, due=60, over=-80),
    "plan_far": Condition(planned=45),
    "out_of_service": Condition(status="out_of_service"),
}


def condition(number: int) -> Condition:
    turn = number % EVERY
    return _CASES[turn] if turn < len(_CASES) else WELL


_CASES = list(CONDITIONS.values())
