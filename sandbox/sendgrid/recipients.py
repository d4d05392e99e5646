"""Who gets a mail, as Mail Send wants it told. Addresses and personalizations come in, problems go out.
The rules are those of the published schema and of SendGrid's list of errors."""

import re
from typing import Any

from sandbox.sendgrid.problems import (
    LIMIT_BYTES,
    Check,
    Problem,
    Problems,
    expected,
    is_integer,
    is_object,
    size,
    unknown,
)

# ASCII only: SendGrid wants domains in punycode and refuses internationalized local parts.
ADDRESS = re.compile(r"[A-Za-z0-9.!#$%&'*+/=?^_`{|}~-]+@[A-Za-z0-9-]+(?:\.[A-Za-z0-9-]+)+")
HEADER_NAME = re.compile(r"[!-9;-~]+")
RESERVED_HEADERS = frozenset(
    {
        "x-sg-id", "x-sg-eid", "received", "dkim-signature", "content-type", "content-transfer-encoding",
        "to", "from", "subject", "reply-to", "cc", "bcc",
    }
)  # fmt: skip
PERSONALIZATIONS = "personalizations"


def check_address(value: Any, path: str, problems: Problems, topic: str | None = None) -> None:
    """An email object: a valid `email` of at most 320 characters and, perhaps, a `name`."""
    topic = topic or path
    if not isinstance(value, dict):
        expected("object", value, path, problems, topic)
        return
    email = value.get("email")
    if not isinstance(email, str) or not ADDRESS.fullmatch(email):
        problems.append(Problem("Does not contain a valid address.", f"{path}.email", topic))
    elif len(email) > 320:
        problems.append(
            Problem("The email exceeds the maximum total length of 320 characters", f"{path}.email", topic)
        )
    for name, item in value.items():
        if name == "name":
            if not isinstance(item, str):
                expected("string", item, f"{path}.name", problems, topic)
        elif name != "email":
            unknown(name, path, problems)


def check_headers(value: Any, path: str, problems: Problems) -> None:
    """Header names and values are ASCII strings without line breaks, and none of them is SendGrid's own."""
    if not isinstance(value, dict):
        expected("object", value, path, problems, "headers")
        return
    for name, item in value.items():
        if not HEADER_NAME.fullmatch(name):
            problems.append(
                Problem("Header keys cannot contain non-ASCII characters or empty spaces.", path, "headers")
            )
        elif name.lower() in RESERVED_HEADERS:
            problems.append(Problem(f"Header can not be one of the reserved keys: {name}", path, "headers"))
        if not isinstance(item, str):
            problems.append(Problem("The header values must be strings.", path, "headers"))
        elif "\r" in item or "\n" in item:
            problems.append(Problem("The header values cannot contain CRLF characters.", path, "headers"))
    if len({name.lower() for name in value}) < len(value):
        problems.append(Problem("The headers cannot contain duplicate keys.", path, "headers"))


def check_custom_args(value: Any, path: str, problems: Problems) -> None:
    """Strings only and never empty.

    The published schema types the message-level ones «string»; its own prose, and every client, send an
    object.
    """
    topic = "personalizations.custom_args" if path.startswith(PERSONALIZATIONS) else "custom_args"
    if not isinstance(value, dict):
        expected("object", value, path, problems, topic)
    elif not value:
        problems.append(Problem("custom_args cannot be empty.", path, topic))
    elif not all(isinstance(item, str) for item in value.values()):
        problems.append(Problem("All values of custom arguments object must be strings", path, topic))
    elif size(value) > LIMIT_BYTES:
        problems.append(
            Problem("The combined size of custom arguments may not exceed 10,000 bytes.", path, topic)
        )


def check_personalizations(value: Any, path: str, problems: Problems) -> None:
    """1 to 1,000 envelopes with at most 1,000 recipients together."""
    if not isinstance(value, list):
        expected("array", value, path, problems)
        return
    if not value:
        message = "The personalizations field is required and must have at least one personalization."
        problems.append(Problem(message, path, PERSONALIZATIONS))
    if len(value) > 1000:
        message = (
            "The personalization block is limited to 1000 personalizations per API request. You have provided "
            f"{len(value)} personalizations. Please consider splitting this into multiple requests and resending your request."
        )
        problems.append(Problem(message, path, PERSONALIZATIONS))
        return
    recipients = sum(_check_envelope(item, f"{path}.{index}", problems) for index, item in enumerate(value))
    if recipients > 1000:
        message = "There is a limit of 1000 total recipients (to + cc + bcc) per request."
        problems.append(Problem(message, path, PERSONALIZATIONS))


def _check_envelope(value: Any, path: str, problems: Problems) -> int:
    """Check one personalization and count its recipients."""
    if not isinstance(value, dict):
        expected("object", value, path, problems, PERSONALIZATIONS)
        return 0
    for name, item in value.items():
        rule = ENVELOPE.get(name)
        if rule is not None:
            rule(item, f"{path}.{name}", problems)
        elif name not in {"to", "cc", "bcc"}:
            unknown(name, path, problems)
    if not value.get("to"):
        message = (
            "The to array is required for all personalization objects, and must have at least one email object "
            "with a valid email address."
        )
        problems.append(Problem(message, f"{path}.to", f"{PERSONALIZATIONS}.to"))
    seen: set[str] = set()
    for kind in ("to", "cc", "bcc"):
        if kind in value:
            _check_recipients(value[kind], kind, f"{path}.{kind}", seen, problems)
    return len(seen)


def _check_recipients(value: Any, kind: str, path: str, seen: set[str], problems: Problems) -> None:
    topic = f"{PERSONALIZATIONS}.{kind}"
    if not isinstance(value, list):
        expected("array", value, path, problems, topic)
        return
    for index, item in enumerate(value):
        before = len(problems)
        check_address(item, f"{path}.{index}", problems, topic)
        if len(problems) > before:
            continue
        email = item["email"].lower()
        if email in seen:
            message = (
                "Each email address in the personalization block should be unique between to, cc, and bcc. "
                f"We found the first duplicate instance of [{item['email']}] in the {path} field."
            )
            problems.append(Problem(message, path, topic))
        seen.add(email)


def _check_substitutions(value: Any, path: str, problems: Problems) -> None:
    topic = f"{PERSONALIZATIONS}.substitutions"
    if not isinstance(value, dict):
        expected("object", value, path, problems, topic)
    elif not all(isinstance(item, str | None) for item in value.values()):
        message = (
            "The substitution values must be an object of key/value pairs, where the values are all strings."
        )
        problems.append(Problem(message, path, topic))
    elif size({name: item or "" for name, item in value.items()}) > LIMIT_BYTES:
        message = "The total collective size of your substitutions may not exceed 10,000 bytes per personalization object."
        problems.append(Problem(message, path, topic))


def _check_subject(value: Any, path: str, problems: Problems) -> None:
    if not isinstance(value, str) or not value:
        message = "The subject of your email must be a string at least one character in length."
        problems.append(Problem(message, path, f"{PERSONALIZATIONS}.subject"))


ENVELOPE: dict[str, Check] = {
    "from": check_address,
    "subject": _check_subject,
    "headers": check_headers,
    "substitutions": _check_substitutions,
    "dynamic_template_data": is_object,
    "custom_args": check_custom_args,
    "send_at": is_integer,
}
