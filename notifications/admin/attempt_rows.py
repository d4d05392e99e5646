"""The attempts in rows: in, attempts and what followed each; out, cells, with what the provider's code means."""

from collections.abc import Sequence
from dataclasses import dataclass

from django.utils.safestring import SafeString

from notifications.admin.cells import latency, moment, outcome_badge
from notifications.channels.meanings import error_text, meaning
from notifications.models import DeliveryAttempt
from notifications.story_words import span


@dataclass(frozen=True, slots=True)
class AttemptRow:
    """One try: `said` is what the provider said, or its reference; `means` what its code means, where that says more."""

    number: int
    started: SafeString
    provider: str
    outcome: SafeString
    code: str
    latency: str
    said: str
    means: str
    asked_to_wait: str
    then: str


def attempt_rows(attempts: Sequence[DeliveryAttempt], steps: Sequence[str]) -> list[AttemptRow]:
    return [_row(attempt, step) for attempt, step in zip(attempts, steps, strict=True)]


def _row(attempt: DeliveryAttempt, step: str) -> AttemptRow:
    known = {"provider": attempt.provider, "code": attempt.provider_code}
    said, means = error_text(**known, error=attempt.error), meaning(**known)
    return AttemptRow(
        number=attempt.number,
        started=moment(attempt.started_at),
        provider=attempt.provider,
        outcome=outcome_badge(attempt),
        code=attempt.provider_code,
        latency=latency(attempt),
        said=said or attempt.provider_reference,
        means="" if means in said else means,
        asked_to_wait=span(attempt.retry_after) if attempt.retry_after is not None else "",
        then=step,
    )
