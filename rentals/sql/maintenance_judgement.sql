-- How each machine stands, for `rentals/maintenance.py`: by the hours of its newest reading against those at its last
-- service, by the nearer of the next date and a planned service, and the faults that it reports. Only machines that want
-- something, are said to, or have an open alert: few, however big the fleet.
CREATE TEMPORARY TABLE maintenance_judgement ON COMMIT DROP AS
WITH planned AS (
    SELECT equipment_id, min(next_due_at) AS next_due_at
    FROM maintenance_logs WHERE status = 'pending' AND next_due_at IS NOT NULL GROUP BY equipment_id
), known AS (
    SELECT
        machine.id AS equipment_id, machine.maintenance_status,
        reading.captured_at, reading.engine_hours, reading.fault_codes,
        by_engine.performed_at AS hours_serviced_at,
        by_engine.engine_hours + machine.service_interval_hours AS hours_limit,
        by_calendar.performed_at AS date_serviced_at,
        least(by_calendar.next_due_at, planned.next_due_at) AS due_at
    FROM equipment AS machine
    LEFT JOIN LATERAL (
        SELECT captured_at, engine_hours, fault_codes FROM telematics_snapshots
        WHERE equipment_id = machine.id ORDER BY captured_at DESC LIMIT 1
    ) AS reading ON true
    -- A repair that says nothing of the next service leaves the plan as it was, so the newest that says something counts.
    LEFT JOIN LATERAL (
        SELECT performed_at, engine_hours FROM maintenance_logs
        WHERE equipment_id = machine.id AND status = 'completed' AND engine_hours IS NOT NULL
        ORDER BY performed_at DESC LIMIT 1
    ) AS by_engine ON true
    LEFT JOIN LATERAL (
        SELECT performed_at, next_due_at FROM maintenance_logs
        WHERE equipment_id = machine.id AND status = 'completed' AND next_due_at IS NOT NULL
        ORDER BY performed_at DESC LIMIT 1
    ) AS by_calendar ON true
    LEFT JOIN planned ON planned.equipment_id = machine.id
    WHERE machine.status <> 'retired'
), judged AS (
    SELECT
        known.*,
        -- Unknown without a reading or a service: nothing can be said, least of all that all is well.
        CASE
            WHEN engine_hours >= hours_limit THEN 'overdue'
            WHEN engine_hours >= hours_limit - %(due_hours)s THEN 'due'
            WHEN engine_hours < hours_limit THEN 'normal'
        END AS by_hours,
        -- No date is no date that is due.
        CASE
            WHEN due_at < %(overdue_before)s THEN 'overdue'
            WHEN due_at < %(due_before)s THEN 'due'
            ELSE 'normal'
        END AS by_date
    FROM known
)
SELECT
    judged.*,
    due_at IS NOT NULL OR captured_at IS NOT NULL OR hours_limit IS NOT NULL AS is_known
FROM judged
WHERE by_hours IN ('due', 'overdue') OR by_date IN ('due', 'overdue') OR fault_codes <> '{}'
    OR maintenance_status IN ('due', 'overdue')
    OR equipment_id IN (SELECT equipment_id FROM maintenance_alerts WHERE resolved_at IS NULL)
