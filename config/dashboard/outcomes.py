"""What providers answered, and which rules withheld: in, figures of a period; out, lines of two tables, the most first."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass

from config.dashboard.amounts import share
from config.dashboard.links import Links
from notifications.models import DeliveryAttempt, Traffic
from notifications.state_counts import grouped
from notifications.traffic.read import Figures

What = Traffic.What
# The most kinds of errors of a provider, and rules, that one page can use.
SHOWN = 5
TONES: Mapping[str, str] = {
    What.SENT: "ok", What.TRANSIENT: "warn", What.PERMANENT: "bad", What.MISCONFIGURED: "bad", What.UNKNOWN: "warn",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Row:
    """A line of a table; `bar` is its share of the longest, in percent."""

    name: str
    count: str
    share: str
    bar: float
    url: str = ""
    note: str = ""
    tone: str = ""


def outcomes(found: Figures, links: Links) -> list[Row]:
    """By provider: what it took on, and each class of errors, the most first."""
    sums: Counter[tuple[str, str, str]] = Counter()
    for line in found.lines:
        if line.what in DeliveryAttempt.Outcome.values:
            sums[line.provider, line.what, line.code] += line.count
    providers: Counter[str] = Counter()
    for (provider, _what, _code), count in sums.items():
        providers[provider] += count
    rows = []
    for provider, all_calls in providers.most_common():
        of_it = [(key, count) for key, count in sums.most_common() if key[0] == provider]
        for (_provider, what, code), count in of_it[:SHOWN]:
            is_sent = what == What.SENT
            rows.append(
                Row(
                    provider,
                    grouped(count),
                    share(count, all_calls),
                    100 * count / all_calls,
                    url="" if is_sent or not code else links.queue(error_class=code),
                    note=" ".join(filter(None, (str(DeliveryAttempt.Outcome(what).label), code))),
                    tone=TONES[what],
                )
            )
    return rows


def rules(found: Figures, links: Links) -> list[Row]:
    """What withheld messages."""
    sums: Counter[str] = Counter()
    for line in found.lines:
        if line.what == What.WITHHELD:
            sums[line.code] += line.count
    total = sum(sums.values())
    return [
        Row(
            rule,
            grouped(count),
            share(count, total),
            100 * count / total,
            url=links.queue(withheld=rule, ended_from=found.span.since),
            tone="muted",
        )
        for rule, count in sums.most_common(SHOWN)
    ]
