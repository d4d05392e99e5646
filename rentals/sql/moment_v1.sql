-- For which moment, in which zone and in which currency the views count. A refresh inside a transaction that said
--     SELECT set_config('rentals.now', '2026-11-20T15:00:00Z', true)
-- counts for that moment: `run_job --at`. Bodies are parsed here and now, since REFRESH runs with an empty search_path.
CREATE FUNCTION rentals_now() RETURNS timestamptz LANGUAGE sql STABLE
    RETURN COALESCE(NULLIF(current_setting('rentals.now', true), '')::timestamptz, now());

CREATE FUNCTION rentals_zone() RETURNS text LANGUAGE sql STABLE
    RETURN COALESCE(NULLIF(current_setting('rentals.zone', true), ''), 'America/Moncton');

CREATE FUNCTION rentals_today() RETURNS date LANGUAGE sql STABLE
    RETURN (rentals_now() AT TIME ZONE rentals_zone())::date;

-- Sums are of this currency: dollars and euros do not add up.
CREATE FUNCTION rentals_currency() RETURNS text LANGUAGE sql IMMUTABLE RETURN 'CAD';

-- By how much the sum that customers owe us rose (a booking) or fell (a payment) on a local day. What is only asked for
-- (pending) or was called off (cancelled) owes nothing, and what was paid for it settles nothing.
CREATE VIEW receivable_changes AS
WITH here AS MATERIALIZED (SELECT rentals_zone() AS zone)
SELECT (booking.created_at AT TIME ZONE here.zone)::date AS day, sum(booking.total_amount) AS amount
FROM bookings AS booking, here
WHERE booking.status IN ('confirmed', 'active', 'completed') AND booking.currency = rentals_currency()
GROUP BY 1
UNION ALL
SELECT (payment.created_at AT TIME ZONE here.zone)::date, -sum(payment.amount)
FROM payments AS payment, here
WHERE payment.status = 'completed' AND payment.currency = rentals_currency()
    AND NOT EXISTS (
        SELECT FROM bookings AS booking
        WHERE booking.id = payment.booking_id AND booking.status IN ('pending', 'cancelled')
    )
GROUP BY 1;
