-- The last 400 local days (a day finds its like a year ago): money received on the day, how much of it were deposits and
-- how much balances, and what was paid back on the day. What is refunded later was received all the same.
CREATE MATERIALIZED VIEW mv_revenue_trends AS
WITH here AS MATERIALIZED (
    SELECT rentals_today() AS today, rentals_zone() AS zone, rentals_now() - interval '401 days' AS since
), days AS (
    SELECT here.today - n AS day FROM here, generate_series(0, 399) AS n
), received AS (
    -- A payment does not say what it is for: a booking's first dollars are its deposit, up to the deposit's amount.
    SELECT
        payment.created_at,
        payment.amount,
        booking.deposit_amount,
        sum(payment.amount) OVER (PARTITION BY payment.booking_id ORDER BY payment.created_at, payment.id) AS so_far
    FROM payments AS payment JOIN bookings AS booking ON booking.id = payment.booking_id
    WHERE payment.status IN ('completed', 'refunded') AND payment.currency = rentals_currency()
), parted AS (
    SELECT
        (received.created_at AT TIME ZONE here.zone)::date AS day,
        sum(amount) AS gross,
        sum(least(so_far, deposit_amount) - least(so_far - amount, deposit_amount)) AS deposits
    FROM received, here
    WHERE received.created_at >= here.since
    GROUP BY 1
), refunded AS (
    SELECT (payment.updated_at AT TIME ZONE here.zone)::date AS day, sum(payment.amount) AS amount
    FROM payments AS payment, here
    WHERE payment.status = 'refunded' AND payment.currency = rentals_currency()
    GROUP BY 1
)
SELECT
    days.day,
    COALESCE(parted.gross, 0)::numeric(14, 2) AS gross_revenue,
    COALESCE(parted.deposits, 0)::numeric(14, 2) AS deposits,
    COALESCE(parted.gross - parted.deposits, 0)::numeric(14, 2) AS balance,
    COALESCE(refunded.amount, 0)::numeric(14, 2) AS refunds
FROM days
LEFT JOIN parted USING (day)
LEFT JOIN refunded USING (day);

CREATE UNIQUE INDEX mv_revenue_trends_key ON mv_revenue_trends (day);
