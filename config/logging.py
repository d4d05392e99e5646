"""How Postroom logs: in, plain or JSON; out, a dictConfig. Events carry ids, never an address or a body.

Libraries log, too, and exceptions quote what they choke on: the formatters take out what people are reached by, and show of an
exception where it happened and what kind it is.
"""

import json
import logging
from types import TracebackType
from typing import Any

from notifications.masking import without_addresses
from notifications.traceback_of import traceback_of

ExcInfo = tuple[type[BaseException], BaseException, TracebackType | None] | tuple[None, None, None]


class PlainFormatter(logging.Formatter):
    """A line for people."""

    def format(self, record: logging.LogRecord) -> str:
        record.exc_text = None  # another handler's formatter may have left the whole message there
        text = super().format(record)
        record.exc_text = None
        return text

    def formatMessage(self, record: logging.LogRecord) -> str:  # noqa: N802 (logging's name)
        return without_addresses(super().formatMessage(record))

    def formatException(self, ei: ExcInfo) -> str:  # noqa: N802
        return traceback_of(ei[1]) if ei[1] is not None else ""


class JsonFormatter(PlainFormatter):
    """One JSON object a line, for a log collector."""

    def format(self, record: logging.LogRecord) -> str:
        entry: dict[str, Any] = {
            "at": self.formatTime(record, "%Y-%m-%dT%H:%M:%S%z"),
            "level": record.levelname.lower(),
            "logger": record.name,
            "event": without_addresses(record.getMessage()),
        }
        if record.exc_info:
            entry["exception"] = self.formatException(record.exc_info)
        return json.dumps(entry)


def logging_config(*, as_json: bool) -> dict[str, Any]:
    """A dictConfig for the root logger on standard error."""
    return {
        "version": 1,
        "disable_existing_loggers": False,
        "formatters": {
            "plain": {
                "()": "config.logging.PlainFormatter",
                "format": "%(asctime)s %(levelname)-7s %(name)s %(message)s",
            },
            "json": {"()": "config.logging.JsonFormatter"},
        },
        "handlers": {
            "stderr": {"class": "logging.StreamHandler", "formatter": "json" if as_json else "plain"}
        },
        "root": {"handlers": ["stderr"], "level": "INFO"},
        "loggers": {
            # Provider libraries log request bodies and URLs, which hold addresses.
            "twilio": {"level": "WARNING"},
            "urllib3": {"level": "WARNING"},
            "stripe": {"level": "WARNING"},
            "django-q": {"level": "WARNING"},
            # Django's own handler (with DEBUG) would write beside ours, unredacted.
            "django": {"handlers": [], "propagate": True},
        },
    }
