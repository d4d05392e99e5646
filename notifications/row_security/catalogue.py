"""What PostgreSQL's catalogue says: in, a connection and names of tables; out, the roles, policies and rights in force.

Read in a handful of statements, whatever the tables hold.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from django.db.backends.base.base import BaseDatabaseWrapper

from notifications.row_security.rights import ADMIN, ROLES, SERVICE, Rights

PUBLIC = "PUBLIC"
QUEUE = "notification_queue"

_ME = """
SELECT rolname, rolsuper OR rolbypassrls, rolsuper OR rolcreaterole, rolsuper,
    current_setting('server_version_num')::int, current_database(), current_schema()
FROM pg_roles WHERE rolname = current_user
"""
_ROLES = "SELECT rolname, rolsuper OR rolbypassrls FROM pg_roles WHERE rolname = ANY(%s)"
_TABLES = """
SELECT wanted.name, quote_ident(n.nspname) || '.' || quote_ident(c.relname), c.relkind::text, pg_get_userbyid(c.relowner),
    pg_has_role(c.relowner, 'USAGE'), c.relrowsecurity, c.relforcerowsecurity,
    EXISTS (SELECT FROM pg_trigger WHERE tgrelid = c.oid AND tgname = 'postroom_refuse_truncate' AND tgenabled <> 'D')
FROM unnest(%s::text[]) AS wanted (name)
JOIN pg_class AS c ON c.oid = to_regclass(quote_ident(wanted.name))
JOIN pg_namespace AS n ON n.oid = c.relnamespace
"""
_POLICIES = """
SELECT wanted.name, polname, polpermissive, polcmd::text,
    ARRAY(SELECT CASE WHEN role = 0 THEN 'PUBLIC' ELSE pg_get_userbyid(role) END FROM unnest(polroles) AS role),
    pg_get_expr(polqual, polrelid), pg_get_expr(polwithcheck, polrelid)
FROM unnest(%s::text[]) AS wanted (name) JOIN pg_policy ON polrelid = to_regclass(quote_ident(wanted.name))
"""
# Views that show rows past the policies: a copy, or one that reads with the eyes of somebody whom no policy holds.
_VIEWS = """
SELECT DISTINCT wanted.name, quote_ident(n.nspname) || '.' || quote_ident(view.relname), view.relkind = 'm'
FROM unnest(%s::text[]) AS wanted (name)
JOIN pg_depend ON refclassid = 'pg_class'::regclass AND refobjid = to_regclass(quote_ident(wanted.name))
    AND classid = 'pg_rewrite'::regclass
JOIN pg_rewrite AS rule ON rule.oid = objid
JOIN pg_class AS view ON view.oid = rule.ev_class AND view.oid <> refobjid
JOIN pg_namespace AS n ON n.oid = view.relnamespace
JOIN pg_roles AS owner ON owner.oid = view.relowner
WHERE view.relkind = 'm' OR ((owner.rolsuper OR owner.rolbypassrls)
    AND NOT COALESCE(view.reloptions && ARRAY['security_invoker=true', 'security_invoker=on', 'security_invoker=1'], false))
ORDER BY 1, 2
"""
_RIGHTS = """
SELECT wanted.name, CASE WHEN acl.grantee = 0 THEN 'PUBLIC' ELSE pg_get_userbyid(acl.grantee) END,
    array_agg(DISTINCT acl.privilege_type)
FROM unnest(%s::text[]) AS wanted (name)
JOIN pg_class AS c ON c.oid = to_regclass(quote_ident(wanted.name))
CROSS JOIN aclexplode(c.relacl) AS acl
WHERE acl.grantee <> c.relowner
GROUP BY 1, 2
"""
# Who is at the tables without being held back by policies anyhow: a member sees, another would see nothing.
_LOGINS = """
SELECT role.rolname, role.rolcanlogin, pg_has_role(role.oid, %(service)s, 'USAGE') OR pg_has_role(role.oid, %(admin)s, 'USAGE'),
    c.relowner = role.oid OR EXISTS (SELECT FROM aclexplode(c.relacl) AS acl WHERE acl.grantee = role.oid)
FROM pg_roles AS role LEFT JOIN pg_class AS c ON c.oid = to_regclass(%(queue)s)
WHERE NOT role.rolsuper AND NOT role.rolbypassrls AND role.rolname <> ALL(%(roles)s) AND role.rolname NOT LIKE 'pg\\_%%'
"""
_LACKS = """
SELECT role, what FROM unnest(%(roles)s::text[]) AS role,
    (VALUES ('CONNECT'), ('TEMPORARY'), ('USAGE')) AS wanted (what)
WHERE NOT CASE what WHEN 'USAGE' THEN has_schema_privilege(role, current_schema(), what)
    ELSE has_database_privilege(role, current_database(), what) END
"""


@dataclass(frozen=True, slots=True)
class Me:
    """The role of this connection."""

    name: str
    exempt: bool
    may_create_roles: bool
    superuser: bool
    version: int
    database: str
    schema: str


@dataclass(frozen=True, slots=True)
class Policy:
    name: str
    permissive: bool
    command: str
    roles: frozenset[str]
    using: str | None
    check: str | None


@dataclass(frozen=True, slots=True)
class Relation:
    """A table or view as it is. `mine`: this connection's role owns it, or is a member of who does."""

    qualified: str
    kind: str
    owner: str
    mine: bool
    enabled: bool
    forced: bool
    refuses_truncate: bool
    policies: tuple[Policy, ...]
    rights: Mapping[str, Rights]


@dataclass(frozen=True, slots=True)
class Login:
    """A role that policies hold back: can it log in, does it inherit one of ours, has it rights on the queue?"""

    name: str
    can_login: bool
    member: bool
    at_the_queue: bool


@dataclass(frozen=True, slots=True)
class Facts:
    me: Me
    roles: Mapping[str, bool]  # those that exist, and whether policies do not hold for them
    relations: Mapping[str, Relation]
    others: tuple[Login, ...]
    # A table, a view that shows its rows past the policies; is it a copy?
    views: tuple[tuple[str, str, bool], ...]
    # A role, and what it lacks of CONNECT and TEMPORARY on the database, and of USAGE on the schema.
    lacks: tuple[tuple[str, str], ...]

    @property
    def complete(self) -> bool:
        return set(self.roles) == set(ROLES)


def read(connection: BaseDatabaseWrapper, names: Sequence[str]) -> Facts:
    """The facts about these relations; those that do not exist are left out."""
    tables = list(names)
    with connection.cursor() as cursor:

        def ask(statement: str, values: Any = None) -> list[Any]:
            cursor.execute(statement, values)
            return list(cursor.fetchall())

        (me,) = ask(_ME)
        roles = dict(ask(_ROLES, [list(ROLES)]))
        policies = _by_table(ask(_POLICIES, [tables]))
        rights = _by_table(ask(_RIGHTS, [tables]))
        relations = {
            name: _relation(values, policies.get(name, ()), rights.get(name, ()))
            for name, *values in ask(_TABLES, [tables])
        }
        views = ask(_VIEWS, [tables])
        others, lacks = [], []
        if len(roles) == len(ROLES):
            asked = {"service": SERVICE, "admin": ADMIN, "roles": list(ROLES), "queue": QUEUE}
            others, lacks = ask(_LOGINS, asked), ask(_LACKS, asked)
    logins = tuple(Login(*row) for row in others)
    return Facts(Me(*me), roles, relations, logins, tuple(views), tuple(lacks))


def _relation(
    values: Sequence[Any], policies: Iterable[Sequence[Any]], rights: Iterable[Sequence[Any]]
) -> Relation:
    found = tuple(
        Policy(name, permissive, command, frozenset(to), using, check)
        for name, permissive, command, to, using, check in policies
    )
    return Relation(*(*values, found, {grantee: frozenset(held) for grantee, held in rights}))


def _by_table(rows: Iterable[Sequence[Any]]) -> dict[str, list[Sequence[Any]]]:
    found: dict[str, list[Sequence[Any]]] = {}
    for table, *rest in rows:
        found.setdefault(table, []).append(rest)
    return found
