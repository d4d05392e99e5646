"""What an operator may do to messages: in, the name of an act; out, its words, its permission, its form and its kind.

What is done stands in `bulk/kinds.py`; every row is guarded by its status in SQL, so a stale page finds nothing to do.
"""

import datetime as dt
import uuid
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from django.contrib.auth.models import AbstractBaseUser, AnonymousUser
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext

from notifications.acted import Acted, By
from notifications.admin.act_forms import ActForm, Arguments, PriorityForm, RescheduleForm, SettleForm
from notifications.bulk.kinds import KINDS, Kind
from notifications.models import BulkAct, Notification


@dataclass(frozen=True, slots=True)
class Act:
    """One change of state. `icon` is a Material symbol; `tone` its button; `told` what became of so many."""

    name: str
    title: str | Promise
    explains: str | Promise
    button: str | Promise
    icon: str
    tone: str
    permission: str
    told: Callable[[int], str]
    form: type[ActForm] = ActForm

    @property
    def kind(self) -> Kind:
        return KINDS[self.name]

    @property
    def takes(self) -> tuple[str, ...]:
        return self.kind.takes

    @property
    def goes_out(self) -> bool:
        """Are its messages due at once?"""
        return self.name in (BulkAct.Kind.REPLAY, BulkAct.Kind.SEND_AGAIN)

    def allowed(self, user: AbstractBaseUser | AnonymousUser) -> bool:
        return bool(getattr(user, "has_perm", lambda _perm: False)(f"notifications.{self.permission}"))

    def fits(self, row: Notification) -> bool:
        """Would it do something to this message, as far as its page can tell?"""
        is_known = not row.metadata.get("outcome_unknown")
        return not row.kept and row.status in self.takes and not (self.name == "settle" and is_known)


def rehearse(act: Act, ids: Sequence[uuid.UUID], arguments: Arguments, *, now: dt.datetime) -> Acted:
    """What the act would do now: the same statement, rolled back."""
    return act.kind.run(list(ids), By("staff:?", "rehearsal", now, dry_run=True), arguments)


REPLAY = Act(
    name=BulkAct.Kind.REPLAY.value,
    title=_("Replay"),
    explains=_(
        "Each failed message is queued again as it is, with all its attempts ahead of it. It passes consent and "
        "suppressions anew before it is sent."
    ),
    button=_("Replay"),
    icon="replay",
    tone="primary",
    permission="replay_notification",
    told=lambda n: ngettext("%d message is queued again.", "%d messages are queued again.", n) % n,
)
SEND_AGAIN = Act(
    name=BulkAct.Kind.SEND_AGAIN.value,
    title=_("Send again"),
    explains=_(
        "A new message is made of each sent or withheld one, naming it as its parent. The recipient may get the text "
        "a second time; consent and suppressions are asked anew."
    ),
    button=_("Send again"),
    icon="forward_to_inbox",
    tone="primary",
    permission="replay_notification",
    told=lambda n: ngettext("%d new message is queued.", "%d new messages are queued.", n) % n,
)
CANCEL = Act(
    name=BulkAct.Kind.CANCEL.value,
    title=_("Cancel"),
    explains=_(
        "Each queued message is withheld, with your reason. What a worker holds can no longer be stopped."
    ),
    button=_("Cancel the messages"),
    icon="cancel",
    tone="danger",
    permission="cancel_notification",
    told=lambda n: ngettext("%d message is cancelled.", "%d messages are cancelled.", n) % n,
)
RESCHEDULE = Act(
    name=BulkAct.Kind.RESCHEDULE.value,
    title=_("Reschedule"),
    explains=_(
        "Each queued message waits for the moment you choose. Before it goes out, consent, suppressions and quiet hours "
        "are asked anew, and may hold it for longer."
    ),
    button=_("Reschedule"),
    icon="schedule",
    tone="primary",
    permission="reschedule_notification",
    told=lambda n: ngettext("%d message is rescheduled.", "%d messages are rescheduled.", n) % n,
    form=RescheduleForm,
)
PRIORITISE = Act(
    name=BulkAct.Kind.PRIORITISE.value,
    title=_("Change priority"),
    explains=_(
        "Each queued message passes others, or lets them pass, once it is due. What has waited long gets its turn "
        "whatever its priority."
    ),
    button=_("Change the priority"),
    icon="low_priority",
    tone="primary",
    permission="reschedule_notification",
    told=lambda n: ngettext("%d message has another priority.", "%d messages have another priority.", n) % n,
    form=PriorityForm,
)
SETTLE = Act(
    name=BulkAct.Kind.SETTLE.value,
    title=_("Settle the outcome"),
    explains=_(
        "The answer of the provider was lost: nobody knows whether these messages arrived. Look them up at the "
        "provider, and say what you found. A report of the provider settles them by itself, if one comes."
    ),
    button=_("Settle them"),
    icon="gavel",
    tone="primary",
    permission="settle_notification",
    told=lambda n: ngettext("%d outcome is settled.", "%d outcomes are settled.", n) % n,
    form=SettleForm,
)
ACTS: Mapping[str, Act] = {
    act.name: act for act in (REPLAY, SEND_AGAIN, CANCEL, RESCHEDULE, PRIORITISE, SETTLE)
}
