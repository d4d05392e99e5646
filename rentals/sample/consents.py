"""What the customers of a sample business allowed and forbade: in, a Plan; out, changes of consent.

Most never said a thing: reminders reach them, marketing does not. Some agreed to offers, a few switched reminders off.
"""

import datetime as dt
from collections.abc import Iterator
from random import Random

from consent.ledger import Change
from consent.models import Category, Channel, Source
from rentals.sample.plan import Plan

# Of a hundred customers, how many agreed to offers on a channel, and how many want no reminders there.
SHARES = ((Channel.EMAIL, 15, 2), (Channel.SMS, 5, 3), (Channel.PUSH, 4, 2))
WORDING = "Send me offers and news from Fundy Equipment Rental. I can stop them at any time."


def consent_changes(plan: Plan) -> Iterator[Change]:
    """In the order of the customers' numbers; all of them before the plan's moment."""
    random = plan.draws("consents")
    prefix = plan.ids("customers")
    for number in range(plan.customers):
        customer = f"{prefix}{number:012x}"
        for channel, agreed, refused in SHARES:
            draw = random.random() * 100
            if draw < agreed:
                yield _change(plan, random, customer, channel, Category.MARKETING, True)
            elif draw >= 100 - refused:
                yield _change(plan, random, customer, channel, Category.REMINDER, False)


def _change(
    plan: Plan, random: Random, customer: str, channel: Channel, category: Category, enabled: bool
) -> Change:
    return Change(
        customer_id=customer,
        channel=channel.value,
        category=category.value,
        enabled=enabled,
        source=(Source.WEB_FORM if enabled else Source.PREFERENCE_PAGE).value,
        actor="customer",
        at=plan.at - dt.timedelta(minutes=1 + int(random.random() * 500_000)),
        wording=WORDING if enabled else "",
        evidence={"sample": True},
    )
