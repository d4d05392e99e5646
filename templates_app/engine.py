"""Mustache, strictly: in, a text and its partials; out, the names it uses, or its words for one context.

Pure. mystace reads the tags; writing is ours, because mystace writes nothing where a value is missing, and a message
with a hole in it must never leave.
"""

import html
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from types import MappingProxyType
from typing import Any

from mystace.exceptions import MystaceError
from mystace.mustache_tree import MustacheTreeNode, TagType, create_mustache_tree

from templates_app.partials import uses
from templates_app.room import Room
from templates_app.tags import TemplateError, scan

__all__ = [
    "OPTIONAL_PARTS", "PARTS", "RESERVED", "Mustache", "Node", "Section", "TemplateError", "Variable", "placeholders",
]  # fmt: skip

# What each channel is handed.
PARTS: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        "email": ("subject", "text", "html"),
        "sms": ("text",),
        "push": ("title", "body", "url"),
        "inapp": ("title", "message", "action_url", "cta_label"),
    }
)
OPTIONAL_PARTS: frozenset[tuple[str, str]] = frozenset(
    {("push", "url"), ("inapp", "action_url"), ("inapp", "cta_label")}
)
# What every message knows beside its payload. «May be blank» must stand inside its own section: {{#x}}…{{x}}…{{/x}}.
RESERVED: Mapping[str, Mapping[str, bool]] = MappingProxyType(
    {
        "recipient": {"first_name": True, "last_name": True, "company_name": True, "timezone": True},
        "system": {
            "company_name": False,
            "postal_address": False,
            "public_url": False,
            "locale": False,
            "unsubscribe_url": True,
            "preferences_url": True,
            "sandbox": True,
            "body": False,
        },
    }
)


@dataclass(frozen=True, slots=True)
class Variable:
    name: str
    path: tuple[str, ...]
    raw: bool


@dataclass(frozen=True, slots=True)
class Section:
    name: str
    path: tuple[str, ...]
    inverted: bool
    children: tuple["Node", ...]


Node = str | Variable | Section


@dataclass(frozen=True, slots=True)
class Mustache:
    """One text, read once and written often. Partials must be inlined before (`tags.expand`)."""

    part: str
    nodes: tuple[Node, ...]

    @classmethod
    def read(cls, text: str, *, part: str = "") -> "Mustache":
        """Raises TemplateError (code `syntax`) with the line."""
        scan(text, part=part)
        try:
            return cls(part, _read(text))
        except MystaceError as error:
            raise TemplateError("syntax", str(error), part) from error

    def write(self, context: Mapping[str, Any], *, escape: bool) -> str:
        """The words for this context. Raises TemplateError where a placeholder has no value (code `missing`), and where
        lists within lists come to more than a message can be (code `too_much`)."""
        out: list[str] = []
        self._write(self.nodes, (context,), html.escape if escape else str, out, Room(self.part))
        return "".join(out)

    def _write(
        self,
        nodes: Sequence[Node],
        scopes: tuple[Any, ...],
        escape: Callable[[str], str],
        out: list[str],
        room: Room,
    ) -> None:
        # The hot loop of a drain: exact types first, which cost a fraction of isinstance.
        for node in nodes:
            if type(node) is str:
                out.append(node)
            elif type(node) is Variable:
                text = self._text(node, self._find(node, scopes))
                out.append(text if node.raw else escape(text))
            elif type(node) is Section:
                value = self._find(node, scopes)
                if node.inverted:
                    if not value:
                        room.take(node.name, len(node.children), out)
                        self._write(node.children, scopes, escape, out, room)
                elif value:
                    for item in value if isinstance(value, list | tuple) else (value,):
                        room.take(node.name, len(node.children), out)
                        self._write(node.children, (*scopes, item), escape, out, room)

    def _find(self, node: Variable | Section, scopes: tuple[Any, ...]) -> Any:
        if node.name == ".":
            return scopes[-1]
        path = node.path
        for scope in reversed(scopes):
            if (type(scope) is dict or isinstance(scope, Mapping)) and path[0] in scope:
                value = scope[path[0]]
                break
        else:
            raise self._missing(node)
        for key in path[1:]:
            if value is None:
                return None
            if not (type(value) is dict or isinstance(value, Mapping)) or key not in value:
                raise self._missing(node)
            value = value[key]
        return value

    def _text(self, node: Variable, value: Any) -> str:
        if type(value) is not str:
            if isinstance(value, bool | list | tuple) or (type(value) is dict):
                raise TemplateError(
                    "not_text",
                    f"“{node.name}” is no text: use it as {{{{#{node.name}}}}}…{{{{/{node.name}}}}}.",
                    self.part,
                )
            value = "" if value is None else str(value)
        if not value or value.isspace():
            raise self._missing(node)
        return str(value)

    def _missing(self, node: Variable | Section) -> TemplateError:
        return TemplateError("missing", f"“{node.name}” has no value: add it to the payload.", self.part)


def placeholders(text: str, partials: Mapping[str, str] | None = None) -> frozenset[str]:
    """Every name and dotted path that a text and its partials use, as variable or section."""
    return frozenset(use.name for use in uses(text, partials or {}) if use.name != ".")


# The same text is read to prove a version, to publish it and to render it.
@lru_cache(maxsize=256)
def _read(text: str) -> tuple[Node, ...]:
    return _nodes(create_mustache_tree(text))


def _nodes(tree: MustacheTreeNode) -> tuple[Node, ...]:
    nodes: list[Node] = []
    for child in tree.children or ():
        path = tuple(child.data.split("."))
        match child.tag_type:
            case TagType.LITERAL:
                # Neighbouring literals (mystace makes one a line) become one, so that writing has fewer steps.
                if nodes and isinstance(nodes[-1], str):
                    nodes[-1] += child.data
                else:
                    nodes.append(child.data)
            case TagType.SECTION | TagType.INVERTED_SECTION:
                inverted = child.tag_type is TagType.INVERTED_SECTION
                nodes.append(Section(child.data, path, inverted, _nodes(child)))
            case TagType.VARIABLE | TagType.VARIABLE_RAW:
                nodes.append(Variable(child.data, path, child.tag_type is TagType.VARIABLE_RAW))
            case _:
                raise TemplateError("syntax", f"The partial “{child.data}” was not inlined.")
    return tuple(nodes)
