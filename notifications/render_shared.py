"""One text for many rows: in, rows that passed the gate; out, their Messages, as far as they can share a text.

Whoever is missing from the answer is rendered alone: an inline text, a value that does not fit, nobody to share with.
"""

import logging
import secrets
import uuid
from collections import defaultdict
from collections.abc import Mapping, Sequence

from consent.tokens import preferences_url, unsubscribe_url
from notifications.conf import conf
from notifications.message import Claimed, Message, Personalised
from notifications.reach import Reach
from notifications.render import HEADLINE, SANDBOX_MARK, message_of, reserved
from templates_app.batch import render_together
from templates_app.compiled import CompiledVersion
from templates_app.engine import TemplateError
from templates_app.lookup import compiled

logger = logging.getLogger(__name__)

Allowed = tuple[Claimed, Reach]


def render_shared(
    allowed: Sequence[Allowed], tokens: Mapping[object, str], *, room: int
) -> dict[uuid.UUID, Message]:
    """Messages whose `rendered` is Personalised, by id; `tokens` are the unsubscribe links' of those that have one."""
    found: dict[uuid.UUID, Message] = {}
    for (version_id, channel, locale), members in _alike(allowed).items():
        if len(members) < 2:
            continue
        try:
            found |= _together(compiled(version_id), channel, locale, members, tokens, room)
        except TemplateError:
            continue  # for each of them, as rendering it alone will say
        except Exception:
            # A fault of ours in sharing must not hold up what can be rendered alone.
            logger.exception("render.bug version=%s count=%s", version_id, len(members))
    return found


def _alike(allowed: Sequence[Allowed]) -> Mapping[tuple[uuid.UUID, str, str], list[Allowed]]:
    alike: defaultdict[tuple[uuid.UUID, str, str], list[Allowed]] = defaultdict(list)
    for row, reach in allowed:
        if row.template_version_id and row.subject is None and row.metadata.get("body") is None:
            alike[row.template_version_id, row.channel, reach.contact.locale].append((row, reach))
    return alike


def _together(
    version: CompiledVersion,
    channel: str,
    locale: str,
    members: Sequence[Allowed],
    tokens: Mapping[object, str],
    room: int,
) -> dict[uuid.UUID, Message]:
    links = [
        (unsubscribe_url(token), preferences_url(token)) if (token := tokens.get(row.id)) else ("", "")
        for row, _ in members
    ]
    skeleton, values = render_together(
        version,
        channel=channel,
        locale=locale,
        contexts=[
            (row.payload, reserved(reach, *link)) for (row, reach), link in zip(members, links, strict=True)
        ],
        nonce=secrets.token_hex(6),
        room=room,
    )
    if conf().sandbox:
        skeleton = skeleton.headed(HEADLINE[channel], SANDBOX_MARK)
    return {
        row.id: message_of(row, reach, Personalised(skeleton, own), leave)
        for (row, reach), own, (leave, _) in zip(members, values, links, strict=True)
        if own is not None
    }
