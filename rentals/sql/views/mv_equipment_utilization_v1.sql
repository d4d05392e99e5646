-- As of today, for each machine of the fleet over the last 30 local days: days out, their share (per cent), what they
-- earned (a booking's total, spread evenly over its days), and whether the machine wants maintenance.
-- One snapshot, not one a day: 50,000 machines over a month would be 1.5 million rows to write again every hour.
CREATE MATERIALIZED VIEW mv_equipment_utilization AS
WITH here AS MATERIALIZED (
    -- Compared with row by row where no index helps: a function would be asked a million times.
    SELECT rentals_today() AS today, rentals_today() - 29 AS first_day
), stays AS (
    SELECT
        booking.equipment_id,
        least(booking.end_date, here.today) - greatest(booking.start_date, here.first_day) + 1 AS days,
        booking.end_date - booking.start_date + 1 AS all_days,
        CASE WHEN booking.currency = rentals_currency() THEN booking.total_amount ELSE 0 END AS total_amount
    FROM bookings AS booking, here
    WHERE booking.status IN ('confirmed', 'active', 'completed')
        AND booking.start_date <= here.today AND booking.end_date >= here.first_day
), used AS (
    -- Two bookings of one machine on one day are a conflict, not two days.
    SELECT equipment_id, least(sum(days), 30) AS days, sum(total_amount * days / all_days) AS revenue
    FROM stays GROUP BY equipment_id
), wanting AS (
    SELECT DISTINCT equipment_id FROM maintenance_alerts WHERE resolved_at IS NULL
)
SELECT
    here.today AS snapshot_date,
    machine.id AS equipment_id,
    round(COALESCE(used.days, 0) * 100.0 / 30, 2)::numeric(6, 2) AS utilization,
    COALESCE(used.days, 0)::integer AS rented_days,
    (machine.maintenance_status <> 'normal' OR wanting.equipment_id IS NOT NULL) AS maintenance_due,
    round(COALESCE(used.revenue, 0), 2)::numeric(14, 2) AS revenue
FROM equipment AS machine
CROSS JOIN here
LEFT JOIN used ON used.equipment_id = machine.id
LEFT JOIN wanting ON wanting.equipment_id = machine.id
WHERE machine.status <> 'retired';

CREATE UNIQUE INDEX mv_equipment_utilization_key ON mv_equipment_utilization (snapshot_date, equipment_id);
