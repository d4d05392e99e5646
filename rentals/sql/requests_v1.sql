-- Business tables ask for a refresh of the views that read them. Statement by statement, so that a COPY of a million rows
-- asks once; by plain INSERTs, so that no transaction waits for another; and not while a request of the last 30 seconds
-- is pending, so that a busy hour leaves some hundred rows. rentals/views.py says what that means for who takes them.
CREATE FUNCTION request_view_refresh() RETURNS trigger LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
BEGIN
    INSERT INTO view_refresh_requests (view_name, requested_at, source_table)
    SELECT wanted.view_name, clock_timestamp(), TG_TABLE_NAME
    FROM unnest(TG_ARGV) AS wanted (view_name)
    WHERE NOT EXISTS (
        SELECT FROM view_refresh_requests AS pending
        WHERE pending.view_name = wanted.view_name
            AND pending.requested_at > clock_timestamp() - interval '30 seconds'
    );
    RETURN NULL;
END $$;

-- Views that are refreshed every 5 minutes or once a night anyhow are not asked for, but for mv_support_sla.
CREATE TRIGGER bookings_request_views
    AFTER INSERT OR DELETE OR UPDATE OF status, start_date, end_date, equipment_id, total_amount ON bookings
    FOR EACH STATEMENT EXECUTE FUNCTION request_view_refresh(
        'mv_equipment_utilization', 'mv_booking_trends', 'mv_dashboard_kpis', 'mv_financial_summary');

CREATE TRIGGER payments_request_views
    AFTER INSERT OR DELETE OR UPDATE OF status, amount, payout_id ON payments
    FOR EACH STATEMENT EXECUTE FUNCTION request_view_refresh(
        'mv_revenue_trends', 'mv_financial_summary', 'mv_dashboard_kpis');

CREATE TRIGGER support_tickets_request_views
    AFTER INSERT OR DELETE OR UPDATE OF status, priority, first_response_at, resolved_at ON support_tickets
    FOR EACH STATEMENT EXECUTE FUNCTION request_view_refresh('mv_support_sla');

CREATE TRIGGER insurance_documents_request_views
    AFTER INSERT OR DELETE OR UPDATE OF status, booking_id ON insurance_documents
    FOR EACH STATEMENT EXECUTE FUNCTION request_view_refresh('mv_booking_trends');
