"""How Postroom logs: in, plain or JSON; out, a dictConfig. Events carry ids, never an address or a body.

Libraries log, too, and exceptions quote what they choke on: the formatters take out what people are reached by, and show of an
exception where it happened and what kind it is. Each line says which run, drain or request it belongs to (log_ids.py).
"""

import datetime as dt
import json
import logging
import re
from types import TracebackType
from typing import Any

from config.log_fields import fields_of
from notifications.log_ids import current_ids
from notifications.masking import without_addresses
from notifications.traceback_of import traceback_of

ExcInfo = tuple[type[BaseException], BaseException, TracebackType | None] | tuple[None, None, None]
# Of a long id, a line for people shows enough to find it by.
_LONG = re.compile(r"([0-9a-f]{8})[0-9a-f-]{4,}")


class PlainFormatter(logging.Formatter):
    """A line for people; the ids that its message does not name stand at its end."""

    def format(self, record: logging.LogRecord) -> str:
        record.exc_text = None  # another handler's formatter may have left the whole message there
        text = super().format(record)
        record.exc_text = None
        return text

    def formatMessage(self, record: logging.LogRecord) -> str:  # noqa: N802 (logging's name)
        line, newline, rest = super().formatMessage(record).partition("\n")
        ids = [f"{name} {_short(value)}" for name, value in current_ids().items() if f"{name}=" not in line]
        return without_addresses(
            f"{line} [{', '.join(ids)}]{newline}{rest}" if ids else f"{line}{newline}{rest}"
        )

    def formatException(self, ei: ExcInfo) -> str:  # noqa: N802
        return traceback_of(ei[1]) if ei[1] is not None else ""


class JsonFormatter(PlainFormatter):
    """One JSON object a line, for a log collector: what an event names are keys, and numbers are numbers."""

    def format(self, record: logging.LogRecord) -> str:
        entry: dict[str, Any] = {
            "at": dt.datetime.fromtimestamp(record.created, dt.UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "logger": record.name,
            **current_ids(),
            **fields_of(record),
        }
        if record.exc_info:
            entry["exception"] = self.formatException(record.exc_info)
        return json.dumps({key: _told(value) for key, value in entry.items()})


def _short(value: str) -> str:
    found = _LONG.fullmatch(value)
    return found[1] if found else value


def _told(value: Any) -> Any:
    if isinstance(value, bool | int | float) or value is None:
        return value
    return without_addresses(value.isoformat() if isinstance(value, dt.datetime) else str(value))


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
