"""A payout's statement: in, the account and a payout; out, what is in it beside our payments. Stripe is asked here."""

from jobs.gateways.stripe import Payout, Stripe
from jobs.payouts.match import astray, booked
from jobs.payouts.statement import Statement


def read_statement(account: Stripe, payout: Payout) -> Statement | None:
    """None where Stripe cannot say, or not yet, what is in it. One query of ours a page; raises GatewayError."""
    if not payout.is_itemized:
        return None
    statement = Statement(payout.id)
    for page in account.movements(payout.id):
        statement.add(page, booked({movement.charge for movement in page if movement.charge}))
    for payment in astray(payout.id, seen=statement.payments):
        statement.miss(payment.pk, payment.stripe_charge_id, payment.amount)
    return statement
