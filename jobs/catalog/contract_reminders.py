"""Reminders of contracts that wait for signatures: in, `now`; out, a message to each who has not signed, once a day.

Once, because a row of `contract_reminders` is sent once, and the key of a message names the signer and the local day.
"""

import datetime as dt
import logging
from collections import defaultdict
from collections.abc import Sequence
from typing import Any

from consent.addresses import AddressError, normalise
from jobs.links import customer_page
from jobs.spec import JobResult, Progress
from jobs.telling import PAGE, Telling, once, pages
from notifications.message import Address, NotifyRequest
from rentals.models import ContractReminder, ContractSigner
from rentals.plan_contracts import MILESTONE_DAYS, cancel_reminders, plan_reminders, record_sent

NAME = "contract_reminders"
KINDS = ("signature", "expiring")
# The customer's own channel, and the inbox, where it can be found again.
CHANNELS = ("preferred", "inapp")

logger = logging.getLogger(__name__)


def run(*, now: dt.datetime, progress: Progress) -> JobResult:
    """Plan what expires soon, cancel what nobody waits for, and queue what is due to those who have not signed."""
    planned, cancelled = plan_reminders(now=now), cancel_reminders(now=now)
    due = ContractReminder.objects.due(now=now)
    telling = Telling(now=now, progress=progress, total=due.count())
    telling.changed("reminders planned", planned)
    telling.changed("reminders cancelled", cancelled)
    for page in pages(due.iterator(chunk_size=PAGE)):
        _tell(page, telling, now)
    return telling.result(KINDS)


def _tell(page: Sequence[Any], telling: Telling, now: dt.datetime) -> None:
    """One message a signer of these reminders' contracts."""
    reminders = {reminder.contract_id: reminder for reminder in page}
    told: defaultdict[Any, list[str]] = defaultdict(list)
    requests: list[NotifyRequest] = []
    for signer in ContractSigner.objects.unsigned(reminders):
        if _is_reachable(signer):
            requests.append(_request(reminders[signer.contract_id], signer))
            told[signer.contract_id].append(str(signer.pk))
    telling.tell(requests)
    telling.changed("reminders sent", record_sent(page, signers=told, now=now))
    expiring = sum(_expires_soon(reminder) for reminder in page)
    telling.found("expiring", expiring)
    telling.found("signature", len(page) - expiring)


def _is_reachable(signer: Any) -> bool:
    """One address that is none must not end the run for all others."""
    if signer.is_customer:
        return True
    try:
        normalise("email", signer.signer_email)
    except AddressError as error:
        logger.warning("contract.signer_unreachable signer=%s code=%s", signer.pk, error.code)
        return False
    return True


def _expires_soon(reminder: Any) -> bool:
    left: dt.timedelta = reminder.expiry_date - reminder.today
    return left.days <= max(MILESTONE_DAYS)


def _request(reminder: Any, signer: Any) -> NotifyRequest:
    contract, booking = reminder.contract, reminder.contract.booking
    to, channel = _recipient(signer, booking)
    return NotifyRequest(
        template="contract.expiring" if _expires_soon(reminder) else "contract.signature_due",
        to=to,
        channel=channel,
        payload={
            "contract_number": contract.contract_number,
            "booking_number": booking.booking_number,
            "equipment": booking.equipment.label,
            "expires_at": contract.expires_at.isoformat(),
            "contract_url": customer_page("CONTRACT_URL", contract_number=contract.contract_number),
        },
        # By day and signer, whatever the cause: what staff planned and what we plan is one reminder.
        idempotency_key=once(NAME, "unsigned", signer.pk, reminder.today.isoformat()),
        expires_at=reminder.until,
        # What the message speaks of, for whoever asks later whether it still holds.
        metadata={
            "job": NAME,
            "contract_id": str(contract.pk),
            "signer_id": str(signer.pk),
            "event": contract.expires_at.astimezone(dt.UTC).isoformat(timespec="seconds"),
        },
    )


def _recipient(signer: Any, booking: Any) -> tuple[str | Address, str | tuple[str, ...]]:
    if signer.is_customer:
        return str(booking.customer_id), CHANNELS
    # Our own people read English; others the language of the customer they sign with.
    locale = "en" if signer.signer_role == ContractSigner.SignerRole.ADMIN else booking.customer.locale
    return Address(signer.signer_email, name=signer.signer_name, locale=locale), "email"
