-- The last 30 local days, today included: money received by Stripe and otherwise on the day, what customers owed when it
-- ended, and what Stripe had received and not paid out by then (before fees).
CREATE MATERIALIZED VIEW mv_financial_summary AS
WITH here AS MATERIALIZED (
    SELECT rentals_today() AS today, rentals_zone() AS zone
), days AS MATERIALIZED (
    SELECT here.today - n AS day FROM here, generate_series(0, 29) AS n
), received AS MATERIALIZED (
    -- A payment whose payout we know nothing of, though it names one, was paid out when it came.
    SELECT
        (payment.created_at AT TIME ZONE here.zone)::date AS day,
        (payment.stripe_charge_id <> '' OR payment.stripe_payment_intent_id <> '') AS by_stripe,
        CASE WHEN payment.payout_id = '' THEN 'infinity'::date ELSE payout.arrival_date END AS paid_out_date,
        sum(payment.amount) AS amount
    FROM here, payments AS payment
    LEFT JOIN payout_reconciliations AS payout ON payout.stripe_payout_id = payment.payout_id
    WHERE payment.status = 'completed' AND payment.currency = rentals_currency()
    GROUP BY 1, 2, 3
), collected AS (
    SELECT
        day,
        sum(amount) FILTER (WHERE by_stripe) AS stripe,
        sum(amount) FILTER (WHERE NOT by_stripe) AS manual
    FROM received GROUP BY day
), owed AS (
    SELECT days.day, sum(change.amount) AS amount
    FROM days JOIN receivable_changes AS change ON change.day <= days.day
    GROUP BY days.day
), at_stripe AS (
    SELECT days.day, sum(received.amount) AS amount
    FROM days JOIN received ON received.day <= days.day AND received.paid_out_date > days.day
    WHERE received.by_stripe
    GROUP BY days.day
)
SELECT
    days.day AS snapshot_date,
    COALESCE(collected.stripe, 0)::numeric(14, 2) AS stripe_collections,
    COALESCE(collected.manual, 0)::numeric(14, 2) AS manual_collections,
    COALESCE(owed.amount, 0)::numeric(14, 2) AS receivables,
    COALESCE(at_stripe.amount, 0)::numeric(14, 2) AS payouts_pending
FROM days
LEFT JOIN collected USING (day)
LEFT JOIN owed USING (day)
LEFT JOIN at_stripe USING (day);

CREATE UNIQUE INDEX mv_financial_summary_key ON mv_financial_summary (snapshot_date);
