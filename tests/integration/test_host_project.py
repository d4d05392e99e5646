"""A host monolith with integer keys, its own people, no django-unfold, no rentals and no jobs: does the package hold?"""

import os
import subprocess
import sys
import textwrap
from pathlib import Path
from typing import Any

import psycopg
import pytest
from django.db import connection

from sandbox.testing import SandboxServer

ROOT = Path(__file__).resolve().parents[2]
SETTINGS = """
    import os
    SECRET_KEY = "x" * 50
    DEBUG = False
    ALLOWED_HOSTS = ["testserver"]
    ROOT_URLCONF = "host_urls"
    USE_TZ = True
    TIME_ZONE = "Europe/Madrid"
    LANGUAGES = [("en", "English"), ("fr", "French")]
    LANGUAGE_CODE = "en"
    STATIC_URL = "/static/"
    INSTALLED_APPS = [
        "django.contrib.admin", "django.contrib.auth", "django.contrib.contenttypes", "django.contrib.sessions",
        "django.contrib.messages", "django.contrib.staticfiles", "consent", "templates_app", "notifications",
    ]
    MIDDLEWARE = [
        "django.contrib.sessions.middleware.SessionMiddleware", "django.middleware.csrf.CsrfViewMiddleware",
        "django.contrib.auth.middleware.AuthenticationMiddleware",
        "django.contrib.messages.middleware.MessageMiddleware",
    ]
    TEMPLATES = [{
        "BACKEND": "django.template.backends.django.DjangoTemplates", "APP_DIRS": True,
        "OPTIONS": {"context_processors": [
            "django.template.context_processors.request", "django.contrib.auth.context_processors.auth",
            "django.contrib.messages.context_processors.messages"]},
    }]
    DATABASES = {"default": {"ENGINE": "django.db.backends.postgresql", "NAME": os.environ["HOST_DB"],
        "USER": os.environ["HOST_USER"], "HOST": os.environ["HOST_HOST"], "PORT": os.environ["HOST_PORT"],
        "PASSWORD": os.environ["HOST_PASSWORD"]}}
    POSTROOM_MODE, SANDBOX = "sandbox", True
    PUBLIC_URL = "https://shop.example"
    FIELD_KEYS = ["a key of the host, long enough for anybody 0123456789"]
    EMAIL_BACKEND = "anymail.backends.sendgrid.EmailBackend"
    EMAIL_FROM = "Shop <hello@shop.example>"
    POSTAL_ADDRESS = "1 Shop Street"
    ANYMAIL = {"SENDGRID_API_KEY": os.environ["SENDGRID_API_KEY"], "SENDGRID_API_URL": os.environ["SENDGRID_API_URL"]}
    TWILIO_ACCOUNT_SID = TWILIO_AUTH_TOKEN = TWILIO_FROM = ""
    TWILIO_API_URL = STRIPE_API_URL = "https://provider.example"
    VAPID_PRIVATE_KEY = VAPID_SUBJECT = ""
    SERVICE_TOKENS = []
    SILENCED_SYSTEM_CHECKS = ["anymail.W003"]
    NOTIFICATIONS = {"DIRECTORY": "host_people.People", "COMPANY_NAME": "Shop"}
"""
URLS = """
    from django.contrib import admin
    from django.urls import include, path
    urlpatterns = [path("admin/", admin.site.urls), path("", include("consent.urls"))]
"""
PEOPLE = """
    from consent.directory import Contact
    class People:
        def customers(self, ids):
            return {i: Contact(id=i, first_name="Ana", email="ana@example.com", locale="es") for i in ids if i == "7"}
        def staff(self, ids):
            return {}
        def group(self, name):
            return None
        def customers_at(self, channel, address):
            return []
"""
SCRIPT = """
    import django
    django.setup()
    from django.core.management import call_command
    call_command("check", fail_level="WARNING")
    call_command("makemigrations", check=True, dry_run=True, verbosity=0)
    call_command("migrate", verbosity=0)
    call_command("check", databases=["default"], fail_level="WARNING")  # row level security: no gap
    call_command("load_templates", verbosity=0)
    from django.contrib.auth.models import User
    from django.test import Client
    from notifications.enqueue import notify
    from notifications.models import Notification
    from notifications.worker import drain
    result = notify("booking.pickup_today", to=7, payload={"booking_number": "B-1", "equipment": "Drill",
        "start_date": "2026-11-24", "booking_url": "https://shop.example/b/1"})
    assert len(result.queued) == 1, result
    drain()
    row = Notification.objects.get()
    assert row.status == "sent", (row.status, row.error)
    client = Client()
    client.force_login(User.objects.create_superuser("root", "root@shop.example", "x"))
    for path in ("/admin/", "/admin/notifications/notification/", f"/admin/notifications/notification/{row.pk}/change/",
                 "/admin/templates_app/notificationtemplate/", "/admin/consent/customerconsent/"):
        answer = client.get(path)
        assert answer.status_code == 200, (path, answer.status_code)
    print("all is well")
"""


@pytest.mark.django_db
def test_the_package_works_in_a_project_of_its_own(tmp_path: Path, sandbox: SandboxServer) -> None:
    for name, text in (
        ("host_settings", SETTINGS),
        ("host_urls", URLS),
        ("host_people", PEOPLE),
        ("script", SCRIPT),
    ):
        (tmp_path / f"{name}.py").write_text(textwrap.dedent(text))
    with psycopg.connect(**_server(), autocommit=True) as server:
        server.execute("DROP DATABASE IF EXISTS postroom_host_project")
        server.execute("CREATE DATABASE postroom_host_project")
        try:
            done = _run(tmp_path, sandbox)
        finally:
            server.execute("DROP DATABASE IF EXISTS postroom_host_project WITH (FORCE)")
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout.endswith("all is well\n")
    (mail,) = sandbox.messages()
    assert mail["recipients"] == ["ana@example.com"]


def _server() -> dict[str, Any]:
    parameters = connection.get_connection_params()
    return {
        "dbname": "postgres",
        **{key: str(parameters[key]) for key in ("host", "port", "user", "password") if parameters.get(key)},
    }


def _run(folder: Path, sandbox: SandboxServer) -> "subprocess.CompletedProcess[str]":
    server = _server()
    environment = {
        "PATH": os.environ["PATH"],
        "PYTHONPATH": f"{folder}:{ROOT}",
        "DJANGO_SETTINGS_MODULE": "host_settings",
        "HOST_DB": "postroom_host_project",
        **{f"HOST_{key.upper()}": server.get(key, "") for key in ("host", "port", "user", "password")},
        **sandbox.environment(),
    }
    return subprocess.run(
        [sys.executable, str(folder / "script.py")],
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
        timeout=180,
        check=False,
    )
