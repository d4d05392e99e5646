-- The last 30 local days: tickets that were open when the day ended (today: now), by priority, and promises that were
-- broken on the day: the target passed, and nobody had answered or solved. The monitor's word counts beside the clocks'.
CREATE MATERIALIZED VIEW mv_support_sla AS
WITH here AS MATERIALIZED (
    SELECT rentals_now() AS now, rentals_today() AS today, rentals_zone() AS zone
), days AS MATERIALIZED (
    SELECT
        here.today - n AS day,
        least((here.today - n + 1)::timestamp AT TIME ZONE here.zone, here.now) AS ends_at
    FROM here, generate_series(0, 29) AS n
), waiting AS (
    SELECT
        days.day,
        count(*) FILTER (WHERE ticket.priority = 'low') AS low,
        count(*) FILTER (WHERE ticket.priority = 'normal') AS normal,
        count(*) FILTER (WHERE ticket.priority = 'high') AS high,
        count(*) FILTER (WHERE ticket.priority = 'critical') AS critical
    FROM days JOIN support_tickets AS ticket
        ON ticket.created_at <= days.ends_at
        AND (ticket.resolved_at IS NULL OR ticket.resolved_at > days.ends_at)
    WHERE ticket.resolved_at IS NULL OR ticket.resolved_at > rentals_now() - interval '31 days'
    GROUP BY days.day
), promises AS (
    SELECT
        ticket.created_at + sla.target_response_minutes * interval '1 minute' AS respond_by,
        COALESCE(sla.first_response_at, ticket.first_response_at, ticket.resolved_at, 'infinity') AS responded_at,
        sla.breached_response,
        ticket.created_at + sla.target_resolution_minutes * interval '1 minute' AS resolve_by,
        COALESCE(sla.resolved_at, ticket.resolved_at, 'infinity') AS resolved_at,
        sla.breached_resolution
    FROM support_sla AS sla JOIN support_tickets AS ticket ON ticket.id = sla.ticket_id
), broken AS (
    SELECT respond_by AS at, 1 AS response, 0 AS resolution FROM promises
    WHERE breached_response OR responded_at > respond_by
    UNION ALL
    SELECT resolve_by, 0, 1 FROM promises
    WHERE breached_resolution OR resolved_at > resolve_by
), breaches AS (
    SELECT (broken.at AT TIME ZONE here.zone)::date AS day, sum(response) AS response, sum(resolution) AS resolution
    FROM broken, here
    WHERE broken.at <= here.now
    GROUP BY 1
)
SELECT
    days.day,
    COALESCE(waiting.low, 0)::integer AS open_low,
    COALESCE(waiting.normal, 0)::integer AS open_normal,
    COALESCE(waiting.high, 0)::integer AS open_high,
    COALESCE(waiting.critical, 0)::integer AS open_critical,
    COALESCE(breaches.response, 0)::integer AS breached_response,
    COALESCE(breaches.resolution, 0)::integer AS breached_resolution
FROM days
LEFT JOIN waiting USING (day)
LEFT JOIN breaches USING (day);

CREATE UNIQUE INDEX mv_support_sla_key ON mv_support_sla (day);
