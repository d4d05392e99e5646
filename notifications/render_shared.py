"""One text for many rows: in, rows that passed the gate; out, their Messages, as far as they can share a text.

Whoever is missing from the answer is rendered alone: an inline text, a value that does not fit, nobody to share with.
"""

import logging
import secrets
import uuid
from collections import defaultdict
from collections.abc import Mapping, Sequence

from django.conf import settings

from consent.sealed import SealError
from consent.tokens import preferences_url, unsubscribe_url
from notifications.conf import conf
from notifications.decision import Decided
from notifications.message import Claimed, Message, Personalised
from notifications.reach import Reach
from notifications.reconnect import is_lost
from notifications.render import HEADLINE, SANDBOX_MARK, about, is_test, message_of, ourselves
from notifications.sealed_payload import Payload, open_payload
from templates_app.batch import render_together
from templates_app.compiled import CompiledVersion
from templates_app.engine import TemplateError
from templates_app.lookup import compiled

logger = logging.getLogger(__name__)

Allowed = tuple[Claimed, Reach, Decided]
# Stands for each token in the addresses that are made once for all; no token of `secrets` has such a sign.
_TOKEN = "~"  # noqa: S105 (stands for one)


def render_shared(
    allowed: Sequence[Allowed], tokens: Mapping[object, str], *, room: int
) -> dict[uuid.UUID, Message]:
    """Messages whose `rendered` is Personalised, by id; `tokens` are the unsubscribe links' of those that have one."""
    found: dict[uuid.UUID, Message] = {}
    for (version_id, channel, wanted), members in _alike(allowed).items():
        try:
            found |= _together(compiled(version_id), channel, wanted, members, tokens, room)
        except TemplateError:
            continue  # for each of them, as rendering it alone will say
        except Exception as error:
            if is_lost(error):
                raise
            # A fault of ours in sharing must not hold up what can be rendered alone.
            logger.exception("render.bug version=%s count=%s", version_id, len(members))
    return found


def _alike(allowed: Sequence[Allowed]) -> Mapping[tuple[uuid.UUID, str, str], list[Allowed]]:
    """By version, channel and the language that they get, whatever they asked for; those who are with others."""
    asked: defaultdict[tuple[uuid.UUID, str, str], list[Allowed]] = defaultdict(list)
    for row, reach, decided in allowed:
        own = row.subject is not None or row.metadata.get("body") is not None or is_test(row)
        if row.template_version_id and not own:
            asked[row.template_version_id, row.channel, reach.contact.locale].append((row, reach, decided))
    alike: defaultdict[tuple[uuid.UUID, str, str], list[Allowed]] = defaultdict(list)
    for (version_id, channel, wanted), members in asked.items():
        try:
            used, _ = compiled(version_id).texts_for(channel, wanted)
        except TemplateError:
            continue
        alike[version_id, channel, used] += members
    return {key: members for key, members in alike.items() if len(members) > 1}


def _together(
    version: CompiledVersion,
    channel: str,
    locale: str,
    members: Sequence[Allowed],
    tokens: Mapping[object, str],
    room: int,
) -> dict[uuid.UUID, Message]:
    system, sandbox = ourselves(), conf().sandbox
    contexts, leave = [], []
    addresses = unsubscribe_url(_TOKEN), preferences_url(_TOKEN)
    for row, reach, _ in members:
        token = tokens.get(row.id)
        links = [address.replace(_TOKEN, token) if token else "" for address in addresses]
        leave.append(links[0])
        own = {**system, "unsubscribe_url": links[0], "preferences_url": links[1]}
        contexts.append(
            (_opened(row, version), {"recipient": about(reach, settings.TIME_ZONE), "system": own})
        )
    skeleton, values = render_together(
        version,
        channel=channel,
        locale=locale,
        contexts=contexts,
        nonce=secrets.token_hex(6),
        room=room,
    )
    if sandbox:
        skeleton = skeleton.headed(HEADLINE[channel], SANDBOX_MARK)
    return {
        row.id: message_of(row, reach, Personalised(skeleton, own), link, sandbox=sandbox, decided=decided)
        for (row, reach, decided), own, link in zip(members, values, leave, strict=True)
        if own is not None
    }


def _opened(row: Claimed, version: CompiledVersion) -> Payload:
    """A value that cannot be opened stays sealed: it fits no placeholder, so that its message is rendered, and fails, alone."""
    try:
        return open_payload(row.payload, version.sensitive)
    except SealError:
        return row.payload
