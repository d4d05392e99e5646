"""What the workshop's records say of every machine, kept in alerts and states: in, `now`; out, what is new. Whole sets in SQL.

judge (how each machine stands, once, in a temporary table) → resolve (what was serviced) → open (what is new) → set_states.
All in one transaction, which the table does not outlive.
"""

import datetime as dt
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path

from django.db import connection

from rentals.querysets.maintenance import DUE_HOURS, limits

_JUDGE = (Path(__file__).parent / "sql" / "maintenance_judgement.sql").read_text("utf-8")

# An alert is over once its limit is not near any more, or a service came after it; without a service it is withdrawn, and
# may open again. A limit that is unknown (no reading) ends nothing; neither does a run for a moment before the alert.
_RESOLVE = """
WITH resolved AS (
    UPDATE maintenance_alerts AS alert SET resolved_at = %(now)s, updated_at = now(),
        withdrawn = CASE alert.alert_type
            WHEN 'hours_based' THEN COALESCE(machine.hours_serviced_at <= alert.triggered_at, true)
            WHEN 'calendar_based' THEN COALESCE(machine.date_serviced_at <= alert.triggered_at, true)
            ELSE false
        END
    FROM maintenance_judgement AS machine
    WHERE alert.equipment_id = machine.equipment_id AND alert.resolved_at IS NULL AND alert.triggered_at <= %(now)s
        AND CASE alert.alert_type
            WHEN 'hours_based' THEN machine.by_hours = 'normal' OR machine.hours_serviced_at > alert.triggered_at
            WHEN 'calendar_based' THEN machine.by_date = 'normal' OR machine.date_serviced_at > alert.triggered_at
            ELSE NOT alert.fault_code = ANY (machine.fault_codes)
        END
    RETURNING alert.equipment_id
), known AS (
    UPDATE maintenance_judgement AS machine SET is_known = true
    FROM resolved WHERE machine.equipment_id = resolved.equipment_id AND NOT machine.is_known
)
SELECT count(*) FROM resolved
"""

# The table's constraints say what is told already. A fault that a person resolved is news again with the next reading.
_OPEN = """
WITH opened AS (
    INSERT INTO maintenance_alerts (equipment_id, alert_type, threshold_value, due_at, fault_code, triggered_at)
    SELECT equipment_id, 'hours_based', hours_limit, NULL, '', %(now)s
    FROM maintenance_judgement WHERE by_hours IN ('due', 'overdue')
    UNION ALL
    SELECT equipment_id, 'calendar_based', NULL, due_at, '', %(now)s
    FROM maintenance_judgement WHERE by_date IN ('due', 'overdue')
    UNION ALL
    SELECT machine.equipment_id, 'fault_code', NULL, NULL, reported.code, %(now)s
    FROM maintenance_judgement AS machine CROSS JOIN unnest(machine.fault_codes) AS reported (code)
    -- Not EXISTS, which may be answered by reading all alerts there ever were.
    WHERE reported.code <> '' AND machine.captured_at > COALESCE((
        SELECT max(settled.resolved_at) FROM maintenance_alerts AS settled
        WHERE settled.equipment_id = machine.equipment_id AND settled.alert_type = 'fault_code'
            AND settled.fault_code = reported.code
    ), '-infinity')
    ON CONFLICT DO NOTHING
    RETURNING id, equipment_id, alert_type, threshold_value, due_at, fault_code
), told AS (
    SELECT opened.*, equipment.unit_id, equipment.make || ' ' || equipment.model AS label,
        CASE opened.alert_type
            WHEN 'hours_based' THEN machine.by_hours WHEN 'calendar_based' THEN machine.by_date ELSE 'fault'
        END AS urgency,
        count(*) FILTER (WHERE opened.alert_type = 'hours_based') OVER () AS hours_based,
        count(*) FILTER (WHERE opened.alert_type = 'calendar_based') OVER () AS calendar_based,
        count(*) FILTER (WHERE opened.alert_type = 'fault_code') OVER () AS fault_code_count
    FROM opened
    JOIN maintenance_judgement AS machine USING (equipment_id)
    JOIN equipment ON equipment.id = opened.equipment_id
)
SELECT id, urgency, unit_id, label, threshold_value, due_at, fault_code, hours_based, calendar_based, fault_code_count
FROM told
ORDER BY array_position(ARRAY['overdue', 'fault', 'due'], urgency), unit_id, id
LIMIT %(limit)s
"""

_SET_STATES = """
WITH wanted AS (
    SELECT equipment_id, CASE
        WHEN 'overdue' IN (by_hours, by_date) THEN 'overdue'
        WHEN 'due' IN (by_hours, by_date) OR EXISTS (
            SELECT FROM maintenance_alerts AS alert
            WHERE alert.equipment_id = machine.equipment_id AND alert.resolved_at IS NULL
        ) THEN 'due'
        WHEN is_known THEN 'normal'
        ELSE maintenance_status
    END AS state
    FROM maintenance_judgement AS machine
), turned AS (
    UPDATE equipment SET maintenance_status = wanted.state, updated_at = now()
    FROM wanted
    WHERE equipment.id = wanted.equipment_id AND equipment.maintenance_status NOT IN ('out_of_service', wanted.state)
    RETURNING equipment.maintenance_status
)
SELECT maintenance_status, count(*) FROM turned GROUP BY 1
"""


@dataclass(frozen=True, slots=True)
class News:
    """An alert that was opened just now. `urgency` is overdue, fault or due; one of the last three says why."""

    id: uuid.UUID
    urgency: str
    unit_id: str
    label: str
    threshold_value: Decimal | None
    due_at: dt.datetime | None
    fault_code: str


@dataclass(frozen=True, slots=True)
class Opened:
    """The most urgent of the alerts that were opened, and how many of each kind there are in all."""

    first: Sequence[News]
    counts: Mapping[str, int]

    @property
    def total(self) -> int:
        return sum(self.counts.values())


def judge(*, now: dt.datetime) -> None:
    """Note how each machine stands that wants something, or was said to. Retired ones want nothing any more."""
    day = limits(now)
    with connection.cursor() as cursor:
        cursor.execute("DROP TABLE IF EXISTS pg_temp.maintenance_judgement")
        cursor.execute(
            _JUDGE,
            {"overdue_before": day.overdue_before, "due_before": day.due_before, "due_hours": DUE_HOURS},
        )


def resolve(*, now: dt.datetime) -> int:
    """Resolve what was serviced, moved or reported no more; answers how many."""
    with connection.cursor() as cursor:
        cursor.execute(_RESOLVE, {"now": now})
        return int(cursor.fetchone()[0])


def open_new(*, now: dt.datetime, limit: int) -> Opened:
    """Open an alert for all that is news; answers the `limit` most urgent. Two runs at once open each once."""
    with connection.cursor() as cursor:
        cursor.execute(_OPEN, {"now": now, "limit": limit})
        rows = cursor.fetchall()
    counts = rows[0][7:] if rows else (0, 0, 0)
    kinds = ("hours_based", "calendar_based", "fault_code")
    return Opened([News(*row[:7]) for row in rows], dict(zip(kinds, counts, strict=True)))


def set_states() -> Mapping[str, int]:
    """Let each machine's `maintenance_status` say how it stands; answers how many turned, by their new state.

    Out of service is a person's word and stays. So does any word on a machine of which nothing is known.
    """
    with connection.cursor() as cursor:
        cursor.execute(_SET_STATES)
        return dict(cursor.fetchall())
