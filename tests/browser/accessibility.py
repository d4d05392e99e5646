"""What stands between a page and who cannot see it or use a mouse: in, a page; out, the faults that axe-core calls serious."""

from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page

from tests.browser.conftest import Visitor

# Without fetching the style sheets again: their imports would be looked for beside the page. No serious rule that axe has switched on
# needs them.
OPTIONS = {"preload": False, "resultTypes": ["violations"]}
SERIOUS = {"serious", "critical"}
# axe measures colours as they are that moment: what fades in has not got its contrast yet. Alpine begins to fade two frames on.
AT_REST = """
    async () => {
        for (let frame = 0; frame < 3; frame++) await new Promise(requestAnimationFrame)
        const passing = document.getAnimations().filter(one => one.effect.getComputedTiming().endTime !== Infinity)
        await Promise.allSettled(passing.map(one => one.finished))
    }
"""


def serious_faults(page: Page) -> list[str]:
    """A line each: the rule, what it asks for, and the first places that break it. Looks once the page is at rest."""
    page.evaluate(AT_REST)
    return [
        f"{found['id']}: {found['help']} {[node['html'][:200] for node in found['nodes'][:3]]}"
        for found in Axe().run(page, options=OPTIONS).response["violations"]
        if found["impact"] in SERIOUS
    ]


def is_sound(visitor: Visitor) -> None:
    """No serious fault for who cannot see or use a mouse, and nothing outside the window."""
    assert serious_faults(visitor.page) == []
    assert visitor.fits()
