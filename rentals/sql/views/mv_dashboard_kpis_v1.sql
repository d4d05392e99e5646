-- The last 30 local days, today included: bookings made that day, money received, how much of the fleet was out (per cent),
-- how many customers had a machine, and what customers owed at the end of the day.
CREATE MATERIALIZED VIEW mv_dashboard_kpis AS
WITH here AS MATERIALIZED (
    -- Compared with row by row where no index helps: a function would be asked a million times.
    SELECT
        rentals_today() AS today, rentals_today() - 29 AS first_day, rentals_zone() AS zone,
        rentals_now() - interval '31 days' AS since
), days AS (
    SELECT here.first_day + n AS day FROM here, generate_series(0, 29) AS n
), made AS (
    SELECT (booking.created_at AT TIME ZONE here.zone)::date AS day, count(*) AS bookings
    FROM bookings AS booking, here
    WHERE booking.created_at >= here.since AND booking.status <> 'cancelled'
    GROUP BY 1
), received AS (
    SELECT (payment.created_at AT TIME ZONE here.zone)::date AS day, sum(payment.amount) AS revenue
    FROM payments AS payment, here
    WHERE payment.created_at >= rentals_now() - interval '31 days'
        AND payment.status = 'completed' AND payment.currency = rentals_currency()
    GROUP BY 1
), fleet AS (
    SELECT count(*) AS machines FROM equipment WHERE status <> 'retired'
), machine_days AS (
    -- A confirmed booking counts from its first day: the yard may forget to mark it as active.
    SELECT greatest(booking.start_date, here.first_day) + n AS day, booking.equipment_id, booking.customer_id
    FROM bookings AS booking, here, LATERAL generate_series(
        0, least(booking.end_date, here.today) - greatest(booking.start_date, here.first_day)
    ) AS n
    WHERE booking.status IN ('confirmed', 'active', 'completed')
        AND booking.start_date <= here.today AND booking.end_date >= here.first_day
), used AS (
    SELECT day, count(DISTINCT equipment_id) AS machines, count(DISTINCT customer_id) AS customers
    FROM machine_days GROUP BY day
), owed AS (
    SELECT days.day, sum(change.amount) AS amount
    FROM days JOIN receivable_changes AS change ON change.day <= days.day
    GROUP BY days.day
)
SELECT
    days.day AS snapshot_date,
    COALESCE(made.bookings, 0)::integer AS bookings,
    COALESCE(received.revenue, 0)::numeric(14, 2) AS revenue,
    COALESCE(round(100.0 * used.machines / NULLIF(fleet.machines, 0), 2), 0)::numeric(6, 2) AS utilization,
    COALESCE(used.customers, 0)::integer AS active_customers,
    COALESCE(owed.amount, 0)::numeric(14, 2) AS outstanding_balance
FROM days
CROSS JOIN fleet
LEFT JOIN made USING (day)
LEFT JOIN received USING (day)
LEFT JOIN used USING (day)
LEFT JOIN owed USING (day);

CREATE UNIQUE INDEX mv_dashboard_kpis_key ON mv_dashboard_kpis (snapshot_date);
