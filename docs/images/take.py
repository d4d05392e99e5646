"""Take the README's pictures from a running demo: in, its addresses and login; out, the PNG files beside this script.

.venv/bin/python docs/images/take.py --password …   # the password that `make demo` prints
"""

import argparse
import os
import shutil
from pathlib import Path

from playwright.sync_api import Page, sync_playwright

HERE = Path(__file__).parent
DELIVERED = "feedback=delivered&channel=email&category=reminder"
FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
]


def main() -> None:
    parser = argparse.ArgumentParser(description="Take the README's pictures from a running demo.")
    parser.add_argument("--admin", default="http://127.0.0.1:8000", help="(default: %(default)s)")
    parser.add_argument("--sandbox", default="http://127.0.0.1:8025", help="(default: %(default)s)")
    parser.add_argument("--password", required=True, help="of the demo's login admin")
    options = parser.parse_args()
    chromium = os.environ.get("CHROMIUM") or shutil.which("chromium") or shutil.which("google-chrome")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=FLAGS)
        page = browser.new_page(viewport={"width": 1440, "height": 900}, locale="en-GB")
        _log_in(page, options.admin, options.password)
        # A reminder that arrived: consent decided, twice, and the provider reported back.
        page.set_viewport_size({"width": 1280, "height": 1160})
        page.goto(f"{options.admin}/admin/notifications/notification/?{DELIVERED}")
        page.locator("#result_list tbody tr a[href*='/change/']").first.click()
        _shoot(page, "message")
        page.set_viewport_size({"width": 1440, "height": 900})
        page.goto(f"{options.sandbox}/?channel=email")
        page.get_by_text("E-mail", exact=True).first.click()
        # The newest are for staff.
        page.locator(".list li", has_text="E-mail").filter(has_not_text="@rental.example").first.click()
        page.wait_for_timeout(1500)
        _shoot(page, "sandbox")
        browser.close()


def _log_in(page: Page, admin: str, password: str) -> None:
    page.goto(f"{admin}/admin/login/?next=/admin/")
    page.fill("#id_username", "admin")
    page.fill("#id_password", password)
    page.press("#id_password", "Enter")
    page.wait_for_url(f"{admin}/admin/", timeout=60_000)


def _shoot(page: Page, name: str) -> None:
    page.wait_for_load_state("networkidle")
    page.screenshot(path=HERE / f"{name}.png")


if __name__ == "__main__":
    main()
