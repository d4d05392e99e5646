"""What a provider reports about its messages, as data. JSON of the control API comes in, a checked script
goes out. Rules pick out recipients that fare differently, so that a test can make one address bounce."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from fnmatch import fnmatchcase
from typing import Any

from sandbox.magic import Outcome, fate_of
from sandbox.sendgrid import events as sendgrid_events
from sandbox.twilio import callbacks as twilio_callbacks
from sandbox.webhooks import check_url

EVENTS: dict[str, frozenset[str]] = {
    "sendgrid": frozenset(sendgrid_events.DETAILS),
    "twilio": frozenset(twilio_callbacks.STATUSES),
}


class BadScriptError(ValueError):
    """The script cannot be understood; the message says which part and what to write in its place."""


@dataclass(frozen=True, slots=True)
class Script:
    """How one provider reports. `rules` are patterns (* and ?) of recipients with their outcomes; the first
    match wins, then the magic recipients (magic.py), then `outcome`.

    `url` is where SendGrid's events go; Twilio's go to each message's own StatusCallback. `delay_ms` lies
    between two events, and each is posted `copies` times, since real providers repeat themselves.
    """

    is_enabled: bool
    outcome: Outcome
    rules: tuple[tuple[str, Outcome], ...] = ()
    url: str | None = None
    delay_ms: float = 50.0
    copies: int = 1

    def outcome_for(self, provider: str, recipients: tuple[str, ...]) -> Outcome:
        """What follows a message to these recipients."""
        for pattern, outcome in self.rules:
            if any(fnmatchcase(recipient, pattern) for recipient in recipients):
                return outcome
        return fate_of(provider, recipients) or self.outcome

    def as_json(self) -> dict[str, object]:
        """The script as the control API shows it."""
        rules = [{"match": match, "events": o.events, "error_code": o.error_code} for match, o in self.rules]
        return {
            "enabled": self.is_enabled,
            "url": self.url,
            "events": self.outcome.events,
            "delay_ms": self.delay_ms,
            "copies": self.copies,
            "rules": rules,
        }


def read_script(provider: str, data: dict[str, Any], current: Script) -> Script:
    """`current` with the parts that `data` names; BadScriptError says what is wrong."""
    if provider not in EVENTS:
        raise BadScriptError(f"{provider!r} has no webhooks; sendgrid and twilio have")
    changes: dict[str, Any] = {}
    for name, value in data.items():
        if name not in FIELDS:
            raise BadScriptError(f"unknown field {name!r}; a script has {', '.join(FIELDS)}")
        attribute, read = FIELDS[name]
        changes[attribute] = read(provider, value)
    script = replace(current, **changes)
    if provider == "sendgrid" and script.is_enabled and not script.url:
        raise BadScriptError("sendgrid needs the url to which its events go")
    return script


def _read_bool(provider: str, value: Any) -> bool:
    if not isinstance(value, bool):
        raise BadScriptError(f"{provider}: enabled must be true or false")
    return value


def _read_url(provider: str, value: Any) -> str | None:
    if value is None:
        return None
    try:
        check_url(str(value))
    except ValueError as error:
        raise BadScriptError(f"{provider}: {error}") from error
    return str(value)


def _read_delay(provider: str, value: Any) -> float:
    if not isinstance(value, int | float) or isinstance(value, bool) or value < 0:
        raise BadScriptError(f"{provider}: delay_ms must be a number of milliseconds")
    return float(value)


def _read_copies(provider: str, value: Any) -> int:
    if not isinstance(value, int) or not 1 <= value <= 50:
        raise BadScriptError(f"{provider}: copies must lie between 1 and 50")
    return value


def _read_outcome(provider: str, value: Any, error_code: Any = None) -> Outcome:
    if not isinstance(value, list) or not set(map(str, value)) <= EVENTS[provider]:
        raise BadScriptError(
            f"{provider}: events must be a list out of {', '.join(sorted(EVENTS[provider]))}"
        )
    if error_code is not None and not isinstance(error_code, int):
        raise BadScriptError(f"{provider}: error_code must be one of Twilio's numbers, such as 30003")
    return Outcome(tuple(value), error_code)


def _read_rules(provider: str, value: Any) -> tuple[tuple[str, Outcome], ...]:
    if not isinstance(value, list) or not all(
        isinstance(rule, dict) and isinstance(rule.get("match"), str) for rule in value
    ):
        raise BadScriptError(
            f"{provider}: rules must be a list of objects with match, events and perhaps error_code"
        )
    return tuple(
        (rule["match"], _read_outcome(provider, rule.get("events"), rule.get("error_code"))) for rule in value
    )


FIELDS: dict[str, tuple[str, Callable[[str, Any], Any]]] = {
    "enabled": ("is_enabled", _read_bool),
    "url": ("url", _read_url),
    "events": ("outcome", _read_outcome),
    "delay_ms": ("delay_ms", _read_delay),
    "copies": ("copies", _read_copies),
    "rules": ("rules", _read_rules),
}
