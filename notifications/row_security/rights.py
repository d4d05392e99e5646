"""Who may do what: in, the models of Postroom's apps; out, each of their tables with the rights of the two roles.

The list of tables is the models', so that a new table is guarded by the `migrate` that makes it. A right that is not here
is not granted. The tables of the project around (people, sessions, the business) come from `NOTIFICATIONS["ROLE_RIGHTS"]`.
"""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from typing import Final

from django.apps import apps
from django.utils.module_loading import import_string

from notifications.conf import conf

SERVICE: Final = "postroom_service"
ADMIN: Final = "postroom_admin"
ROLES: Final = (SERVICE, ADMIN)
APPS: Final = ("consent", "templates_app", "notifications", "jobs")

Rights = frozenset[str]
NOTHING: Final[Rights] = frozenset()
READ: Final[Rights] = frozenset({"SELECT"})
APPEND: Final[Rights] = READ | {"INSERT"}
KEEP: Final[Rights] = APPEND | {"UPDATE"}
ALL: Final[Rights] = KEEP | {"DELETE"}
# Row level security does not hold these back: whoever has them empties a table, or learns which keys are in it.
PAST_POLICIES: Final[Rights] = frozenset({"TRUNCATE", "REFERENCES", "TRIGGER", "MAINTAIN"})

# (the pipeline and the jobs, the back office); what is not named: both may do everything.
_RIGHTS: Final[Mapping[str, tuple[Rights, Rights]]] = {
    # The ledger: nobody takes back what was said (triggers say so too).
    "consent_events": (APPEND, APPEND),
    "consent_wordings": (APPEND, APPEND),
    "consent_chains": (KEEP, KEEP),
    "customer_consent": (ALL, KEEP),
    "suppressions": (KEEP, KEEP),  # lifted, not deleted
    # The wording is the back office's; a worker reads it.
    "notification_templates": (READ, ALL),
    "notification_template_versions": (READ, ALL),
    "notification_template_partials": (READ, ALL),
    # What happened: the pipeline writes it down, its retention deletes it. A person reads it, and settles.
    "delivery_attempts": (ALL, KEEP),
    "notification_history": (ALL, KEEP),
    "provider_events": (ALL, READ | {"UPDATE"}),  # an erasure empties them
    "channel_events": (ALL, APPEND),
    "bulk_acts": (ALL, KEEP),
    "bulk_act_rows": (ALL, KEEP),
    # The proof of an erasure; triggers say so too.
    "data_requests": (APPEND, APPEND),
    "job_runs": (ALL, KEEP),
    "job_escalations": (ALL, KEEP),
    "job_pauses": (KEEP, KEEP),
    "job_requests": (KEEP, KEEP),
    "job_progress": (ALL, KEEP),  # the back office asks a run to stop
    "drain_watch": (ALL, READ),
    # Sums that only grow: whoever sends or refuses adds to them, and nobody takes back.
    "metric_counters": (KEEP, KEEP),
    "traffic": (ALL, READ),
    "traffic_fold": (ALL, READ),
    # A worker issues no tokens; the API notes when one was last used.
    "service_tokens": (READ | {"UPDATE"}, KEEP),
}


@dataclass(frozen=True, slots=True)
class Table:
    """A table or view: what the service and the admin role may do with it, and whether policies stand on it."""

    name: str
    service: Rights
    admin: Rights
    guarded: bool = True

    def of(self, role: str) -> Rights:
        return self.service if role == SERVICE else self.admin


def all_tables() -> tuple[Table, ...]:
    """Postroom's own by name, then the project's, of which most are not guarded: there rights are granted, and that is all."""
    path = conf().role_rights
    around: Iterable[Table] = import_string(path)() if path else ()
    ours = (Table(name, *_RIGHTS.get(name, (ALL, ALL))) for name in sorted(table_names(APPS)))
    return (*ours, *around)


def guarded_labels() -> set[str]:
    """The apps that have a guarded table."""
    guarded = {table.name for table in all_tables() if table.guarded}
    models = apps.get_models(include_auto_created=True)
    return {model._meta.app_label for model in models if model._meta.db_table in guarded}  # noqa: SLF001


def table_names(names: Collection[str]) -> set[str]:
    """The tables of these apps, as far as they are installed."""
    return {
        model._meta.db_table  # noqa: SLF001 (public by its documentation)
        for config in apps.get_app_configs()
        if config.name in names
        for model in config.get_models(include_auto_created=True)
        # A proxy's table is another app's.
        if model._meta.managed and not model._meta.proxy  # noqa: SLF001
    }
