"""The operators' pages of the pipeline: in, staff with permissions; out, lists, stories, and changes by POST with a reason."""

from notifications.admin import (
    bulk,
    channels,
    data_requests,
    deliveries,
    inbox,
    past,
    queue,
    reports,
    texts,
    tokens,
)

__all__ = [
    "bulk",
    "channels",
    "data_requests",
    "deliveries",
    "inbox",
    "past",
    "queue",
    "reports",
    "texts",
    "tokens",
]
