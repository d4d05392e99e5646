"""The ASGI door: in, an HTTP request from uvicorn; out, Django's answer."""

import os

from django.core.asgi import get_asgi_application

from config.body_bounds import bounded

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
application = bounded(get_asgi_application())
