"""The system check of row level security: in, a database; out, a warning for each kind of gap, with the command that mends it.

It reads the catalogue, so it runs with `check --database default` and at `migrate`. Never an error: that would keep
`migrate` from mending it.
"""

from collections.abc import Iterator, Sequence
from typing import Any

from django.conf import settings
from django.core.checks import CheckMessage, Warning  # noqa: A004
from django.db import DatabaseError, connections

from notifications.conf import conf
from notifications.row_security.apply import found
from notifications.row_security.catalogue import Facts
from notifications.row_security.gaps import Gap
from notifications.row_security.rights import ROLES
from notifications.row_security.tell import SEE

SHOWN = 5


def check_row_security(*, databases: Sequence[str] | None = None, **_kwargs: Any) -> list[CheckMessage]:
    """Is every table of ours guarded, and does this connection's role keep to it?"""
    if not conf().row_security:
        return []
    return [
        message
        for alias in databases or ()
        if connections[alias].vendor == "postgresql"
        for message in _messages(alias)
    ]


def _messages(alias: str) -> Iterator[CheckMessage]:
    try:
        facts, missing = found(connections[alias])
    except DatabaseError:
        return  # it does not answer: others say so
    if missing:
        yield Warning(
            f"Row level security has gaps: {_few(missing)}.",
            hint=f"`manage.py migrate` closes what its role may, `manage.py row_security --sql` prints the rest ({SEE}).",
            id="postroom.W020",
        )
    if any(relation.enabled for relation in facts.relations.values()):
        yield from _about_me(facts)


def _about_me(facts: Facts) -> Iterator[CheckMessage]:
    me = next((other for other in facts.others if other.name == facts.me.name), None)
    owns = any(relation.mine for relation in facts.relations.values())
    if facts.me.exempt and not settings.SANDBOX:
        yield Warning(
            f"The application connects as {facts.me.name}, a superuser or a role with BYPASSRLS: no policy holds for it.",
            hint=f"Connect as a login role that is a member of {' and '.join(ROLES)} ({SEE}).",
            id="postroom.W021",
        )
    if me and owns and me.member and not settings.SANDBOX:
        yield Warning(
            f"The application connects as {me.name}, which owns the tables: it can switch row level security off.",
            hint=f"Let the owner migrate, and the application connect as a login role of its own ({SEE}).",
            id="postroom.W022",
        )
    if me and not me.member and not owns:
        yield Warning(
            f"{me.name} is no member of {' or '.join(ROLES)}: it sees no row of Postroom's tables.",
            hint=f"GRANT {', '.join(ROLES)} TO {me.name} ({SEE}).",
            id="postroom.W023",
        )


def _few(missing: Sequence[Gap]) -> str:
    told = [f"{gap.subject}: {gap.text}" for gap in missing[:SHOWN]]
    more = len(missing) - SHOWN
    return "; ".join(told) + (f"; and {more} more" if more > 0 else "")
