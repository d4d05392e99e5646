"""What is wrong with a wording, in French: every sentence that the proof can say is known, holes and all."""

import ast
import re
from pathlib import Path

import pytest
from django.conf import settings
from django.utils import translation

from templates_app.formats import TYPES
from templates_app.markup import ADDRESS_RULE
from templates_app.problem_words import PHRASES, in_words, message_in_words
from templates_app.shape import Problem

# Where the proof's sentences are written. What only a caller or a worker meets is not among them.
SAMPLE = "Chantier Cormier Inc."
SPOKEN = ("names", "proof", "shape", "samples", "markup", "tags", "partials", "law")
CODES = re.compile(r"[a-z_]+")


def sentences() -> set[str]:
    """Every text and f-string of these modules that reads like a sentence, a hole filled with a word."""
    found: set[str] = set()
    for name in SPOKEN:
        tree = ast.parse((Path(settings.BASE_DIR) / "templates_app" / f"{name}.py").read_text())
        inside = {
            id(child)
            for node in ast.walk(tree)
            if isinstance(node, ast.JoinedStr)
            for child in ast.walk(node)
        }
        for node in ast.walk(tree):
            if isinstance(node, ast.JoinedStr):
                text = "".join(str(p.value) if isinstance(p, ast.Constant) else "7" for p in node.values)
            elif isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in inside:
                text = node.value
            else:
                continue
            if (
                " " in text
                and text.rstrip().endswith(".")
                and "\n" not in text
                and not text.startswith("must ")
            ):
                found.add(text)
    docstrings = {
        ast.get_docstring(node, clean=False)
        for name in SPOKEN
        for node in ast.walk(
            ast.parse((Path(settings.BASE_DIR) / "templates_app" / f"{name}.py").read_text())
        )
        if isinstance(node, ast.Module | ast.FunctionDef | ast.ClassDef)
    }
    return found - {text for text in docstrings if text} - {SAMPLE}


def test_every_sentence_of_the_proof_is_known_in_french() -> None:
    assert len(sentences()) > 35
    with translation.override("fr"):
        assert {text for text in sentences() if message_in_words(text) == text} == set()


def test_every_phrase_of_the_types_is_known() -> None:
    assert set(TYPES.values()) | {ADDRESS_RULE} == set(PHRASES)


@pytest.mark.parametrize(
    ("message", "french"),
    [
        ("“oops” is not declared as a placeholder.", "« oops » n’est pas déclaré comme champ."),
        (
            "“numbr” is not declared as a placeholder; did you mean “number”?",
            "« numbr » n’est pas déclaré comme champ ; vouliez-vous dire « number » ?",
        ),
        (
            "The sample of “due” must be a date like 2026-11-24.",
            "L’exemple de « due » doit être une date comme 2026-11-24.",
        ),
        ("Something new.", "Something new."),
    ],
)
def test_a_sentence_is_said_again_with_what_it_is_about(message: str, french: str) -> None:
    with translation.override("fr"):
        assert message_in_words(message) == french


def test_the_place_is_told_in_words() -> None:
    problem = Problem("undeclared", "“oops” is not declared as a placeholder.", "a.b", "fr", "sms", "text", 2)
    with translation.override("fr"):
        assert (
            in_words(problem) == "Français · Texto · Texte, ligne 2 : « oops » n’est pas déclaré comme champ."
        )
    with translation.override("en"):
        assert in_words(problem) == "French · SMS · Text, line 2: “oops” is not declared as a placeholder."
