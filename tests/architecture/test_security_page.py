"""docs/security.md names a test for each promise: a name that no test has would promise something that nobody checks."""

import ast
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PAGE = (ROOT / "docs" / "security.md").read_text()
SHOWN_BY = sorted(set(re.findall(r"`(tests/[\w/]+\.py)(?:::(\w+))?`", PAGE)))


def test_the_page_names_tests() -> None:
    assert len(SHOWN_BY) > 40


@pytest.mark.parametrize(("file", "name"), SHOWN_BY, ids=lambda part: part or "all")
def test_each_test_that_the_page_names_is_there(file: str, name: str) -> None:
    path = ROOT / file
    assert path.exists(), f"{file} is gone: name the test that took its place"
    if name:
        found = {
            n.name
            for n in ast.walk(ast.parse(path.read_text()))
            if isinstance(n, ast.FunctionDef | ast.ClassDef)
        }
        assert name in found, f"{file} has no {name}"


def test_each_row_of_a_table_of_promises_names_one() -> None:
    rows = [line for line in PAGE.splitlines() if line.startswith("| ") and not line.startswith("| promise")]
    assert [row for row in rows if "`tests/" not in row] == []
