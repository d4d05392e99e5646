"""The tables that hang on no booking: in, a Plan and what the bookings left behind; out, how many rows each got."""

from collections.abc import Sequence

from rentals.sample import (
    alerts,
    booking_rows,
    customers,
    failed_payments,
    fleet,
    payouts,
    promotions,
    segments,
    workshop,
)
from rentals.sample.booking_rows import Writer
from rentals.sample.bulk import copy_rows, copy_text
from rentals.sample.days import Days
from rentals.sample.payouts import Till
from rentals.sample.plan import Plan


def load_standing(
    plan: Plan,
    *,
    days: Days,
    till: Till,
    writer: Writer,
    homes: Sequence[int],
    kinds: Sequence[int],
    staff: Sequence[int],
) -> dict[str, int]:
    """Machines and customers, workshop, payouts, segments, promotions, alerts; after the bookings, whose sums they hold."""
    machines = fleet.equipment_rows(plan, kinds=kinds, is_out=writer.is_out)
    people = customers.customer_rows(plan, homes=homes, spent=writer.spent)
    values = (
        ("equipment", fleet.COLUMNS, machines),
        ("customers", customers.COLUMNS, people),
        ("customer_tags", customers.TAG_COLUMNS, customers.tag_rows(plan)),
        ("customer_tag_members", customers.MEMBER_COLUMNS, customers.member_rows(plan)),
        (segments.TABLE, segments.COLUMNS, segments.segment_rows(plan)),
        (segments.MEMBERS, segments.MEMBER_COLUMNS, segments.member_rows(plan)),
        (promotions.TABLE, promotions.COLUMNS, promotions.promotion_rows(plan, staff=staff)),
        ("alerts", alerts.COLUMNS, alerts.alert_rows(plan)),
        ("security_incidents", alerts.INCIDENT_COLUMNS, alerts.incident_rows(plan)),
    )
    texts = (
        ("payments", booking_rows.PAYMENT_COLUMNS, failed_payments.payment_rows(plan, days)),
        (payouts.TABLE, payouts.COLUMNS, till.payout_rows()),
        ("maintenance_logs", workshop.LOG_COLUMNS, workshop.log_rows(plan, days)),
        ("telematics_snapshots", workshop.SNAPSHOT_COLUMNS, workshop.snapshot_rows(plan, days)),
        ("maintenance_alerts", workshop.ALERT_COLUMNS, workshop.alert_rows(plan, days)),
    )
    written = {table: copy_rows(table, columns, rows) for table, columns, rows in values}
    return written | {table: copy_text(table, columns, rows) for table, columns, rows in texts}
