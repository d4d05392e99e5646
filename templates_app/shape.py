"""Is a wording complete? In: what an editor wrote; out: languages, channels and parts that are missing or unknown. Pure."""

from collections.abc import Iterator
from dataclasses import dataclass

from templates_app.compiled import Texts
from templates_app.engine import OPTIONAL_PARTS, PARTS
from templates_app.layout import PREHEADER


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing to put right, and where: `part` is a part of the channel, or the partial that holds the fault; `name` is
    the placeholder that it is about, where it is about one that nobody declared."""

    code: str
    message: str
    template: str = ""
    locale: str = ""
    channel: str = ""
    part: str = ""
    line: int | None = None
    name: str = ""

    def __str__(self) -> str:
        place = " ".join(filter(None, [self.template, self.locale, self.channel, self.part]))
        return f"{place}{f' line {self.line}' if self.line else ''}: {self.message}"


def shape_problems(source: Texts) -> Iterator[Problem]:
    """Every language has the same channels, every channel its parts."""
    if not source:
        yield Problem("no_locale", "There is no text in any language.")
    everywhere = set().union(*source.values()) if source else set()
    for locale, channels in source.items():
        for channel in sorted(everywhere - set(channels)):
            yield Problem(
                "missing_channel",
                "Another language has this channel: write it here too.",
                "",
                locale,
                channel,
            )
        for channel, texts in channels.items():
            if channel not in PARTS:
                yield Problem("unknown_channel", f"Channels are {', '.join(PARTS)}.", "", locale, channel)
                continue
            for part in texts:
                if part not in writable(channel):
                    parts = ", ".join(writable(channel))
                    yield Problem("unknown_part", f"This channel has: {parts}.", "", locale, channel, part)
            for part in PARTS[channel]:
                if (channel, part) not in OPTIONAL_PARTS and not texts.get(part, "").strip():
                    yield Problem(
                        "missing_part", "This part has no text: write it.", "", locale, channel, part
                    )


def writable(channel: str) -> tuple[str, ...]:
    """The parts that an editor may write for a channel."""
    first, *rest = PARTS[channel]
    return (first, PREHEADER, *rest) if channel == "email" else PARTS[channel]
