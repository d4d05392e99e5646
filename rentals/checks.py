"""System checks of the business: in, the settings; out, what is wrong with them, with what to write instead."""

from typing import Any

from django.conf import settings
from django.core.checks import CheckMessage, Error

from rentals.anomalies.thresholds import problems


def check_anomalies(**_kwargs: Any) -> list[CheckMessage]:
    """Each threshold of audit_anomaly_detector exists and has its type."""
    given: object = settings.AUDIT_ANOMALIES
    if not isinstance(given, dict):
        return [Error("AUDIT_ANOMALIES must be a dict.", id="rentals.E001")]
    return [
        Error(
            f'AUDIT_ANOMALIES["{name}"] {wrong}.',
            hint="What may be set, and the defaults: rentals/anomalies/thresholds.py.",
            id="rentals.E002",
        )
        for name, wrong in problems(given)
    ]
