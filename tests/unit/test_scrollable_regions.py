"""What scrolls sideways can be reached and scrolled by the keyboard, and has a name: read from the templates themselves."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
REGION = re.compile(r'<[a-z]+ class="[^"]*\b(?:pr|ta|ce)-scroll\b[^>]*>')
PAGES = {
    str(path.relative_to(ROOT)): regions
    for path in sorted(ROOT.glob("*/templates/**/*.html"))
    if (regions := REGION.findall(path.read_text()))
}


@pytest.mark.parametrize("page", PAGES)
def test_what_scrolls_is_reached_by_the_keyboard_and_has_a_name(page: str) -> None:
    text = (ROOT / page).read_text()
    for region in PAGES[page]:
        assert 'tabindex="0"' in region, region
        assert re.search(r'role="(group|region)"', region), region
        labels = re.findall(r'aria-label(?:ledby)?="([^"]+)"', region)
        assert len(labels) == 1, region
        # The heading may stand in the page around a live part.
        if 'aria-labelledby="' in region and f'id="{labels[0]}"' not in text:
            assert any(
                f'id="{labels[0]}"' in other.read_text()
                for other in ROOT.glob(f"{page.split('/')[0]}/templates/**/*.html")
            ), region
