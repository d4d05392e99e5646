"""What SendGrid says about a field it refuses. A field and its fault come in, an entry of the answer's
`errors` goes out. Wording and help links follow SendGrid's own list of Mail Send errors; the small checks
used all over stand here too."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

HELP = "http://sendgrid.com/docs/API_Reference/Web_API_v3/Mail/errors.html#message."
LIMIT_BYTES = 10_000  # of custom_args and of substitutions, per personalization


@dataclass(frozen=True, slots=True)
class Problem:
    """One entry of `errors`; `topic` picks the paragraph of the help page."""

    message: str
    field: str | None = None
    topic: str | None = None

    def as_json(self) -> dict[str, str | None]:
        """The entry as SendGrid writes it."""
        return {
            "message": self.message,
            "field": self.field,
            "help": HELP + self.topic if self.topic else None,
        }


Problems = list[Problem]
Check = Callable[[Any, str, Problems], None]


def expected(kind: str, value: object, path: str, problems: Problems, topic: str | None = None) -> None:
    """Note a value of the wrong JSON type."""
    given = next((name for type_, name in JSON_TYPES if isinstance(value, type_)), "null")
    problems.append(Problem(f"Invalid type. Expected: {kind}, given: {given}.", path, topic or path))


def unknown(name: str, path: str, problems: Problems) -> None:
    """Note a property that the published schema does not have."""
    problems.append(Problem(f"Additional property {name} is not allowed", path))


def of_type(type_: type, kind: str) -> Check:
    """A check of the JSON type alone."""

    def check(value: Any, path: str, problems: Problems) -> None:
        if not isinstance(value, type_) or (type_ is int and isinstance(value, bool)):
            expected(kind, value, path, problems)

    return check


def one_of(fields: dict[str, Check]) -> Check:
    """A check of an object that may hold these properties and no others."""

    def check(value: Any, path: str, problems: Problems) -> None:
        if not isinstance(value, dict):
            expected("object", value, path, problems)
            return
        for name, item in value.items():
            rule = fields.get(name)
            if rule is None:
                unknown(name, path, problems)
            else:
                rule(item, f"{path}.{name}", problems)

    return check


def strings(what: str) -> Check:
    """A check of an object whose values are all strings; `what` is SendGrid's complaint otherwise."""

    def check(value: Any, path: str, problems: Problems) -> None:
        if not isinstance(value, dict):
            expected("object", value, path, problems)
        elif not all(isinstance(item, str) for item in value.values()):
            problems.append(Problem(what, path, path))

    return check


def size(pairs: dict[str, str]) -> int:
    """Bytes of an object of strings, as SendGrid limits it."""
    return sum(len(name.encode()) + len(value.encode()) for name, value in pairs.items())


JSON_TYPES: tuple[tuple[type, str], ...] = (
    (bool, "boolean"),
    (int, "integer"),
    (float, "number"),
    (str, "string"),
    (list, "array"),
    (dict, "object"),
)

is_string = of_type(str, "string")
is_integer = of_type(int, "integer")
is_boolean = of_type(bool, "boolean")
is_object = of_type(dict, "object")
