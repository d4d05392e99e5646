"""What the workshop and the machines' radios know: in, a Plan; out, services, readings and alerts of each machine."""

from collections.abc import Iterator

from rentals.sample.conditions import INTERVAL_HOURS, Condition, condition
from rentals.sample.days import Days
from rentals.sample.plan import Plan
from rentals.sample.rows import NULL, Row

LOG_COLUMNS = (
    "id", "created_at", "updated_at", "equipment_id", "maintenance_type", "status", "performed_at", "next_due_at",
    "engine_hours", "technician", "notes", "cost",
)  # fmt: skip
SNAPSHOT_COLUMNS = (
    "id", "created_at", "updated_at", "equipment_id", "captured_at", "engine_hours", "battery_level", "fault_codes",
)  # fmt: skip
ALERT_COLUMNS = (
    "id", "created_at", "updated_at", "equipment_id", "alert_type", "threshold_value", "due_at", "fault_code",
    "triggered_at", "resolved_at",
)  # fmt: skip
DAY = 24 * 60
READINGS = 4
HOURS_A_DAY = 6


def engine_hours(number: int) -> int:
    """What the engine shows at the moment; more than two service intervals."""
    return 600 + number * 7919 % 5400


def log_rows(plan: Plan, days: Days) -> Iterator[Row]:
    """Two services done for each machine, and the planned ones."""
    logs, units = plan.ids("maintenance_logs"), plan.ids("equipment")
    for number in range(plan.units):
        now, unit = condition(number), f"{units}{number:012x}"
        last_hours = engine_hours(number) - INTERVAL_HOURS - now.over
        done_at, due_at = days.ago(-now.serviced * DAY), days.ago(-now.due * DAY)
        before_at = days.ago((180 - now.serviced) * DAY)
        cost = f"{180 + number * 37 % 900}.00"
        key = f"{logs}{number * 3:012x}"
        yield (
            key, before_at, before_at, unit, "inspection", "completed", before_at, days.ago(-(now.serviced - 1) * DAY),
            f"{last_hours - INTERVAL_HOURS}.0", "workshop", "", cost,
        )  # fmt: skip
        key = f"{logs}{number * 3 + 1:012x}"
        yield (
            key, done_at, done_at, unit, "routine", "completed", done_at, due_at, f"{last_hours}.0", "workshop", "", cost,
        )  # fmt: skip
        if now.planned is not None:
            key = f"{logs}{number * 3 + 2:012x}"
            planned_at = days.ago(-now.planned * DAY)
            yield key, done_at, done_at, unit, "repair", "pending", NULL, planned_at, NULL, "", "", "0.00"


def snapshot_rows(plan: Plan, days: Days) -> Iterator[Row]:
    """A reading a day for each machine, the newest within the last hour."""
    snapshots, units = plan.ids("telematics_snapshots"), plan.ids("equipment")
    moments = [[days.ago(minute + 1 + age * DAY) for age in range(READINGS)] for minute in range(50)]
    for number in range(plan.units):
        now, unit, hours = condition(number), f"{units}{number:012x}", engine_hours(number)
        battery = str(70 + number * 13 % 31)
        for age, captured_at in enumerate(moments[number % len(moments)]):
            fault = now.fault or (now.old_fault if age else "")
            key = f"{snapshots}{number * READINGS + age:012x}"
            shown = f"{hours - age * HOURS_A_DAY}.0"
            yield key, captured_at, captured_at, unit, captured_at, shown, battery, f"{{{fault}}}"


def alert_rows(plan: Plan, days: Days) -> Iterator[Row]:
    """One of the past for every tenth machine, and those that are open."""
    alerts, units = plan.ids("maintenance_alerts"), plan.ids("equipment")
    for number in range(plan.units):
        now, unit = condition(number), f"{units}{number:012x}"
        if number % 10 == 0:
            threshold = f"{engine_hours(number) - INTERVAL_HOURS - now.over}.0"
            raised_at, done_at = days.ago((1 - now.serviced) * DAY), days.ago(-now.serviced * DAY)
            identity = f"{alerts}{number * 2:012x}", raised_at, done_at, unit
            yield *identity, "hours_based", threshold, NULL, "", raised_at, done_at
        if now.alert:
            yield _open_alert(f"{alerts}{number * 2 + 1:012x}", unit, now, days)


def _open_alert(key: str, unit: str, now: Condition, days: Days) -> Row:
    """Of the service that is due; or of the one before, where that was done since."""
    due = now.due if now.due < 0 else now.serviced - 1
    raised_at = due_at = days.ago(-due * DAY)
    return key, raised_at, raised_at, unit, now.alert, NULL, due_at, "", raised_at, NULL
