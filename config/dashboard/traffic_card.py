"""What went through, drawn: in, figures of a period; out, two charts with the same figures as tables, percentiles, outcomes."""

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from django.utils import timezone
from django.utils.formats import date_format
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from config.dashboard.amounts import took
from config.dashboard.links import Links
from config.dashboard.outcomes import Row, outcomes, rules
from consent.models import Channel
from notifications.models import Traffic
from notifications.state_counts import grouped
from notifications.traffic.buckets import percentile
from notifications.traffic.period import Period
from notifications.traffic.read import Figures

What = Traffic.What
SHARES = (0.5, 0.95, 0.99)
PERIODS: Mapping[Period, Promise] = {
    Period.HOUR: gettext_lazy("Hour"),
    Period.DAY: gettext_lazy("Day"),
    Period.WEEK: gettext_lazy("Week"),
    Period.MONTH: gettext_lazy("Month"),
    Period.YEAR: gettext_lazy("Year"),
}
LASTS: Mapping[Period, Promise] = {
    Period.HOUR: gettext_lazy("last hour"),
    Period.DAY: gettext_lazy("last 24 hours"),
    Period.WEEK: gettext_lazy("last 7 days"),
    Period.MONTH: gettext_lazy("last 30 days"),
    Period.YEAR: gettext_lazy("last 52 weeks"),
}
PIECES: Mapping[Period, Promise] = {
    Period.HOUR: gettext_lazy("messages a minute"),
    Period.DAY: gettext_lazy("messages an hour"),
    Period.WEEK: gettext_lazy("messages in 6 hours"),
    Period.MONTH: gettext_lazy("messages a day"),
    Period.YEAR: gettext_lazy("messages a week"),
}
_FORMATS: Mapping[Period, str] = {
    Period.HOUR: "H:i", Period.DAY: "H:i", Period.WEEK: "m-d H:i", Period.MONTH: "m-d", Period.YEAR: "Y-m-d",
}  # fmt: skip
SERIES: tuple[tuple[str, str | Promise], ...] = (
    (What.SENT, gettext_lazy("Sent")),
    (What.FAILED, gettext_lazy("Failed")),
    (What.WITHHELD, gettext_lazy("Withheld")),
)


@dataclass(frozen=True, slots=True)
class Total:
    """A series with its sum; `key` is its colour and shape, `url` the list behind it."""

    key: str
    name: str
    count: str
    url: str


@dataclass(frozen=True, slots=True)
class Speed:
    """One channel's percentiles, of calls and of waits."""

    name: str
    calls: tuple[str, ...]
    waits: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class TrafficCard:
    """`chart` and `speed_chart` are what home.js draws; the tables say the same."""

    period: str
    last: str
    totals: tuple[Total, ...]
    chart: Mapping[str, Any]
    pieces: tuple[tuple[str, tuple[str, ...]], ...]
    speed_chart: Mapping[str, Any]
    speed_pieces: tuple[tuple[str, tuple[str, ...]], ...]
    speeds: tuple[Speed, ...]
    outcomes: tuple[Row, ...]
    rules: tuple[Row, ...]
    is_empty: bool
    counted_at: dt.datetime | None
    is_late: bool
    is_partial: bool


def traffic_card(found: Figures, links: Links) -> TrafficCard:
    period = found.span.period
    labels = [_label(piece.start, period) for piece in found.pieces]
    counts = [[piece.counts.get(key, 0) for piece in found.pieces] for key, _name in SERIES]
    speeds = [_percentiles(piece.waits) for piece in found.pieces]
    shown = found.total(What.SENT) + found.total(What.FAILED) + found.total(What.WITHHELD)
    return TrafficCard(
        period=period.value,
        last=str(LASTS[period]),
        totals=tuple(
            Total(key, str(name), grouped(found.total(key)), _list_of(key, links, found))
            for key, name in SERIES
        ),
        chart={
            "kind": "bars",
            "labels": labels,
            "y": str(PIECES[period]),
            "series": [
                {"key": key, "name": str(name), "values": values}
                for (key, name), values in zip(SERIES, counts, strict=True)
            ],
        },
        pieces=tuple(
            (label, tuple(grouped(values[place]) for values in counts)) for place, label in enumerate(labels)
        ),
        speed_chart={
            "kind": "lines",
            "labels": labels,
            "y": _("from due to sent"),
            "series": [
                {
                    "key": f"p{one * 100:.0f}",
                    "name": f"p{one * 100:.0f}",
                    "values": [_seconds(row[place]) for row in speeds],
                }
                for place, one in enumerate(SHARES)
            ],
        },
        speed_pieces=tuple(
            (label, tuple(map(took, row))) for label, row in zip(labels, speeds, strict=True) if any(row)
        ),
        speeds=tuple(_speeds(found)),
        outcomes=tuple(outcomes(found, links)),
        rules=tuple(rules(found, links)),
        is_empty=not shown,
        counted_at=found.folded_at,
        is_late=found.is_late,
        is_partial=found.is_partial,
    )


def _label(start: dt.datetime, period: Period) -> str:
    return date_format(timezone.localtime(start), _FORMATS[period])


def _percentiles(buckets: Mapping[str, int]) -> list[Any]:
    return [percentile(buckets, one) for one in SHARES]


def _seconds(found: Any) -> float | None:
    return round(found.milliseconds / 1000, 3) if found else None


def _speeds(found: Figures) -> list[Speed]:
    rows = [(str(Channel(name).label), name) for name in Channel.values if found.total(What.CALL, name)]
    if len(rows) > 1:
        rows.append((_("All"), None))  # type: ignore[arg-type]
    return [
        Speed(
            label,
            tuple(map(took, _percentiles(found.buckets(What.CALL, channel)))),
            tuple(map(took, _percentiles(found.buckets(What.WAIT, channel)))),
        )
        for label, channel in rows
    ]


def _list_of(what: str, links: Links, found: Figures) -> str:
    status = {What.SENT: "sent", What.FAILED: "failed", What.WITHHELD: "cancelled"}[What(what)]
    return links.queue(status__exact=status, ended_from=found.span.since)


def is_period(text: str) -> bool:
    return text in Period.__members__.values()
