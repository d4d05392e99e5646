"""What Postroom's database roles may do with the tables around its own: in, the installed apps; out, a right for each table.

For the login roles of this project, which run the whole of it. A host monolith's login has its rights already.
"""

from collections.abc import Mapping
from typing import Final

from django.apps import apps

from notifications.row_security.rights import ALL, APPEND, APPS, NOTHING, READ, Rights, Table, table_names
from rentals.views import VIEWS

# (the pipeline and the jobs, the back office), by the app's name.
_RIGHTS: Final[Mapping[str, tuple[Rights, Rights]]] = {
    "rentals": (ALL, ALL),
    "django_q": (ALL, ALL),
    "django.contrib.auth": (READ, ALL),
    "django.contrib.contenttypes": (READ, READ),
    "django.contrib.admin": (APPEND, APPEND),
}
# The project's own tables are guarded like Postroom's; by table.
_GUARDED: Final[Mapping[str, tuple[Rights, Rights]]] = {
    "request_counts": (ALL, ALL),
    "second_factors": (NOTHING, ALL),
}
# Of an app that is not named: the back office alone.
_OTHERS: Final = (NOTHING, ALL)
_REFRESH: Final[Rights] = READ | {"MAINTAIN"}


def rights() -> list[Table]:
    """Our own, the other apps, Django's note of its migrations (which /readyz reads), the views."""
    around = [Table(name, *_GUARDED.get(name, _OTHERS)) for name in sorted(table_names(["config"]))]
    around += [
        Table(name, *_RIGHTS.get(config.name, _OTHERS), guarded=False)
        for config in apps.get_app_configs()
        if config.name not in (*APPS, "config")
        for name in sorted(table_names([config.name]))
    ]
    views = [Table(name, _REFRESH, READ, guarded=False) for name in VIEWS]
    around += [Table(name, READ, READ, guarded=False) for name in ("django_migrations", "receivable_changes")]
    return around + views
