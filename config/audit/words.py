"""What an entry says: in, the text that an act left; out, its kind in the reader's language, how many it was about, and why.

Acts write «act», «act (done of asked)» or «act: reason»; Django's own forms write JSON, which Django translates. An act that this
table does not know is shown as it was written.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from django.contrib.admin.models import LogEntry
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

# By the first word of what was written (the index audit_log_kind).
SIGNED_IN, SIGN_IN_REFUSED = "signed-in", "sign-in-refused"
KINDS: Final[Mapping[str, Promise]] = {
    "replay": _("Replay"),
    "send_again": _("Send again"),
    "cancel": _("Cancel"),
    "reschedule": _("Reschedule"),
    "priority": _("Change priority"),
    "settle": _("Settle"),
    "undo": _("Undo"),
    "pause": _("Pause"),
    "resume": _("Resume"),
    "stop": _("Stop marketing"),
    "run": _("Run a job"),
    "dry": _("Dry run"),
    "read": _("Read a text"),
    "revealed": _("Reveal"),
    "exported": _("Export"),
    "erased": _("Erase"),
    "grant": _("Grant"),
    "lift": _("Lift"),
    "create": _("Create"),
    "revoke": _("Revoke"),
    "try": _("Apply again"),
    "Began": _("Begin a draft"),
    "Changed": _("Change a draft"),
    "Published": _("Publish"),
    "Sent": _("Send a test"),
    "set": _("Set up a second factor"),
    "made": _("New recovery codes"),
    "removed": _("Remove the second factor"),
    "second": _("Reset a second factor"),
    SIGNED_IN: _("Signed in"),
    SIGN_IN_REFUSED: _("Sign-in refused"),
    '[{"added"': _("Added"),
    '[{"changed"': _("Changed"),
    '[{"deleted"': _("Deleted"),
}
_ACT = re.compile(r"(?P<act>.*?)(?: \((?P<done>\d+) of (?P<asked>\d+)\))?(?:: (?P<reason>.+))?", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Said:
    """`kind` is one of the table or the act as written; `detail` what it adds; the counts are None where it was about one."""

    kind: str
    detail: str
    reason: str
    done: int | None = None
    asked: int | None = None


def said(entry: LogEntry) -> Said:
    """Pure, but for the language that is active."""
    text: str = entry.change_message
    known = KINDS.get(kind_of(text))
    if not text:
        return Said(entry.get_action_flag_display(), "", "")
    if text.startswith("["):
        return Said(str(known or entry.get_action_flag_display()), entry.get_change_message(), "")
    match = _ACT.fullmatch(text)
    if match is None:  # pragma: no cover (it matches everything)
        return Said(text, "", "")
    act, reason = match["act"], match["reason"] or ""
    done, asked = (int(match[name]) if match[name] else None for name in ("done", "asked"))
    detail = act if known and " " in act else ""
    return Said(str(known or act), detail, reason, done, asked)


def kind_of(text: str) -> str:
    """As PostgreSQL computes it for the index."""
    return text.partition(" ")[0].rstrip(":.")
