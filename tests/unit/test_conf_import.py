"""`NOTIFICATIONS` is written with our own words (RetryPolicy, Retention), so settings import them before any app is loaded."""

import subprocess
import sys

import pytest


@pytest.mark.parametrize("module", ["notifications.conf", "notifications.retention", "notifications.breaker"])
def test_settings_may_import_what_they_are_written_with(module: str) -> None:
    code = f"import {module}, sys; assert 'consent.models' not in sys.modules"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
