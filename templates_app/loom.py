"""What a text says to all, and what it says to each: in, readers' words; out, a text with keys, and a column for each key.

Pure. Asked for what the text of one reader alone would be, so that no reader notices the difference.
"""

import html
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from templates_app.compiled import ONE_LINE, tidy
from templates_app.engine import RESERVED, Mustache, Node, Section, TemplateError, Variable

Values = tuple[str, ...]
_ABSENT = object()


class Loom:
    """Readers' words on one side, the columns of what differs between them on the other."""

    def __init__(self, rows: list[dict[str, Any] | None], nonce: str, *, one_payload: bool) -> None:
        self.rows = rows  # None: to be rendered alone
        self._one_payload = one_payload
        self.columns: dict[Values, int] = {}  # each once, by the number of its key
        self._nonce = nonce
        self._read: dict[tuple[str, ...], list[Any]] = {}
        self._differing: dict[tuple[str, ...], bool] = {}

    def key(self, number: int) -> str:
        return f"-p{self._nonce}-{number}-"

    def weave(self, part: str, text: Mustache) -> str:
        """One part as all have it in common."""
        pieces = [
            piece if isinstance(piece, str) else self._said(piece, text.part, escape=part == "html")
            for piece in self._opened(text.nodes)
        ]
        if part in ONE_LINE:
            return self._one_line(pieces)
        inner = [piece for piece in pieces if not isinstance(piece, str) or piece.strip()]
        for piece, end in ((inner[:1], 0), (inner[-1:], -1)):
            for values in piece:
                if not isinstance(values, str):
                    self._drop([not value or value[end].isspace() for value in values])
        return tidy("email", part, "".join(map(self._piece, pieces)))

    def _one_line(self, pieces: Sequence[str | Values]) -> str:
        """White space is one blank, also where a value borders on the text: then the whole line is the value."""
        plain = [
            piece if isinstance(piece, str) else tuple(" ".join(value.split()) for value in piece)
            for piece in pieces
        ]
        if any(
            row is not None and (not value or value[0].isspace() or value[-1].isspace())
            for piece in pieces
            if not isinstance(piece, str)
            for row, value in zip(self.rows, piece, strict=True)
        ):
            lines = tuple(
                " ".join("".join(p if isinstance(p, str) else p[i] for p in pieces).split())
                for i in range(len(self.rows))
            )
            self._drop([not line for line in lines])
            plain = [lines]
        return " ".join("".join(map(self._piece, plain)).split())

    def _piece(self, piece: str | Values) -> str:
        if isinstance(piece, str):
            return piece
        return self.key(self.columns.setdefault(piece, len(self.columns)))

    def _opened(self, nodes: Sequence[Node]) -> Iterator[Node]:
        """The top of the tree; a section that all readers have alike is opened, so that what differs in it is small."""
        for node in nodes:
            state = self._state(node) if isinstance(node, Section) else None
            if state is None or not isinstance(node, Section):
                yield node
            elif state is not node.inverted:
                yield from self._opened(node.children)

    def _state(self, node: Section) -> bool | None:
        """True or False where the section's value is a plain one and true, or false, for all; None otherwise."""
        if _speaks_of_itself(node):
            return None
        values = self._column(node.path)
        self._drop([value is _ABSENT for value in values])
        states = set()
        for row, value in zip(self.rows, values, strict=True):
            if row is not None:
                if value and type(value) is not str and isinstance(value, list | tuple | Mapping):
                    return None
                states.add(bool(value))
        return states.pop() if len(states) == 1 else None

    def _said(self, node: Node, part: str, *, escape: bool) -> str | Values:
        """What a node says to each reader, «» to those who are out; one text if it says the same to all."""
        text = Mustache(part, (node,))
        written: list[str] = []
        is_same = not any(map(self._differs, _paths(node)))
        if not is_same and isinstance(node, Variable) and node.name != ".":
            written = self._plain(node, escape=escape)
        for i, row in enumerate(self.rows if not written else ()):
            value = ""
            if row is not None:
                try:
                    value = text.write(row, escape=escape)
                except TemplateError:
                    self.rows[i] = None
                else:
                    if is_same:
                        return value
            written.append(value)
        said = {value for value, row in zip(written, self.rows, strict=True) if row is not None}
        return tuple(written) if len(said) > 1 else "".join(said)

    def _plain(self, node: Variable, *, escape: bool) -> list[str]:
        """The quick way for a variable that is a text for all readers; nothing where it is not."""
        values = self._column(node.path)
        if not all(type(value) is str and value and not value.isspace() for value in values):
            return []
        return list(map(html.escape, values)) if escape and not node.raw else values

    def _drop(self, out: Sequence[bool]) -> None:
        if any(out):
            self.rows[:] = [None if is_out else row for row, is_out in zip(self.rows, out, strict=True)]

    def _differs(self, path: tuple[str, ...]) -> bool:
        if self._one_payload and path and path[0] not in RESERVED:
            return False
        known = self._differing.get(path)
        if known is None:
            values = iter(self._column(path) if path else self.rows)
            first = next(values, _ABSENT)
            known = self._differing[path] = any(not same(first, value) for value in values)
        return known

    def _column(self, path: tuple[str, ...]) -> list[Any]:
        """What stands there for each reader, as a tag at the top of a text finds it."""
        if path not in self._read:
            self._read[path] = [_ABSENT if row is None else _at(row, path) for row in self.rows]
        return self._read[path]


def _paths(node: Node) -> Iterator[tuple[str, ...]]:
    """What a node may read of the context: names of a payload, and what lies in the reserved namespaces."""
    if isinstance(node, Variable | Section):
        if node.name == ".":
            yield ()
        else:
            yield node.path[:2] if node.path[0] in RESERVED else node.path[:1]
    if isinstance(node, Section):
        for child in node.children:
            yield from _paths(child)


def _speaks_of_itself(node: Section) -> bool:
    """Does it use «.», which means the section's value only as long as it is one?"""
    return any(
        child.name == "." or (isinstance(child, Section) and _speaks_of_itself(child))
        for child in node.children
        if not isinstance(child, str)
    )


def _at(row: Mapping[str, Any], path: tuple[str, ...]) -> Any:
    value: Any = row
    for name in path:
        if value is None:
            return None
        if not (type(value) is dict or isinstance(value, Mapping)) or name not in value:
            return _ABSENT
        value = value[name]
    return value


def same(one: Any, other: Any) -> bool:
    """The same in writing: 1, 1.0 and True are equal as values only."""
    if one is other:
        return True
    if type(one) is not type(other):
        return False
    if isinstance(one, dict):
        return len(one) == len(other) and all(k in other and same(v, other[k]) for k, v in one.items())
    if isinstance(one, list | tuple):
        return len(one) == len(other) and all(map(same, one, other))
    return bool(one == other) and (type(one) is str or str(one) == str(other))
