"""What an operator may do to messages: in, the name of an act; out, its words, its permission and the function behind it.

The functions guard every row by its status in SQL, so a stale page or a second click finds nothing to do.
"""

import uuid
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from django.contrib.auth.models import AbstractBaseUser, AnonymousUser
from django.http import HttpRequest
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext

from notifications.acted import Acted
from notifications.admin.audit import log_each
from notifications.cancel import cancel
from notifications.models import Notification
from notifications.replay import replay, send_again

Status = Notification.Status


@dataclass(frozen=True, slots=True)
class Act:
    """One change of state. `takes` are the statuses it starts from; `icon` is a Material symbol; `tone` its button."""

    name: str
    title: str | Promise
    explains: str | Promise
    button: str | Promise
    icon: str
    tone: str
    permission: str
    takes: tuple[str, ...]
    run: Callable[..., Acted]
    told: Callable[[int], str]

    def allowed(self, user: AbstractBaseUser | AnonymousUser) -> bool:
        return bool(getattr(user, "has_perm", lambda _perm: False)(f"notifications.{self.permission}"))


def rehearse(act: Act, ids: Sequence[uuid.UUID]) -> Acted:
    """What the act would do now: the same statement, rolled back."""
    return act.run(list(ids), by="staff:?", reason="rehearsal", once=None, dry_run=True)


def carry_out(act: Act, ids: Sequence[uuid.UUID], *, request: HttpRequest, reason: str, once: str) -> Acted:
    """Do it and write it into the audit log. Call it in a transaction: without the entry there is no act."""
    result = act.run(list(ids), by=f"staff:{request.user.pk}", reason=reason, once=once, dry_run=False)
    rows = list(Notification.objects.filter(pk__in=result.done).only("pk", "channel", "parent_id"))
    parents = [row.parent_id for row in rows if row.parent_id is not None] if act is SEND_AGAIN else []
    rows += Notification.objects.filter(pk__in=parents).only("pk", "channel")
    log_each(request, rows, f"{act.name} ({len(result.done)} of {len(ids)}): {reason}")
    return result


def _once_matters_not(run: Callable[..., Acted]) -> Callable[..., Acted]:
    """A replayed row is no longer failed and a cancelled one no longer queued: doing it twice does it once."""

    def call(ids: Sequence[uuid.UUID], *, by: str, reason: str, once: str | None, dry_run: bool) -> Acted:  # noqa: ARG001
        return run(ids, by=by, reason=reason, dry_run=dry_run)

    return call


REPLAY = Act(
    name="replay",
    title=_("Replay"),
    explains=_(
        "Each failed message is queued again as it is, with all its attempts ahead of it. It passes consent and "
        "suppressions anew before it is sent."
    ),
    button=_("Replay"),
    icon="replay",
    tone="primary",
    permission="replay_notification",
    takes=(Status.FAILED,),
    run=_once_matters_not(replay),
    told=lambda n: ngettext("%d message is queued again.", "%d messages are queued again.", n) % n,
)
SEND_AGAIN = Act(
    name="send_again",
    title=_("Send again"),
    explains=_(
        "A new message is made of each sent or withheld one, naming it as its parent. The recipient may get the text "
        "a second time; consent and suppressions are asked anew."
    ),
    button=_("Send again"),
    icon="forward_to_inbox",
    tone="primary",
    permission="replay_notification",
    takes=(Status.SENT, Status.CANCELLED),
    run=send_again,
    told=lambda n: ngettext("%d new message is queued.", "%d new messages are queued.", n) % n,
)
CANCEL = Act(
    name="cancel",
    title=_("Cancel"),
    explains=_(
        "Each queued message is withheld for good, with your reason. What a worker holds can no longer be stopped."
    ),
    button=_("Cancel the messages"),
    icon="cancel",
    tone="danger",
    permission="cancel_notification",
    takes=(Status.QUEUED,),
    run=_once_matters_not(cancel),
    told=lambda n: ngettext("%d message is cancelled.", "%d messages are cancelled.", n) % n,
)
ACTS: Mapping[str, Act] = {act.name: act for act in (REPLAY, SEND_AGAIN, CANCEL)}
