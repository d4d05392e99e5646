"""The settings of live mode, as a deployment has them: a process of its own with a whole environment, and with a wrong one."""

import json
import os
import secrets
import subprocess
import sys
from pathlib import Path

from sandbox import keys

ROOT = Path(__file__).resolve().parents[2]
SHOW = """
import json, logging
import django
django.setup()
logging.disable()
from django.test import Client
secure, plain = Client(headers={"Host": "postroom.example", "X-Forwarded-Proto": "https"}), Client()
login = secure.get("/admin/login/")
print(json.dumps({
    "headers": dict(login.items()),
    "cookie": str(login.cookies["csrftoken"]),
    "plain": plain.get("/admin/login/", headers={"Host": "postroom.example"}).get("Location"),
    "stranger": secure.get("/admin/login/", headers={"Host": "evil.example"}).status_code,
}))
"""


def environment(**changed: str) -> dict[str, str]:
    """What .env.example asks for in live mode. No provider is called."""
    return {
        "PATH": os.environ["PATH"],
        "POSTROOM_MODE": "live",
        "POSTROOM_EMBEDDED": os.environ.get("POSTROOM_EMBEDDED", "postgres-test"),
        "SECRET_KEY": secrets.token_urlsafe(50),
        "ALLOWED_HOSTS": "postroom.example",
        "PUBLIC_URL": "https://postroom.example",
        "EMAIL_FROM": "Fundy Equipment Rental <hello@rental.example>",
        "POSTAL_ADDRESS": "120 Main Street, Moncton NB",
        "SENDGRID_API_KEY": "SG.x",
        "SENDGRID_WEBHOOK_KEY": keys.sendgrid_webhook_public_key(),
        "TWILIO_ACCOUNT_SID": "AC" + "0" * 32,
        "TWILIO_AUTH_TOKEN": "0" * 32,
        "TWILIO_FROM": "+15005550006",
        "VAPID_PRIVATE_KEY": keys.vapid_private_key(),
        "VAPID_SUBJECT": "mailto:hello@rental.example",
        "STRIPE_API_KEY": "rk_live_x",
        "FIELD_KEYS": secrets.token_urlsafe(32),
        "PYTHONWARNINGS": "ignore::UserWarning",
        **changed,
    }


def manage(*arguments: str, **changed: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, *arguments], cwd=ROOT, env=environment(**changed), capture_output=True, text=True, check=False
    )  # fmt: skip


def test_check_deploy_has_nothing_to_say() -> None:
    done = manage("manage.py", "check", "--deploy", "--fail-level", "WARNING")
    assert done.returncode == 0, done.stderr
    assert "no issues" in done.stdout


def test_every_malformed_variable_is_named_at_once() -> None:
    wrong = {
        "TRUSTED_PROXIES": "two",
        "SENDGRID_API_URL": "http://api.sendgrid.com/v3/",
        "TWILIO_API_URL": "http://api.twilio.com",
        "STRIPE_API_URL": "http://api.stripe.com",
        "PUBLIC_URL": "http://postroom.example",
        "SECRET_KEY": "short",
    }
    done = manage("manage.py", "check", "--deploy", "--fail-level", "WARNING", **wrong)
    assert done.returncode == 1
    assert [name for name in wrong if name not in done.stderr] == []


def test_a_browser_is_told_https_alone_for_a_year_and_gets_no_cookie_without() -> None:
    shown = json.loads(manage("-c", SHOW, DJANGO_SETTINGS_MODULE="config.settings").stdout)
    headers = shown["headers"]
    assert headers["Strict-Transport-Security"] == "max-age=31536000; includeSubDomains; preload"
    assert headers["Cross-Origin-Opener-Policy"] == "same-origin"
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert headers["X-Frame-Options"] == "DENY"
    assert "Secure" in shown["cookie"]
    assert shown["plain"] == "https://postroom.example/admin/login/"
    assert shown["stranger"] == 400
