-- For each local month in which somebody booked: customers whose first booking it was, customers who had booked in an
-- earlier month, how many of the new ones came back in a later month (per cent), and what the new ones are worth today.
CREATE MATERIALIZED VIEW mv_customer_cohorts AS
WITH here AS MATERIALIZED (
    SELECT rentals_now() AS now, rentals_zone() AS zone
), active AS (
    SELECT DISTINCT booking.customer_id, date_trunc('month', booking.created_at AT TIME ZONE here.zone)::date AS month
    FROM bookings AS booking, here
    WHERE booking.status <> 'cancelled' AND booking.created_at <= here.now
), lives AS (
    SELECT customer_id, month, min(month) OVER life AS first_month, max(month) OVER life AS last_month
    FROM active WINDOW life AS (PARTITION BY customer_id)
)
SELECT
    lives.month,
    count(*) FILTER (WHERE month = first_month)::integer AS new_customers,
    count(*) FILTER (WHERE month > first_month)::integer AS returning_customers,
    COALESCE(round(
        100.0 * count(*) FILTER (WHERE month = first_month AND last_month > first_month)
        / NULLIF(count(*) FILTER (WHERE month = first_month), 0), 2
    ), 0)::numeric(6, 2) AS retention_rate,
    COALESCE(round(
        avg(customer.lifetime_value) FILTER (WHERE month = first_month), 2
    ), 0)::numeric(14, 2) AS average_lifetime_value
FROM lives JOIN customers AS customer ON customer.id = lives.customer_id
GROUP BY lives.month;

CREATE UNIQUE INDEX mv_customer_cohorts_key ON mv_customer_cohorts (month);
