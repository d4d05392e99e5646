"""The host's jobs, as far as messages name them: in, a run's id; out, the moments between which it asked for messages.

A message keeps the job and the run that asked for it (origin.py). The jobs themselves are the host's, which says in
`NOTIFICATIONS["JOBS"]` who knows them.
"""

import datetime as dt
import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from django.utils.module_loading import import_string

from notifications.conf import conf


@dataclass(frozen=True, slots=True)
class Span:
    """`ended_at` is None as long as it runs."""

    began_at: dt.datetime
    ended_at: dt.datetime | None


class Jobs(Protocol):
    """What a host may answer."""

    def names(self) -> Sequence[str]:
        """Of all jobs, as their messages' origin names them."""

    def span(self, run: uuid.UUID) -> Span | None:
        """When this run worked; None where there is no such run."""


class NoJobs:
    """A host without jobs."""

    def names(self) -> Sequence[str]:
        return ()

    def span(self, run: uuid.UUID) -> Span | None:  # noqa: ARG002
        return None


def jobs() -> Jobs:
    """By the dotted path in the settings."""
    path = conf().jobs
    found: Jobs = import_string(path)() if path else NoJobs()
    return found
