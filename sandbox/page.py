"""The page on which people read what was received. A GET request comes in, HTML, CSS, JavaScript or one
e-mail's HTML goes out. Messages are untrusted: the page runs under a strict policy, and an e-mail's HTML is
shown in a sandboxed frame only."""

import re
from pathlib import Path

from sandbox.sendgrid.email import Email
from sandbox.server import Headers, Request, Response
from sandbox.store import Store

STATIC = Path(__file__).parent / "static"
FILES = {
    "/": ("index.html", "text/html; charset=utf-8"),
    "/_sandbox/page.css": ("page.css", "text/css; charset=utf-8"),
    **{
        f"/_sandbox/{name}.js": (f"{name}.js", "text/javascript; charset=utf-8")
        for name in ("page", "detail", "answer", "empty", "magic", "dom")
    },
    "/favicon.ico": ("icon.svg", "image/svg+xml"),
}
HARDENING: Headers = (
    ("X-Content-Type-Options", "nosniff"),
    ("Referrer-Policy", "no-referrer"),
    ("Cache-Control", "no-store"),
    ("Cross-Origin-Resource-Policy", "same-origin"),
)
PAGE_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src 'self'; frame-src 'self'; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
# No scripts, no forms, no network: an e-mail is looked at. Its links may open in a tab of their own.
MAIL_POLICY = (
    "sandbox allow-popups allow-popups-to-escape-sandbox; default-src 'none'; style-src 'unsafe-inline'; img-src data:; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'self'"
)
MAIL_PATH = re.compile(r"/_sandbox/messages/(\d{1,15})/html")
HEAD = re.compile(r"<head(?:\s[^>]*)?>", re.IGNORECASE)
NEW_TAB = '<base target="_blank">'


def serve(request: Request, store: Store) -> Response | None:
    """The page, one of its files or the HTML of a mail; None for any other path."""
    found = MAIL_PATH.fullmatch(request.path)
    if found and request.method in {"GET", "HEAD"}:
        return _mail(store, int(found[1]))
    if request.path not in FILES or request.method not in {"GET", "HEAD"}:
        return None
    name, content_type = FILES[request.path]
    headers = (("Content-Type", content_type), ("Content-Security-Policy", PAGE_POLICY), *HARDENING)
    return Response(200, (STATIC / name).read_bytes(), headers)


def _mail(store: Store, number: int) -> Response:
    message = store.find(number)
    if message is None or not isinstance(message.content, Email):
        source = "<p>This message is no longer kept.</p>"
    else:
        source = _open_links_in_new_tab(message.content.html)
    headers = (
        ("Content-Type", "text/html; charset=utf-8"),
        ("Content-Security-Policy", MAIL_POLICY),
        *HARDENING,
    )
    return Response(200 if message else 404, source.encode("utf-8", "replace"), headers)


def _open_links_in_new_tab(source: str) -> str:
    """Inside the frame a link would open in the frame; the tag goes behind <head>, so that the doctype stays
    first."""
    head = HEAD.search(source)
    return f"{source[: head.end()]}{NEW_TAB}{source[head.end() :]}" if head else f"{NEW_TAB}{source}"
