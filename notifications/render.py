"""From a claimed row to a Message: in, the row and where its recipient is reached; out, the text in their language.

Nothing is sent and nothing written. A text that cannot be rendered raises RenderError: retrying would not help.
"""

from collections.abc import Mapping
from typing import Any

from django.conf import settings

from consent.sealed import SealError
from notifications.conf import conf
from notifications.decision import Decided
from notifications.message import Claimed, Message, Personalised, Rendered
from notifications.reach import Reach
from notifications.sealed_payload import mask_payload, open_payload
from templates_app.engine import TemplateError
from templates_app.lookup import compiled, render_inline

SANDBOX_MARK, TEST_MARK = "[Sandbox] ", "[Test] "
# The part that a reader sees first, and that says in sandbox mode that this is a test.
HEADLINE = {"email": "subject", "push": "title", "inapp": "title"}


class RenderError(Exception):
    """The text of this message cannot be made: its template or payload is wrong."""


def render(
    claimed: Claimed,
    reach: Reach,
    *,
    unsubscribe_url: str = "",
    preferences_url: str = "",
    masking: bool = False,
    decided: Decided | None = None,
) -> Message:
    """The Message for one row. `unsubscribe_url` is empty for categories that cannot be left; `masking` is for a reader
    who may not see sensitive values."""
    try:
        payload = (mask_payload if masking else open_payload)(claimed.payload, _sensitive(claimed))
        context = {**payload, **reserved(reach, unsubscribe_url, preferences_url)}
        locale, parts = _parts(claimed, reach.contact.locale, context)
    except (TemplateError, SealError) as error:
        raise RenderError(str(error)) from error
    text = Rendered(locale, _marked(parts, claimed))
    return message_of(claimed, reach, text, unsubscribe_url, sandbox=conf().sandbox, decided=decided)


def message_of(
    claimed: Claimed,
    reach: Reach,
    rendered: Rendered | Personalised,
    unsubscribe_url: str,
    *,
    sandbox: bool,
    decided: Decided | None,
) -> Message:
    """What a channel is handed, around a text."""
    accepted = set(claimed.metadata.get("push_accepted", ()))
    return Message(
        id=claimed.id,
        channel=claimed.channel,
        category=claimed.category,
        recipient_key=claimed.recipient_key,
        rendered=rendered,
        address=reach.addresses.get(claimed.channel, ""),
        recipient_name=f"{reach.contact.first_name} {reach.contact.last_name}".strip(),
        push_targets=tuple(t for t in reach.push_targets if t.subscription_id not in accepted),
        already_accepted=bool(accepted),
        unsubscribe_url=unsubscribe_url,
        priority=claimed.priority,
        attempt=claimed.attempts,
        expires_at=claimed.expires_at,
        sandbox=sandbox,
        decided=decided,
    )


def _sensitive(claimed: Claimed) -> frozenset[str]:
    version_id = claimed.template_version_id
    return compiled(version_id).sensitive if version_id is not None else frozenset()


def _parts(claimed: Claimed, locale: str, context: Mapping[str, Any]) -> tuple[str, dict[str, str]]:
    body = claimed.metadata.get("body")
    if written := claimed.metadata.get("parts"):
        return locale, dict(written)
    if claimed.template_version_id is None:
        parts = render_inline(
            channel=claimed.channel,
            locale=locale,
            context=context,
            subject=claimed.subject or "",
            body=body or "",
        )
        return locale, parts
    overrides = {
        name: text for name, text in (("subject", claimed.subject), ("body", body)) if text is not None
    }
    return compiled(claimed.template_version_id).render(
        channel=claimed.channel, locale=locale, context=context, overrides=overrides or None
    )


def reserved(reach: Reach, unsubscribe_url: str, preferences_url: str) -> dict[str, dict[str, Any]]:
    """The two names that every template may use besides its own placeholders."""
    links = {"unsubscribe_url": unsubscribe_url, "preferences_url": preferences_url}
    return {"recipient": about(reach, settings.TIME_ZONE), "system": {**ourselves(), **links}}


def about(reach: Reach, default_zone: str) -> dict[str, Any]:
    """`recipient`."""
    contact = reach.contact
    return {
        "first_name": contact.first_name,
        "last_name": contact.last_name,
        "company_name": contact.company_name,
        "timezone": contact.timezone or default_zone,
    }


def ourselves() -> dict[str, Any]:
    """What `system` says to all alike."""
    return {
        "company_name": conf().company_name,
        "postal_address": settings.POSTAL_ADDRESS,
        "public_url": settings.PUBLIC_URL,
        "sandbox": conf().sandbox,
    }


def is_test(claimed: Claimed) -> bool:
    """Did an editor ask for it, to see how it reads?"""
    return bool(claimed.metadata.get("origin", {}).get("reason") == "test")


def _marked(parts: dict[str, str], claimed: Claimed) -> dict[str, str]:
    """A test says so, an SMS too; what is sent in sandbox mode says so where it costs nothing."""
    headline = HEADLINE.get(claimed.channel)
    part = headline or "text"
    mark = (SANDBOX_MARK if headline and conf().sandbox else "") + (TEST_MARK if is_test(claimed) else "")
    return {**parts, part: f"{mark}{parts[part]}"} if mark else parts
