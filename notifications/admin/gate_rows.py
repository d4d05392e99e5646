"""The gates in rows: in, the rungs of the ladder; out, each gate's name, and its two answers with what they rest on."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop

from notifications.admin.asker import Named
from notifications.admin.cells import badge
from notifications.admin.story_lines import StoryLines
from notifications.gate_ladder import Gate, Rung, Said, Step
from notifications.reasons import reason_text

_NAMES: Mapping[Gate, str] = {
    Gate.EXPIRED: gettext_noop("Still in time"),
    Gate.REACHABLE: gettext_noop("Can be reached"),
    Gate.SUPPRESSED: gettext_noop("Address not suppressed"),
    Gate.CONSENT: gettext_noop("Consent"),
    Gate.RELEVANT: gettext_noop("Still relevant"),
    Gate.STOPPED: gettext_noop("Category not stopped"),
    Gate.FREQUENCY: gettext_noop("Not too often"),
    Gate.HOURS: gettext_noop("Quiet hours"),
}
_SAID: Mapping[Said, tuple[str, str]] = {
    Said.PASSED: (gettext_noop("Passed"), "ok"),
    Said.HELD: (gettext_noop("Held"), "warn"),
    Said.WITHHELD: (gettext_noop("Withheld"), "bad"),
    Said.NOT_ASKED: (gettext_noop("Not asked"), ""),
    Said.NOT_REACHED: (gettext_noop("Not reached"), ""),
    Said.NOT_YET: (gettext_noop("Not yet"), ""),
    Said.NOT_KEPT: (gettext_noop("Not on record"), ""),
}


@dataclass(frozen=True, slots=True)
class GateCell:
    """`said` is a badge, or a quiet word where nothing was decided."""

    said: SafeString | str
    is_quiet: bool
    reason: str = ""
    rule: str = ""
    grounds: Sequence[Named] = ()


@dataclass(frozen=True, slots=True)
class GateRow:
    name: str
    enqueue: GateCell
    delivery: GateCell


def gate_rows(rungs: Sequence[Rung], lines: StoryLines) -> list[GateRow]:
    return [
        GateRow(_(_NAMES[rung.gate]), _cell(rung.enqueue, lines), _cell(rung.delivery, lines))
        for rung in rungs
    ]


def _cell(step: Step, lines: StoryLines) -> GateCell:
    word, tone = _SAID[step.said]
    said: SafeString | str = badge(_(word), tone) if tone else _(word)
    if step.answer is None:
        return GateCell(said, not tone)
    answer = step.answer
    return GateCell(
        said,
        not tone,
        lines.people.named(reason_text(answer.rule, answer.reason)),
        answer.rule,
        lines.grounds(answer),
    )
