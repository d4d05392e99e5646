"""No column of sealed text is forgotten when a key leaves."""

import ast

from consent.sealed_places import sealed_places
from tests.architecture.test_names import FILES, ROOT


def test_whoever_seals_has_told_where_it_is_kept() -> None:
    """A module that imports `seal` must stand in the `written_by` of a place (its app's `sealed_columns.py`)."""
    told = {module for place in sealed_places() for module in place.written_by}
    found = {name for name in map(_module, FILES) if _seals(name)} - {"consent.rotate"}
    assert found == told


def test_each_place_is_a_column_of_ours() -> None:
    for place in sealed_places():
        assert place.table
        assert place.column
        assert place.key
    names = [place.name for place in sealed_places()]
    assert len(names) == len(set(names))


def _module(path: object) -> str:
    return ".".join(path.relative_to(ROOT).with_suffix("").parts)  # type: ignore[attr-defined]


def _seals(name: str) -> bool:
    tree = ast.parse((ROOT / name.replace(".", "/")).with_suffix(".py").read_text())
    return any(
        isinstance(node, ast.ImportFrom)
        and node.module == "consent.sealed"
        and any(alias.name == "seal" for alias in node.names)
        for node in ast.walk(tree)
    ) or any(
        isinstance(node, ast.ImportFrom)
        and node.module == "consent"
        and any(a.name == "sealed" for a in node.names)
        for node in ast.walk(tree)
    )
