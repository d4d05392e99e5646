-- The last 400 local days: bookings made on the day by what became of them, bookings called off on the day (their last
-- change), and proofs of insurance handed in on the day that nobody has settled yet.
CREATE MATERIALIZED VIEW mv_booking_trends AS
WITH here AS MATERIALIZED (
    SELECT rentals_today() AS today, rentals_zone() AS zone, rentals_now() - interval '401 days' AS since
), days AS (
    SELECT here.today - n AS day FROM here, generate_series(0, 399) AS n
), made AS (
    SELECT
        (booking.created_at AT TIME ZONE here.zone)::date AS day,
        count(*) FILTER (WHERE status = 'pending') AS pending,
        count(*) FILTER (WHERE status = 'confirmed') AS confirmed,
        count(*) FILTER (WHERE status = 'active') AS active,
        count(*) FILTER (WHERE status = 'completed') AS completed,
        count(*) FILTER (WHERE status = 'cancelled') AS cancelled
    FROM bookings AS booking, here
    WHERE booking.created_at >= here.since
    GROUP BY 1
), called_off AS (
    SELECT (booking.updated_at AT TIME ZONE here.zone)::date AS day, count(*) AS bookings
    FROM bookings AS booking, here
    WHERE booking.status = 'cancelled'
    GROUP BY 1
), unsettled AS (
    SELECT (document.created_at AT TIME ZONE here.zone)::date AS day, count(*) AS documents
    FROM insurance_documents AS document, here
    WHERE document.status IN ('pending', 'info_requested')
    GROUP BY 1
)
SELECT
    days.day,
    COALESCE(made.pending, 0)::integer AS pending,
    COALESCE(made.confirmed, 0)::integer AS confirmed,
    COALESCE(made.active, 0)::integer AS active,
    COALESCE(made.completed, 0)::integer AS completed,
    COALESCE(made.cancelled, 0)::integer AS cancelled,
    COALESCE(called_off.bookings, 0)::integer AS cancellations,
    COALESCE(unsettled.documents, 0)::integer AS insurance_pending
FROM days
LEFT JOIN made USING (day)
LEFT JOIN called_off USING (day)
LEFT JOIN unsettled USING (day);

CREATE UNIQUE INDEX mv_booking_trends_key ON mv_booking_trends (day);
