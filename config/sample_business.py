"""A sample rental business with all that belongs to it: in, a Plan; out, the rental business, consents, browsers, staff.

It is put together here because the rental business knows nothing of notifications, nor they of it.
"""

from collections.abc import Callable, Iterator
from itertools import chain, islice

from django.conf import settings
from django.db import connection, transaction

from consent.preferences import record_many
from notifications.models import PushSubscription
from notifications.push_subscriptions import NewSubscription, subscribe_many
from rentals.models import Customer
from rentals.sample.consents import consent_changes
from rentals.sample.customers import preferred
from rentals.sample.load import load, tables
from rentals.sample.plan import Plan
from rentals.sample.staff import employees, hire_staff, ticket_takers
from sandbox import push_keys

PAGE = 1_000


class RefusedError(Exception):
    """The sample business may not be made here. The text says what to do."""


def make_sample_business(
    plan: Plan, *, push_url: str, replace: bool = False, advance: Callable[[int], object] | None = None
) -> dict[str, int]:
    """Rows by table, all or nothing. `push_url` is the sandbox that the browsers listen to.

    `replace` deletes the rental business that is there and the customers' push subscriptions. Consents stay: the
    ledger is append-only, and an import must not revive what a customer has withdrawn. The queue stays, too.
    """
    if settings.POSTROOM_MODE == "live":
        raise RefusedError(
            "The sample business is invented: it never goes into a live database (POSTROOM_MODE=live)."
        )
    if Customer.objects.exists() and not replace:
        raise RefusedError(
            "There are customers already. Use --replace to delete the whole rental business and make it anew."
        )
    with transaction.atomic():
        if replace:
            PushSubscription.objects.filter(recipient_key__startswith="customer:").delete()
        # Before the business: some of its rows name them.
        hired = hire_staff()
        rows = dict(load(plan, replace=replace, advance=advance or (lambda _: None), staff=ticket_takers()))
        rows["consent_events"] = record_many(consent_changes(plan))
        browsers = chain(_browsers(plan, push_url), _browsers_of_staff(push_url))
        rows["push_subscriptions"] = sum(map(subscribe_many, _pages(browsers)))
        rows["auth_user"] = hired
    _count_anew()
    return rows


def _browsers(plan: Plan, push_url: str) -> Iterator[NewSubscription]:
    """One for each who prefers push; every tenth of them has a second, every twentieth never allowed any."""
    prefix = plan.ids("customers")
    pushed = (number for number in range(plan.customers) if preferred(number) == "push")
    for turn, number in enumerate(pushed):
        for browser in range(0 if turn % 20 == 19 else 2 if turn % 10 == 9 else 1):
            customer = f"{prefix}{number:012x}"
            made = push_keys.subscription(f"{customer}/{browser}", push_url)
            yield NewSubscription(f"customer:{customer}", made["endpoint"], **made["keys"])


def _browsers_of_staff(push_url: str) -> Iterator[NewSubscription]:
    """One each: what is critical comes by push."""
    for key in map("staff:{}".format, employees()):
        made = push_keys.subscription(key, push_url)
        yield NewSubscription(key, made["endpoint"], **made["keys"])


def _pages(browsers: Iterator[NewSubscription]) -> Iterator[list[NewSubscription]]:
    while page := list(islice(browsers, PAGE)):
        yield page


def _count_anew() -> None:
    """Without fresh statistics the planner takes the tables for empty."""
    with connection.cursor() as cursor:
        for table in (*tables(), "push_subscriptions", "customer_consent", "consent_events"):
            cursor.execute(f"ANALYZE {connection.ops.quote_name(table)}")
