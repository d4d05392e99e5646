"""The HTML of an e-mail for a frame in which nothing runs and into which nothing is fetched: in, the HTML; out, the document."""

# Nothing runs, nothing is fetched, no form posts; the sandbox gives the document an origin of its own.
_RULES = "default-src 'none'; img-src data:; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'"
POLICY = f"sandbox; {_RULES}; frame-ancestors 'self'"
_META = f'<meta http-equiv="Content-Security-Policy" content="{_RULES}">'


def framed(html: str) -> str:
    """For `srcdoc`, which has no headers: the policy stands before all that could load. A browser reads a second doctype,
    `<html>` and `<head>` as if they were the first."""
    return f"<!doctype html>{_META}{html}"


def darkened(html: str) -> str:
    """A sandboxed frame does not inherit the page's colour scheme: the rules for the dark are made to hold always."""
    return html.replace("@media (prefers-color-scheme: dark)", "@media all")
