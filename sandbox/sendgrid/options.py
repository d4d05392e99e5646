"""The parts of a Mail Send request that few senders use: attachments, categories, settings. Values come in,
problems go out. The sandbox account owns no templates, unsubscribe groups or IP pools, so an id of one is
refused as SendGrid refuses a stranger's."""

import binascii
from typing import Any

from sandbox.sendgrid.problems import (
    Check,
    Problem,
    Problems,
    expected,
    is_boolean,
    is_integer,
    is_string,
    of_type,
    one_of,
    strings,
)

BREAKS = frozenset(";,\r\n")


def _check_attachments(value: Any, path: str, problems: Problems) -> None:
    if not isinstance(value, list):
        expected("array", value, path, problems)
        return
    for index, item in enumerate(value):
        here = f"{path}.{index}"
        one_of(ATTACHMENT)(item, here, problems)
        if isinstance(item, dict):
            missing = [name for name in ("content", "filename") if name not in item]
            problems += [
                Problem(f"{name} is required.", f"{here}.{name}", f"attachments.{name}") for name in missing
            ]


def _check_base64(value: Any, path: str, problems: Problems) -> None:
    topic = "attachments.content"
    if not isinstance(value, str) or not value:
        problems.append(
            Problem("The attachment content must be a string at least one character in length.", path, topic)
        )
        return
    try:
        binascii.a2b_base64(value, strict_mode=True)
    except ValueError:
        problems.append(Problem("The attachment content must be base64 encoded.", path, topic))


def _line(what: str, topic: str) -> Check:
    """A check of a string that ends up in a MIME header."""

    def check(value: Any, path: str, problems: Problems) -> None:
        if not isinstance(value, str):
            problems.append(Problem(f"The {what} of your attachment must be a string.", path, topic))
        elif not BREAKS.isdisjoint(value):
            problems.append(
                Problem(f"The {what} of your attachment cannot contain CRLF characters.", path, topic)
            )

    return check


def _check_attachment_type(value: Any, path: str, problems: Problems) -> None:
    topic = "attachments.type"
    if not isinstance(value, str) or not value:
        problems.append(
            Problem("The attachment type must be a string and at least one character in length.", path, topic)
        )
    elif not BREAKS.isdisjoint(value):
        problems.append(Problem("The type cannot contain ';', or CRLF characters.", path, topic))


def _check_disposition(value: Any, path: str, problems: Problems) -> None:
    if value not in ("inline", "attachment"):
        text = f'The disposition of your attachment can be either "inline" or "attachment". You provided {value}.'
        problems.append(Problem(text, path, "attachments.disposition"))


def _check_categories(value: Any, path: str, problems: Problems) -> None:
    def refuse(text: str) -> None:
        problems.append(Problem(text, path, "categories"))

    if not isinstance(value, list) or not all(isinstance(item, str) for item in value):
        refuse("Categories must be an array of strings.")
        return
    if len(value) > 10:
        refuse(
            f"There is a limit of 10 categories for each email that is sent. You provided {len(value)} categories."
        )
    for item in value:
        if len(item) > 255:
            refuse(f"Each category must not be longer than 255 characters. {item} exceeds this limit")
        if not item.isascii():
            refuse("Categories can not contain non-ASCII characters.")
    if len(set(value)) < len(value):
        twice = next(item for item in value if value.count(item) > 1)
        refuse(f"The categories must be a unique list, and you have included {twice} more than once.")


def _foreign(text: str, type_: type, kind: str) -> Check:
    """A check of an id that would have to exist on the account, where none does."""
    is_right_type = of_type(type_, kind)

    def check(value: Any, path: str, problems: Problems) -> None:
        before = len(problems)
        is_right_type(value, path, problems)
        if len(problems) == before:
            problems.append(Problem(f"{text} You provided {value}.", path, path))

    return check


def _check_groups(value: Any, path: str, problems: Problems) -> None:
    if not isinstance(value, list) or not all(isinstance(item, int) for item in value):
        problems.append(Problem("The ASM Group IDs to display must be an array of integers.", path, path))
    elif len(value) > 25:
        text = "There is a limit of 25 unsubscribe groups that can be displayed to a user at a time."
        problems.append(Problem(text, path, path))


ATTACHMENT: dict[str, Check] = {
    "content": _check_base64,
    "filename": _line("filename", "attachments.filename"),
    "type": _check_attachment_type,
    "disposition": _check_disposition,
    "content_id": _line("content ID", "attachments.content_id"),
}
ENABLE = one_of({"enable": is_boolean})
OPTIONS: dict[str, Check] = {
    "attachments": _check_attachments,
    "categories": _check_categories,
    "sections": strings("The section values must be strings."),
    "template_id": _foreign("The Template ID must be a valid template id for your account.", str, "string"),
    "ip_pool_name": _foreign("The IP Pool name must be a valid pool name for your account.", str, "string"),
    "asm": one_of(
        {
            "group_id": _foreign(
                "The ASM group ID must be a valid Group ID on your account.", int, "integer"
            ),
            "groups_to_display": _check_groups,
        }
    ),
    "mail_settings": one_of(
        {
            "bypass_list_management": ENABLE,
            "bypass_spam_management": ENABLE,
            "bypass_bounce_management": ENABLE,
            "bypass_unsubscribe_management": ENABLE,
            "footer": one_of({"enable": is_boolean, "text": is_string, "html": is_string}),
            "sandbox_mode": ENABLE,
            "bcc": one_of({"enable": is_boolean, "email": is_string}),
            "spam_check": one_of({"enable": is_boolean, "threshold": is_integer, "post_to_url": is_string}),
        }
    ),
    "tracking_settings": one_of(
        {
            "click_tracking": one_of({"enable": is_boolean, "enable_text": is_boolean}),
            "open_tracking": one_of({"enable": is_boolean, "substitution_tag": is_string}),
            "subscription_tracking": one_of(
                {"enable": is_boolean, "text": is_string, "html": is_string, "substitution_tag": is_string}
            ),
            "ganalytics": one_of(
                {"enable": is_boolean}
                | {f"utm_{name}": is_string for name in ("source", "medium", "term", "content", "campaign")}
            ),
        }
    ),
}
