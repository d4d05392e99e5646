"""The HTTP API in one piece: in, the routers of the apps; out, `/api/…`, its OpenAPI document, and its page for staff."""

from functools import partial

from django.contrib.admin.views.decorators import staff_member_required
from django.urls import URLPattern, URLResolver, path
from ninja import NinjaAPI
from ninja.openapi.views import openapi_view

from jobs.api import router as jobs
from jobs.api_pauses import router as pauses
from notifications.api.body import BoundedJson
from notifications.api.errors import install
from notifications.api.routes import notifications, queue

api = NinjaAPI(
    title="Postroom",
    version="1.0",
    description=(
        "Queue notifications, see what became of them, and run the background jobs. Every answer is "
        '`{"data", "error", "meta"}`; an error has a stable `code`, a `message` for people, and the `fields` to correct. '
        "Programs send `Authorization: Bearer <token>`; staff use their session, and the CSRF token for changes."
    ),
    docs_url=None,
    urls_namespace="api",
    parser=BoundedJson(),
)
install(api)
api.add_router("/admin/jobs", jobs)
api.add_router("/admin/jobs", pauses)
api.add_router("/admin/notifications", notifications)
api.add_router("/admin/queue", queue)

_routes, _app_name, _namespace = api.urls
_docs: list[URLPattern | URLResolver] = [
    path("docs", staff_member_required(partial(openapi_view, api=api)), name="docs")
]
urls = ([*_docs, *_routes], _app_name, _namespace)
