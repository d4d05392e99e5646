"""The documentation hangs together: every link leads to a file, and a decision has a number of its own."""

import re
from collections import Counter
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PAGES = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md"), ROOT / "sandbox" / "README.md"])
LINK = re.compile(r"\]\(([^)\s#]+)[^)]*\)")


def relative(path: Path) -> str:
    return str(path.relative_to(ROOT))


@pytest.mark.parametrize("page", PAGES, ids=relative)
def test_every_link_leads_to_a_file(page: Path) -> None:
    targets = [link for link in LINK.findall(page.read_text()) if "://" not in link]
    assert [link for link in targets if not (page.parent / link).exists()] == []


def test_every_picture_is_shown_somewhere() -> None:
    shown = {
        (page.parent / link).resolve()
        for page in PAGES
        for link in LINK.findall(page.read_text())
        if "://" not in link
    }
    assert [
        picture.name for picture in (ROOT / "docs" / "images").glob("*.png") if picture not in shown
    ] == []


def test_each_decision_has_a_number_of_its_own() -> None:
    decisions = sorted((ROOT / "docs" / "decisions").glob("[0-9]*.md"))
    numbers = Counter(page.name[:4] for page in decisions)
    assert [number for number, times in numbers.items() if times > 1] == []
    for page in decisions:
        assert page.read_text().startswith(f"# {int(page.name[:4])}. "), page.name
