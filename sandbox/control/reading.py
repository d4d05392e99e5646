"""What the control API tells. Parameters of a query come in, JSON-ready counts, messages and settings go out.
Lists are newest first, at most 200 a page, and say whether older ones follow."""

from typing import Any

from sandbox import keys
from sandbox.behaviour import PROVIDERS
from sandbox.magic import listed
from sandbox.providers import Sandbox
from sandbox.store import Filter

PAGE = 50
LONGEST_PAGE = 200
CHANNELS = ("email", "sms", "push")
PARAMETERS = frozenset(
    {"provider", "channel", "notification_id", "recipient", "duplicate", "q", "after", "before", "limit"}
)


def stats(sandbox: Sandbox, _: dict[str, Any]) -> object:
    """Counts since the last reset."""
    return sandbox.store.stats() | {"webhooks": _postman(sandbox)}


def settings(sandbox: Sandbox, _: dict[str, Any]) -> object:
    """The environment variables that point Postroom here; the keys in them are made up."""
    return {
        "environment": keys.environment(sandbox.base_url, sandbox.options.seed),
        "inbound_url": sandbox.options.inbound_url,
        "webhook_url": sandbox.callbacks.scripts["sendgrid"].url,
        "status_callbacks": sandbox.callbacks.scripts["twilio"].is_enabled,
        "magic": listed(),
    }


def messages(sandbox: Sandbox, parameters: dict[str, Any]) -> object:
    """A page of received messages: `after` and `before` are ids, both exclusive."""
    surplus = parameters.keys() - PARAMETERS
    if surplus:
        raise ValueError(f"unknown parameter {min(surplus)!r}; there are {', '.join(sorted(PARAMETERS))}")
    wanted = Filter(
        provider=_choice(parameters, "provider", PROVIDERS),
        channel=_choice(parameters, "channel", CHANNELS),
        notification_id=parameters.get("notification_id"),
        recipient=parameters.get("recipient"),
        is_duplicate={"1": True, "0": False}.get(parameters.get("duplicate", "")),
        query=parameters.get("q", "").strip(),
        after=_number(parameters, "after", 0),
        before=_number(parameters, "before", 0) or None,
    )
    limit = min(max(_number(parameters, "limit", PAGE), 1), LONGEST_PAGE)
    page, has_more = sandbox.store.search(wanted, limit)
    return {"data": [item.summary() for item in page], "has_more": has_more}


def message(sandbox: Sandbox, parameters: dict[str, Any]) -> object:
    """One message with all that is known of it."""
    found = sandbox.store.find(_number(parameters, "id", 0))
    if found is None:
        raise LookupError("no such message: it was never received, or it is no longer kept (see --keep)")
    return found.summary() | {"reference": found.reference, "content": found.content.as_json()}


def rules(sandbox: Sandbox, _: dict[str, Any]) -> object:
    """The rules of behaviour in force."""
    return {"data": [rule.as_json() for rule in sandbox.behaviour.rules()]}


def webhooks(sandbox: Sandbox, _: dict[str, Any]) -> object:
    """The scripts in force, and how the last webhooks ended."""
    scripts = {name: script.as_json() for name, script in sandbox.callbacks.scripts.items()}
    recent = [outcome.as_json() for outcome in reversed(sandbox.callbacks.postman.outcomes)]
    return {"scripts": scripts, "recent": recent, **_postman(sandbox)}


def _postman(sandbox: Sandbox) -> dict[str, int]:
    postman = sandbox.callbacks.postman
    return {
        "waiting": postman.waiting,
        **{name: postman.counts[name] for name in ("accepted", "refused", "dropped")},
    }


def _choice(parameters: dict[str, Any], name: str, choices: tuple[str, ...]) -> str | None:
    value = parameters.get(name) or None
    if value is not None and value not in choices:
        raise ValueError(f"{name} must be one of {', '.join(choices)}")
    return value


def _number(parameters: dict[str, Any], name: str, default: int) -> int:
    value = str(parameters.get(name, default))
    if not value.isascii() or not value.isdigit() or len(value) > 15:
        raise ValueError(f"{name} must be a number")
    return int(value)
