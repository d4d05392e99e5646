"""What the business says of a message that no longer holds is told in French where it holds no date."""

import ast
from pathlib import Path

from django.conf import settings
from django.utils import translation

from notifications.reasons import reason_text
from rentals.models import Booking
from rentals.relevance.sentences import SENTENCES

HERE = Path(settings.BASE_DIR) / "rentals" / "relevance"


def test_every_whole_sentence_that_a_rule_answers_is_marked() -> None:
    found = set()
    for path in HERE.glob("*.py"):
        tree = ast.parse(path.read_text("utf-8"))
        for node in ast.walk(tree):
            if isinstance(node, ast.Return | ast.IfExp | ast.NamedExpr):
                found |= {
                    part.value
                    for part in ast.walk(node)
                    if isinstance(part, ast.Constant)
                    and isinstance(part.value, str)
                    and part.value.endswith(".")
                }
    assert len(found) > 20
    # «.» ends a sentence that has a hole.
    assert {text for text in found - SENTENCES if len(text) > 1 and text[0].isupper()} == set()


def test_each_is_told_in_french_inside_the_gates_reason() -> None:
    with translation.override("fr"):
        for sentence in SENTENCES:
            told = reason_text("relevance.ended", f"It no longer holds: {sentence}")
            assert told.startswith("Il n’a plus lieu d’être : ")
            assert sentence not in told
        dated = "It no longer holds: The booking moved to 2026-12-01."
        assert reason_text("relevance.ended", dated).endswith("The booking moved to 2026-12-01.")


def test_the_states_that_end_a_booking_have_a_sentence() -> None:
    for status in (Booking.Status.CANCELLED, Booking.Status.COMPLETED):
        assert f"The booking is {status}." in SENTENCES
