-- What staff should look at now, one row a matter. `detected_at` is when the matter arose, so that a row stays the same
-- from refresh to refresh; `payload` holds ids and numbers, no names or addresses.
CREATE MATERIALIZED VIEW mv_alert_candidates AS
WITH here AS MATERIALIZED (
    -- Compared with row by row where no index helps; where one does, the condition names the function.
    SELECT rentals_now() AS now, rentals_today() AS today, rentals_zone() AS zone
), standing AS MATERIALIZED (
    -- Bookings that are out, or still to come.
    SELECT id, equipment_id, start_date, end_date, status, created_at
    FROM bookings
    WHERE status IN ('confirmed', 'active') AND end_date >= rentals_today()
), used AS (
    SELECT
        booking.equipment_id,
        sum(least(booking.end_date, here.today - 1) - greatest(booking.start_date, here.today - 30) + 1) AS days
    FROM bookings AS booking, here
    WHERE booking.status IN ('confirmed', 'active', 'completed')
        AND booking.start_date < here.today AND booking.end_date >= here.today - 30
    GROUP BY booking.equipment_id
), low_utilization AS (
    -- Out on fewer than 3 of the 30 days before today. Machines of less than 30 days, in the workshop or retired do not
    -- count. Never more than info: a slow season would wake everybody for every machine.
    SELECT
        'low_utilization', 'equipment', machine.id::text, 'info',
        here.today::timestamp AT TIME ZONE here.zone,
        jsonb_build_object(
            'unit_id', machine.unit_id, 'rented_days', COALESCE(used.days, 0), 'window_days', 30,
            'utilization', round(COALESCE(used.days, 0) * 100.0 / 30, 2)
        )
    FROM equipment AS machine
    CROSS JOIN here
    LEFT JOIN used ON used.equipment_id = machine.id
    WHERE machine.status IN ('available', 'rented') AND COALESCE(used.days, 0) < 3
        AND machine.created_at < here.now - interval '30 days'
), overdue_insurance AS (
    -- The rental begins tomorrow at the latest, and its document has run out, or nobody has verified it. Only the newest
    -- of a type counts. Critical once the machine is out.
    SELECT
        'overdue_insurance', 'insurance_document', document.id::text,
        CASE WHEN booking.status = 'active' THEN 'critical' ELSE 'warning' END,
        CASE
            WHEN document.status = 'verified' THEN document.expires_at
            ELSE (booking.start_date - 1)::timestamp AT TIME ZONE here.zone
        END,
        jsonb_build_object(
            'booking_id', booking.id, 'document_type', document.document_type, 'document_status', document.status,
            'expires_at', document.expires_at, 'start_date', booking.start_date, 'end_date', booking.end_date
        )
    FROM standing AS booking
    CROSS JOIN here
    JOIN insurance_documents AS document ON document.booking_id = booking.id
    WHERE booking.start_date <= here.today + 1
        AND (document.status IN ('pending', 'info_requested')
            OR (document.status = 'verified' AND document.expires_at <= here.now))
        AND NOT EXISTS (
            SELECT FROM insurance_documents AS newer
            WHERE newer.booking_id = document.booking_id AND newer.document_type = document.document_type
                AND (newer.created_at, newer.id) > (document.created_at, document.id)
        )
), clocks AS (
    SELECT
        ticket.id, ticket.priority, ticket.created_at, ticket.first_response_at AS responded_at,
        CASE WHEN ticket.first_response_at IS NULL AND sla.first_response_at IS NULL
            THEN ticket.created_at + sla.target_response_minutes * interval '1 minute' END AS respond_by,
        ticket.created_at + sla.target_resolution_minutes * interval '1 minute' AS resolve_by
    FROM support_tickets AS ticket JOIN support_sla AS sla ON sla.ticket_id = ticket.id
    WHERE ticket.status IN ('open', 'pending') AND sla.resolved_at IS NULL
), sla_breach AS (
    -- An open ticket past a target. Critical for tickets of priority high and critical.
    SELECT
        'sla_breach', 'support_ticket', clock.id::text,
        CASE WHEN clock.priority IN ('high', 'critical') THEN 'critical' ELSE 'warning' END,
        least(clock.respond_by, clock.resolve_by),
        jsonb_build_object(
            'priority', clock.priority, 'respond_by', clock.respond_by, 'resolve_by', clock.resolve_by,
            'response_breached', COALESCE(clock.respond_by <= here.now, false),
            'resolution_breached', clock.resolve_by <= here.now
        )
    FROM clocks AS clock, here
    WHERE least(clock.respond_by, clock.resolve_by) <= here.now
), payout_delay AS (
    -- Stripe said it would arrive, and two days later it is not reconciled: banks need one. Critical after a week.
    SELECT
        'payout_delay', 'payout', payout.stripe_payout_id,
        CASE WHEN payout.arrival_date < here.today - 7 THEN 'critical' ELSE 'warning' END,
        (payout.arrival_date + 3)::timestamp AT TIME ZONE here.zone,
        jsonb_build_object(
            'arrival_date', payout.arrival_date, 'days_late', here.today - payout.arrival_date,
            'amount', payout.amount, 'currency', payout.currency
        )
    FROM payout_reconciliations AS payout, here
    WHERE payout.status = 'pending' AND payout.arrival_date < rentals_today() - 2
), booking_conflict AS (
    -- Two bookings of one machine on one day, both firm. It is the later one's matter. Critical from three days before.
    SELECT
        'booking_conflict', 'booking', later.id::text,
        CASE
            WHEN min(greatest(later.start_date, earlier.start_date)) <= here.today + 3 THEN 'critical' ELSE 'warning'
        END,
        later.created_at,
        jsonb_build_object(
            'equipment_id', later.equipment_id, 'start_date', later.start_date, 'end_date', later.end_date,
            'conflicts_with', jsonb_agg(earlier.id ORDER BY earlier.start_date, earlier.id),
            'first_conflict_date', min(greatest(later.start_date, earlier.start_date))
        )
    FROM standing AS later
    JOIN standing AS earlier
        ON earlier.equipment_id = later.equipment_id
        AND (earlier.created_at, earlier.id) < (later.created_at, later.id)
        AND earlier.start_date <= later.end_date AND earlier.end_date >= later.start_date
    CROSS JOIN here
    GROUP BY later.id, later.equipment_id, later.start_date, later.end_date, later.created_at, here.today
), tries AS (
    SELECT
        payment.payment_method,
        count(*) FILTER (WHERE recent.is_it) AS tried,
        count(*) FILTER (WHERE recent.is_it AND payment.status = 'failed') AS failed,
        count(*) FILTER (WHERE NOT recent.is_it AND payment.status = 'failed') / 7.0 AS usual,
        max(payment.created_at) FILTER (WHERE payment.status = 'failed') AS last_failed_at
    FROM payments AS payment, here,
        LATERAL (SELECT payment.created_at > here.now - interval '1 day' AS is_it) AS recent
    WHERE payment.created_at > rentals_now() - interval '8 days' AND payment.created_at <= rentals_now()
    GROUP BY payment.payment_method
), payment_failure_spike AS (
    -- In 24 hours at least 5 failures, a fifth of all tries, and thrice a day of the week before. Critical from one half.
    SELECT
        'payment_failure_spike', 'payment_method', payment_method,
        CASE WHEN failed * 2 >= tried THEN 'critical' ELSE 'warning' END,
        last_failed_at,
        jsonb_build_object(
            'failed', failed, 'tried', tried, 'usual_a_day', round(usual, 2), 'window_hours', 24
        )
    FROM tries
    WHERE failed >= 5 AND failed * 5 >= tried AND failed >= 3 * usual
)
SELECT
    candidate.alert_type, candidate.entity_type, candidate.entity_id,
    candidate.severity, candidate.detected_at, candidate.payload
FROM (
    SELECT * FROM low_utilization
    UNION ALL SELECT * FROM overdue_insurance
    UNION ALL SELECT * FROM sla_breach
    UNION ALL SELECT * FROM payout_delay
    UNION ALL SELECT * FROM booking_conflict
    UNION ALL SELECT * FROM payment_failure_spike
) AS candidate (alert_type, entity_type, entity_id, severity, detected_at, payload);

CREATE UNIQUE INDEX mv_alert_candidates_key ON mv_alert_candidates (alert_type, entity_type, entity_id);
