"""What is missing: in, the tables with their rights and the catalogue's facts; out, each gap in words, with the SQL that mends it.

Pure. Some gaps `migrate` mends by itself; what somebody else granted or made, a person decides on (`by_hand`).
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from notifications.row_security.catalogue import PUBLIC, Facts, Policy, Relation
from notifications.row_security.rights import PAST_POLICIES, ROLES, Table
from notifications.row_security.script import (
    POLICY,
    grantable,
    quoted,
    reach_statements,
    role_statements,
    switch_statements,
    table_statements,
)


@dataclass(frozen=True, slots=True)
class Gap:
    """`subject` is a role or a table. `switch` alone means: prepared, but not switched on."""

    subject: str
    text: str
    sql: tuple[str, ...] = ()
    by_hand: bool = False
    switch: bool = False


def gaps(tables: Sequence[Table], facts: Facts) -> list[Gap]:
    """In the order in which they are to be mended. Tables that do not exist yet are no gap."""
    if not any(table.guarded and table.name in facts.relations for table in tables):
        return []
    found = [*_roles(facts)]
    for table in tables:
        if relation := facts.relations.get(table.name):
            found += _table(table, relation, facts)
    return found


def _roles(facts: Facts) -> Iterator[Gap]:
    for role, statement in zip(ROLES, role_statements(), strict=True):
        if role not in facts.roles:
            yield Gap(role, "the role does not exist", (statement,))
        elif facts.roles[role]:
            attributes = (f"ALTER ROLE {role} NOSUPERUSER NOBYPASSRLS",)
            yield Gap(
                role, "the role is a superuser or has BYPASSRLS: no policy holds", attributes, by_hand=True
            )
    for role, what in facts.lacks:
        where = "schema" if what == "USAGE" else "database"
        yield Gap(role, f"lacks {what} on the {where}", tuple(reach_statements(facts.me)))


def _table(table: Table, relation: Relation, facts: Facts) -> Iterator[Gap]:
    sql = tuple(table_statements(table, relation.qualified, version=facts.me.version))
    wrong = [*_wrong_rights(table, relation, facts)]
    if not table.guarded:
        if wrong:
            yield Gap(table.name, "; ".join(wrong), sql)
        return
    ours = [policy for policy in relation.policies if policy.name == POLICY]
    if not ours:
        wrong.append(f"the policy {POLICY} is missing")
    elif not _is_right(ours[0]):
        wrong.append(f"the policy {POLICY} is not as it should be")
    if not relation.refuses_truncate:
        wrong.append("nothing refuses a TRUNCATE")
    if wrong:
        yield Gap(table.name, "; ".join(wrong), sql)
    if not (relation.enabled and relation.forced):
        what = "does not hold for its owner" if relation.enabled else "is off"
        switch = tuple(switch_statements(relation.qualified))
        yield Gap(table.name, f"row level security {what}", switch, switch=True)
    yield from _of_others(table, relation)
    for name, view, is_copy in facts.views:
        if name == table.name:
            mended = (
                f"DROP MATERIALIZED VIEW {view}" if is_copy else f"ALTER VIEW {view} SET (security_invoker)"
            )
            yield Gap(
                table.name, f"the view {view} shows its rows past the policies", (mended,), by_hand=True
            )


def _wrong_rights(table: Table, relation: Relation, facts: Facts) -> Iterator[str]:
    for role in ROLES:
        wanted = grantable(table.of(role), facts.me.version)
        held = relation.rights.get(role, frozenset())
        if missing := wanted - held:
            yield f"{role} lacks {', '.join(sorted(missing))}"
        if table.guarded and (more := held - wanted):
            yield f"{role} has {', '.join(sorted(more))}, which it should not"


def _of_others(table: Table, relation: Relation) -> Iterator[Gap]:
    """What somebody made or granted beside us, and policies do not hold back."""
    for policy in relation.policies:
        if policy.name != POLICY and policy.permissive and not policy.roles <= set(ROLES):
            yield Gap(
                table.name,
                f"the policy {policy.name} lets {', '.join(sorted(policy.roles))} in",
                (f"DROP POLICY {quoted(policy.name)} ON {relation.qualified}",),
                by_hand=True,
            )
    for grantee, held in sorted(relation.rights.items()):
        beyond = held if grantee == PUBLIC else held & PAST_POLICIES
        if grantee not in ROLES and beyond:
            rights, who = ", ".join(sorted(beyond)), PUBLIC if grantee == PUBLIC else quoted(grantee)
            revoke = (f"REVOKE {rights} ON {relation.qualified} FROM {who}",)
            yield Gap(table.name, f"{grantee} has {rights}", revoke, by_hand=True)


def _is_right(policy: Policy) -> bool:
    return (policy.permissive, policy.command, policy.roles, policy.using, policy.check) == (
        True, "*", frozenset(ROLES), "true", "true",
    )  # fmt: skip


def cut_off(facts: Facts) -> list[str]:
    """Roles that work with the queue today and would see nothing, while nobody could work in their place: [] where
    some login role is a member already, or where policies hold already."""
    queue = facts.relations.get("notification_queue")
    if (queue and queue.enabled) or any(other.can_login and other.member for other in facts.others):
        return []
    return [other.name for other in facts.others if other.at_the_queue and not other.member]
