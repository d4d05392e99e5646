"""Every column that holds sealed text: in, each app's module `sealed_columns` (its PLACES); out, one list of them.

`manage.py rotate_keys` reads it. Who calls `seal` and stands in no place's `written_by` fails a test
(tests/architecture/test_sealed_places.py), so that no column is forgotten when a key leaves.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from importlib import import_module
from typing import Any

from django.apps import apps
from django.utils.module_loading import module_has_submodule

MODULE = "sealed_columns"


@dataclass(frozen=True, slots=True)
class SealedPlace:
    """A column of tokens. `path` is the jsonpath to them in a jsonb column; empty for a text column that is one token.

    The primary key must be something PostgreSQL can order: rows are visited in its order."""

    model: str
    field: str
    written_by: tuple[str, ...]
    path: str = ""

    @property
    def name(self) -> str:
        return f"{self.table}.{self.column}"

    @property
    def table(self) -> str:
        return str(self._options.db_table)

    @property
    def column(self) -> str:
        return str(self._options.get_field(self.field).column)

    @property
    def key(self) -> str:
        return str(self._options.pk.column)

    @property
    def _options(self) -> Any:
        return apps.get_model(self.model)._meta  # noqa: SLF001 (documented API)


def sealed_places() -> Sequence[SealedPlace]:
    """The places of all installed apps."""
    found: list[SealedPlace] = []
    for app in apps.get_app_configs():
        if app.module is not None and module_has_submodule(app.module, MODULE):
            found.extend(import_module(f"{app.name}.{MODULE}").PLACES)
    return found
