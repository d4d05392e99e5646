"""The published schema of Mail Send (`POST /v3/mail/send`). The parsed JSON of a request comes in, its
problems go out. Written by hand, because each refusal must carry SendGrid's own words and a valid message
must cost microseconds."""

from typing import Any

from sandbox.sendgrid.options import OPTIONS
from sandbox.sendgrid.problems import (
    LIMIT_BYTES,
    Check,
    Problem,
    Problems,
    expected,
    is_integer,
    is_string,
    size,
    unknown,
)
from sandbox.sendgrid.recipients import (
    check_address,
    check_custom_args,
    check_headers,
    check_personalizations,
)

THREE_DAYS = 72 * 3600
BREAKS = frozenset(";,\r\n")
FIRST_KINDS = {"text/plain": 0, "text/html": 1}


def check(message: object, now: float) -> Problems:
    """Every problem of one request; none means that SendGrid would accept it."""
    if not isinstance(message, dict):
        return [Problem("Bad Request")]
    problems: Problems = []
    for name, value in message.items():
        rule = FIELDS.get(name)
        if rule is None:
            unknown(name, name, problems)
        else:
            rule(value, name, problems)
    _check_presence(message, problems)
    if not problems:
        _check_times(message, now, problems)
        _check_combinations(message, problems)
    return problems


def _check_presence(message: dict[str, Any], problems: Problems) -> None:
    if "personalizations" not in message:
        check_personalizations([], "personalizations", problems)
    if "from" not in message:
        text = "The from object must be provided for every email send. It is an object that requires the email parameter, but may also contain a name parameter."
        problems.append(Problem(text, "from.email", "from"))
    if "content" not in message and "template_id" not in message:
        text = "The content param is required unless you are using a transactional template and have defined a template_id."
        problems.append(Problem(text, "content", "content"))
    envelopes = message.get("personalizations")
    everywhere = isinstance(envelopes, list) and all(
        isinstance(item, dict) and "subject" in item for item in envelopes
    )
    if "subject" not in message and "template_id" not in message and not everywhere:
        text = "The subject is required. You can get around this requirement if you use a template with a subject defined or if every personalization has a subject defined."
        problems.append(Problem(text, "subject", "subject"))


def _check_times(message: dict[str, Any], now: float, problems: Problems) -> None:
    for path, holder in (
        ("", message),
        *((f"personalizations.{n}.", p) for n, p in enumerate(message["personalizations"])),
    ):
        if holder.get("send_at", 0) > now + THREE_DAYS:
            problems.append(
                Problem("Scheduling more than 72 hours in advance is forbidden.", f"{path}send_at", "send_at")
            )


def _check_combinations(message: dict[str, Any], problems: Problems) -> None:
    if "reply_to" in message and "reply_to_list" in message:
        problems.append(Problem("reply_to is mutually exclusive with reply_to_list.", "reply_to", "reply_to"))
    shared = message.get("custom_args")
    for index, envelope in enumerate(message["personalizations"]):
        if shared and size({**shared, **envelope.get("custom_args", {})}) > LIMIT_BYTES:
            text = "The combined size of both global and personalization custom arguments may not exceed 10,000 bytes per personalization."
            problems.append(
                Problem(text, f"personalizations.{index}.custom_args", "personalizations.custom_args")
            )
    settings = message.get("mail_settings", {})
    bypasses = [name for name, item in settings.items() if name.startswith("bypass_") and item.get("enable")]
    if "bypass_list_management" in bypasses and len(bypasses) > 1:
        text = "bypass_list_management cannot be combined with any other bypass filters."
        problems.append(Problem(text, "mail_settings", "mail_settings"))


def _check_subject(value: Any, path: str, problems: Problems) -> None:
    if not isinstance(value, str) or not value:
        text = "The subject of your email must be a string at least one character in length."
        problems.append(Problem(text, path, "subject"))


def _check_reply_list(value: Any, path: str, problems: Problems) -> None:
    if not isinstance(value, list):
        expected("array", value, path, problems)
        return
    for index, item in enumerate(value):
        check_address(item, f"{path}.{index}", problems, "reply_to_list")
    if len(value) > 1000:
        problems.append(
            Problem("There is a limit of 1000 reply_to emails per mail/send request.", path, path)
        )
    emails = [
        item["email"].lower()
        for item in value
        if isinstance(item, dict) and isinstance(item.get("email"), str)
    ]
    if len(set(emails)) < len(emails):
        problems.append(Problem("Each email address in the reply_to_list should be unique.", path, path))


def _check_content(value: Any, path: str, problems: Problems) -> None:
    if not isinstance(value, list) or not value:
        text = "There must be at least one defined content block. We typically suggest both text/plain and text/html blocks are included, but only one block is required."
        problems.append(Problem(text, path, "content"))
        return
    kinds: list[object] = []
    for index, part in enumerate(value):
        if not isinstance(part, dict):
            expected("object", part, f"{path}.{index}", problems, "content")
            return
        kinds.append(part.get("type"))
        _check_part(part, f"{path}.{index}", problems)
    ranks = [FIRST_KINDS.get(kind, 2) if isinstance(kind, str) else 2 for kind in kinds]
    if ranks != sorted(ranks):
        text = "Following RFC 1341, section 7.2, if either text/html or text/plain are to be sent in your email: text/plain needs to be first, followed by text/html, followed by any other content."
        problems.append(Problem(text, path, "content.value"))
    if ranks.count(0) > 1 or ranks.count(1) > 1:
        problems.append(
            Problem("If present, text/plain and text/html may only be provided once.", path, "content")
        )


def _check_part(part: dict[str, Any], path: str, problems: Problems) -> None:
    kind, value = part.get("type"), part.get("value")
    if not isinstance(kind, str) or not kind:
        text = "Your content type must be a string with length of at least one character."
        problems.append(Problem(text, f"{path}.type", "content.type"))
    elif not BREAKS.isdisjoint(kind):
        problems.append(Problem("Cannot contain ';', or CRLF characters.", f"{path}.type", "content.type"))
    if not isinstance(value, str) or not value:
        text = "The content value must be a string at least one character in length."
        problems.append(Problem(text, f"{path}.value", "content.value"))
    for name in part.keys() - {"type", "value"}:
        unknown(name, path, problems)


FIELDS: dict[str, Check] = {
    "personalizations": check_personalizations,
    "from": check_address,
    "reply_to": check_address,
    "reply_to_list": _check_reply_list,
    "subject": _check_subject,
    "content": _check_content,
    "headers": check_headers,
    "custom_args": check_custom_args,
    "send_at": is_integer,
    "batch_id": is_string,
    **OPTIONS,
}
