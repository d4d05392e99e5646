"""The sample business has a Stripe to be reconciled with: all but one charge agree."""

import datetime as dt

import pytest

from config.sample_business import make_sample_business
from config.sample_payouts import pay_out
from jobs.catalog.payout_reconciliation import run
from jobs.spec import silent
from rentals.models import PayoutReconciliation
from rentals.sample.plan import Plan
from sandbox.testing import SandboxServer

AT = dt.datetime(2026, 11, 20, 15, tzinfo=dt.UTC)


@pytest.mark.django_db
@pytest.mark.usefixtures("templates")
def test_one_payout_of_the_sample_business_is_a_discrepancy(sandbox: SandboxServer) -> None:
    assert pay_out(sandbox.url, now=AT) == 0
    make_sample_business(Plan(at=AT, bookings=300), push_url=sandbox.url)
    count = pay_out(sandbox.url, now=AT)
    open_before = set(PayoutReconciliation.objects.filter(status="discrepancy").values_list("pk", flat=True))
    late = PayoutReconciliation.objects.filter(status="pending").count()
    result = run(now=AT, progress=silent)
    assert result.found == {"reconciled": count - 1 - late, "discrepancy": 1, "pending": late}
    assert count > 3 + late > 3
    [wrong] = PayoutReconciliation.objects.filter(status="discrepancy").exclude(pk__in=open_before)
    assert wrong.details["missing_here"]["items"] == [{"id": "ch_sampleunbooked", "amount": "125.00"}]
    assert pay_out(sandbox.url, now=AT + dt.timedelta(days=1)) >= count
    assert run(now=AT, progress=silent).changed == {}
