"""Take the pictures of the README and of docs/operators.md from a running demo: in, its addresses and login; out, the PNG files
beside this script.

make demo ARGS=--reset                                      # in another window: a fresh sample business
.venv/bin/python -m docs.images.take --password …           # the password that it prints
.venv/bin/python -m docs.images.take --password … home why  # some of them
"""

import argparse
import os
import shutil
from pathlib import Path

from playwright.sync_api import sync_playwright

from docs.images.scenes import SCENES, Demo

FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
]


def main() -> None:
    parser = argparse.ArgumentParser(
        description="Take the pictures of the documentation from a running demo."
    )
    parser.add_argument("--admin", default="http://127.0.0.1:8000", help="(default: %(default)s)")
    parser.add_argument("--sandbox", default="http://127.0.0.1:8025", help="(default: %(default)s)")
    parser.add_argument("--password", required=True, help="of the demo's login admin")
    parser.add_argument(
        "--to", type=Path, default=Path(__file__).parent, metavar="FOLDER", help="(default: here)"
    )
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"of {', '.join(SCENES)} (default: all)")
    options = parser.parse_args()
    if unknown := set(options.names) - SCENES.keys():
        parser.error(f"there is no picture {', '.join(sorted(unknown))}: choose from {', '.join(SCENES)}")
    chromium = os.environ.get("CHROMIUM") or shutil.which("chromium") or shutil.which("google-chrome")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=FLAGS)
        # The operator's clock is the business's, so that the pictures show one time.
        context = browser.new_context(locale="en-CA", timezone_id="America/Moncton", reduced_motion="reduce")
        demo = Demo(context.new_page(), options.admin, options.sandbox)
        demo.log_in(options.password)
        for name in options.names or SCENES:
            scene = SCENES[name]
            demo.page.set_viewport_size({"width": 1440, "height": scene.height})
            scene.show(demo)
            demo.page.wait_for_load_state("networkidle")
            demo.page.screenshot(path=options.to / f"{name}.png")
            scene.tidy(demo)
            print(f"{name}.png")
        browser.close()


if __name__ == "__main__":
    main()
