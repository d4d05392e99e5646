"""How a provider was told to behave. Rules come in through the control API, a verdict for each request goes
out. Rules are tried in order: delays add up, and the first fault that fires is the answer."""

from dataclasses import dataclass, field, fields
from random import Random
from typing import Any

from sandbox.server import Headers, Request

PROVIDERS = ("sendgrid", "twilio", "webpush", "stripe")


class BadRuleError(ValueError):
    """The rule cannot be understood; the message says which part and what to write in its place."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """What to do with one request: wait, and then answer with a fault, hang up, or (neither) as the provider
    would."""

    delay: float
    status: int | None = None
    code: int | None = None
    retry_after: float | None = None
    headers: Headers = ()
    hang_up: bool = False
    accept_first: bool = False


@dataclass(slots=True)
class Rule:
    """One instruction.

    `latency_ms` delays the answer; `status` (400 to 599) or `hang_up` replaces it, before the message is
    looked at, or after it was accepted and recorded where `accept_first` is set. `retry_after` is in seconds;
    `code` is the error code that Twilio's answer names.
    `times` ends the rule after so many requests (None: until cleared), `probability` with `seed` lets chance
    decide, and `match` limits the rule to requests in whose path, query or body the text stands.
    """

    provider: str
    latency_ms: float = 0.0
    status: int | None = None
    code: int | None = None
    retry_after: float | None = None
    headers: dict[str, str] = field(default_factory=dict)
    hang_up: bool = False
    accept_first: bool = False
    times: int | None = None
    probability: float = 1.0
    seed: int = 0
    match: str | None = None
    fired: int = 0
    _random: Random = field(default_factory=Random, repr=False)

    def __post_init__(self) -> None:
        self._random = Random(self.seed)  # noqa: S311 - repeatable chance is what a test asks for

    @property
    def is_fault(self) -> bool:
        """Does it replace the provider's answer, rather than delay it?"""
        return self.hang_up or self.status is not None

    def fires(self, request: Request) -> bool:
        """Does it apply to this request? Counts the firing."""
        if self.times is not None and self.fired >= self.times:
            return False
        if (
            self.match is not None
            and self.match not in f"{request.path}?{request.query}"
            and self.match.encode() not in request.body
        ):
            return False
        if self.probability < 1 and self._random.random() >= self.probability:
            return False
        self.fired += 1
        return True

    def as_json(self) -> dict[str, object]:
        """The rule as the control API shows it."""
        return {name: getattr(self, name) for name in RULE_FIELDS} | {"fired": self.fired}


RULE_FIELDS = tuple(f.name for f in fields(Rule) if f.name not in {"fired", "_random"})
TYPES: dict[str, tuple[type, ...]] = {
    "provider": (str,),
    "latency_ms": (int, float),
    "status": (int, type(None)),
    "code": (int, type(None)),
    "retry_after": (int, float, type(None)),
    "headers": (dict,),
    "hang_up": (bool,),
    "accept_first": (bool,),
    "times": (int, type(None)),
    "probability": (int, float),
    "seed": (int,),
    "match": (str, type(None)),
}


class Behaviour:
    """The rules in force."""

    def __init__(self) -> None:
        self._rules: dict[str, list[Rule]] = {provider: [] for provider in PROVIDERS}

    def add(self, rule: Rule) -> None:
        """Append a rule to its provider's list."""
        self._rules[rule.provider].append(rule)

    def clear(self, provider: str | None = None) -> None:
        """Forget the rules of one provider, or of all."""
        for name in PROVIDERS if provider is None else (provider,):
            self._rules[name].clear()

    def rules(self) -> list[Rule]:
        """Every rule, in the order in which it is tried."""
        return [rule for rules in self._rules.values() for rule in rules]

    def decide(self, provider: str, request: Request) -> Verdict | None:
        """The verdict on one request; None is «as the provider would, at once»."""
        rules = self._rules[provider]
        if not rules:
            return None
        delay = 0.0
        for rule in rules:
            if rule.fires(request):
                delay += rule.latency_ms / 1000
                if rule.is_fault:
                    headers = tuple(rule.headers.items())
                    return Verdict(
                        delay,
                        rule.status,
                        rule.code,
                        rule.retry_after,
                        headers,
                        rule.hang_up,
                        rule.accept_first,
                    )
        return Verdict(delay)


def read_rule(data: dict[str, Any]) -> Rule:
    """A rule from the control API's JSON; BadRuleError names what is wrong."""
    for name, value in data.items():
        if name not in TYPES:
            raise BadRuleError(f"unknown field {name!r}; a rule has {', '.join(RULE_FIELDS)}")
        if not isinstance(value, TYPES[name]) or (isinstance(value, bool) and bool not in TYPES[name]):
            raise BadRuleError(f"{name} must be {' or '.join(kind.__name__ for kind in TYPES[name])}")
    if data.get("provider") not in PROVIDERS:
        raise BadRuleError(f"provider must be one of {', '.join(PROVIDERS)}")
    rule = Rule(**data)
    if rule.status is not None and not 400 <= rule.status <= 599:
        raise BadRuleError("status must lie between 400 and 599")
    if rule.status is not None and rule.hang_up:
        raise BadRuleError("a rule answers with a status or hangs up, not both")
    if rule.code is not None and (rule.provider != "twilio" or rule.status is None):
        raise BadRuleError("code is Twilio's, beside a status")
    if not 0 <= rule.probability <= 1 or rule.latency_ms < 0:
        raise BadRuleError("probability lies between 0 and 1, latency_ms is not negative")
    return rule
