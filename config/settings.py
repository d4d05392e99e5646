"""Django's settings, and the only reader of the environment: in, environment variables and `.env`; out, settings.

`.env.example` explains each variable. In sandbox mode whatever is missing gets a local default; in live mode
a missing or malformed variable is reported by name by `manage.py check` (`notifications/checks.py`).
"""

from pathlib import Path
from typing import Any

import environ
from django.utils.translation import gettext_lazy as _

from config.admin_theme import unfold
from config.business import audit_anomalies, notifications, rentals, templates_app
from config.doors import Limit, limits, locks, permissions, policies, proxies
from config.local_secrets import local_secret
from config.logging import logging_config
from config.sentry import share, start_sentry

BASE_DIR = Path(__file__).resolve().parent.parent
LOCAL_DIR = BASE_DIR / ".local"

env = environ.Env()
environ.Env.read_env(str(BASE_DIR / ".env"))

# ── Mode ────────────────────────────────────────────────────────────────────────────────────────────────
POSTROOM_MODE: str = env.str("POSTROOM_MODE", "sandbox")
SANDBOX = POSTROOM_MODE != "live"
SANDBOX_URL = "http://127.0.0.1:8025"
DEBUG: bool = env.bool("DEBUG", False)
SECRET_KEY: str = env.str("SECRET_KEY", "") or (local_secret(LOCAL_DIR, "secret_key") if SANDBOX else "")
ALLOWED_HOSTS: list[str] = env.list(
    "ALLOWED_HOSTS", default=["127.0.0.1", "localhost", "[::1]"] if SANDBOX else []
)
PUBLIC_URL: str = env.str("PUBLIC_URL", "http://127.0.0.1:8000" if SANDBOX else "").rstrip("/")
CSRF_TRUSTED_ORIGINS = [PUBLIC_URL] if PUBLIC_URL else []

# ── Applications ────────────────────────────────────────────────────────────────────────────────────────
INSTALLED_APPS = [
    "config",
    "unfold",
    "unfold.contrib.filters",
    "django.contrib.admin",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "django.contrib.postgres",
    "django_q",
    "ninja",
    "anymail",
    "consent",
    "templates_app",
    "notifications",
    "rentals",
    "jobs",
]
MIDDLEWARE = [
    "config.request_ids.RequestIds",
    "config.safe_headers.SafeHeaders",
    "config.client_address.ClientAddress",
    "django.middleware.security.SecurityMiddleware",
    "config.monitoring.probes.Probes",
    "config.json_errors.JsonErrors",
    "config.body_bounds.BodyBounds",
    "config.rate_limits.RateLimits",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.locale.LocaleMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "config.two_step_gate.TwoStepGate",
    "config.reader.Reader",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
]
ROOT_URLCONF = "config.urls"
WSGI_APPLICATION = "config.wsgi.application"
ASGI_APPLICATION = "config.asgi.application"
TEMPLATES: list[dict[str, Any]] = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "config" / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
            ],
        },
    }
]

# ── Database ────────────────────────────────────────────────────────────────────────────────────────────
DATABASE_URL: str = env.str("DATABASE_URL", "")
if not DATABASE_URL:
    from config.embedded_postgres import ensure

    _server = env.str("POSTROOM_EMBEDDED", "postgres")
    # Its superuser sets up; the demo's processes log in with what row level security lets them (config/logins.py).
    _login = env.str("POSTROOM_EMBEDDED_LOGIN", "postgres")
    DATABASE_URL = ensure(LOCAL_DIR / _server, durable=_server == "postgres", login=_login)
DATABASES: dict[str, dict[str, Any]] = {"default": env.db_url_config(DATABASE_URL)}
# A new connection a request or task costs 15 times an enqueue (docs/decisions/0004-django-q2.md).
DATABASES["default"] |= {"CONN_MAX_AGE": 120, "CONN_HEALTH_CHECKS": True, "ATOMIC_REQUESTS": False}
# A server that is gone without a word is missed within seconds, not after TCP's quarter of an hour.
DATABASES["default"]["OPTIONS"] = {
    "connect_timeout": 5, "tcp_user_timeout": 15_000, **DATABASES["default"].get("OPTIONS", {}),
}  # fmt: skip
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
LOGIN_URL, LOGIN_REDIRECT_URL = "admin:login", "admin:index"
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": f"django.contrib.auth.password_validation.{name}"}
    for name in ("UserAttributeSimilarityValidator", "MinimumLengthValidator", "CommonPasswordValidator")
]

# ── Language, time, files ───────────────────────────────────────────────────────────────────────────────
LANGUAGE_CODE = "en"
LANGUAGES = [("en", _("English")), ("fr", _("French"))]
LOCALE_PATHS = [BASE_DIR / "config" / "locale"]
FORMAT_MODULE_PATH = "config.formats"
TIME_ZONE: str = env.str("TIME_ZONE", "America/Moncton")
USE_I18N = USE_TZ = True
STATIC_URL = "static/"
STATIC_ROOT = None if SANDBOX else BASE_DIR / "staticfiles"
WHITENOISE_USE_FINDERS = SANDBOX

# ── Security ────────────────────────────────────────────────────────────────────────────────────────────
globals().update(locks(sandbox=SANDBOX))
POLICIES: dict[str, str] = policies()
LIMITS: dict[str, Limit] = limits()
PERMISSIONS_POLICY: str = permissions()
TRUSTED_PROXIES: int = proxies(env.str("TRUSTED_PROXIES", ""), sandbox=SANDBOX)
REQUIRE_SECOND_FACTOR: bool = env.bool("REQUIRE_SECOND_FACTOR", False)
SERVICE_TOKENS: list[str] = env.list("SERVICE_TOKENS", default=[])
FIELD_KEYS: list[str] = env.list("FIELD_KEYS", default=[]) or (
    [local_secret(LOCAL_DIR, "field_key")] if SANDBOX else []
)

# ── Providers ───────────────────────────────────────────────────────────────────────────────────────────
if SANDBOX:
    from sandbox import keys as sandbox_keys
EMAIL_BACKEND: str = env.str("EMAIL_BACKEND", "anymail.backends.sendgrid.EmailBackend")
EMAIL_FROM: str = env.str("EMAIL_FROM", "Fundy Equipment Rental <hello@rental.example>" if SANDBOX else "")
DEFAULT_FROM_EMAIL = SERVER_EMAIL = EMAIL_FROM
POSTAL_ADDRESS: str = env.str(
    "POSTAL_ADDRESS", "120 Main Street, Moncton NB E1C 1B7, Canada" if SANDBOX else ""
)
ANYMAIL = {
    "SENDGRID_API_KEY": env.str("SENDGRID_API_KEY", sandbox_keys.sendgrid_api_key() if SANDBOX else ""),
    "SENDGRID_API_URL": env.str(
        "SENDGRID_API_URL",
        f"{SANDBOX_URL}/sendgrid/v3/" if SANDBOX else "https://api.sendgrid.com/v3/",
    ),
    "REQUESTS_TIMEOUT": (5, 15),
}
SENDGRID_WEBHOOK_KEY: str = env.str(
    "SENDGRID_WEBHOOK_KEY", sandbox_keys.sendgrid_webhook_public_key() if SANDBOX else ""
)
TWILIO_ACCOUNT_SID: str = env.str("TWILIO_ACCOUNT_SID", sandbox_keys.twilio_account_sid() if SANDBOX else "")
TWILIO_AUTH_TOKEN: str = env.str("TWILIO_AUTH_TOKEN", sandbox_keys.twilio_auth_token() if SANDBOX else "")
TWILIO_FROM: str = env.str("TWILIO_FROM", sandbox_keys.TWILIO_FROM if SANDBOX else "")
TWILIO_API_URL: str = env.str(
    "TWILIO_API_URL", f"{SANDBOX_URL}/twilio" if SANDBOX else "https://api.twilio.com"
)
VAPID_PRIVATE_KEY: str = env.str("VAPID_PRIVATE_KEY", sandbox_keys.vapid_private_key() if SANDBOX else "")
VAPID_SUBJECT: str = env.str("VAPID_SUBJECT", "mailto:hello@rental.example" if SANDBOX else "")
STRIPE_API_KEY: str = env.str("STRIPE_API_KEY", sandbox_keys.stripe_api_key() if SANDBOX else "")
STRIPE_API_URL: str = env.str(
    "STRIPE_API_URL", f"{SANDBOX_URL}/stripe" if SANDBOX else "https://api.stripe.com"
)
# Anymail's SendGrid adapter works but its authors can no longer test it against SendGrid; ours do, by contract.
SILENCED_SYSTEM_CHECKS = ["anymail.W003"]

# ── Postroom ────────────────────────────────────────────────────────────────────────────────────────────
NOTIFICATIONS: dict[str, Any] = notifications()
RENTALS: dict[str, str] = rentals(PUBLIC_URL)
AUDIT_ANOMALIES: dict[str, Any] = audit_anomalies()
TEMPLATES_APP: dict[str, str] = templates_app(sms_price=env.str("SMS_PRICE", ""))

# django-q2 hosts workers and keeps the clock; the queue is our own table (docs/decisions/0004-django-q2.md).
# retry > (1 + ceil((queue_limit + bulk) / workers)) · timeout + 3, or a running task is handed out again.
Q_CLUSTER: dict[str, Any] = {
    "name": "postroom",
    "orm": "default",
    "poll": 0.1,
    "save_limit": -1,
    "catch_up": False,
    "ack_failures": True,
    "max_attempts": 1,
    "workers": 1,
    "queue_limit": 1,
    "bulk": 1,
    "timeout": 60,
    "retry": 300,
    "label": "Tasks",
    "ALT_CLUSTERS": {
        "notify": {"workers": 2, "queue_limit": 2, "bulk": 1, "timeout": 220, "retry": 700},
        "jobs": {"workers": 2, "queue_limit": 2, "bulk": 1, "timeout": 1800, "retry": 7200},
    },
}

# ── Admin ───────────────────────────────────────────────────────────────────────────────────────────────
UNFOLD = unfold(sandbox=SANDBOX)

# ── Logs and errors ─────────────────────────────────────────────────────────────────────────────────────
LOGGING = logging_config(as_json=not SANDBOX)
RELEASE: str = env.str("RELEASE", "")
SENTRY_TRACES_SAMPLE_RATE: float = share(env.str("SENTRY_TRACES_SAMPLE_RATE", ""))
SENTRY_CRONS: bool = env.bool("SENTRY_CRONS", False)
start_sentry(
    dsn=env.str("SENTRY_DSN", ""),
    environment=POSTROOM_MODE,
    release=RELEASE,
    traces=SENTRY_TRACES_SAMPLE_RATE,
)
