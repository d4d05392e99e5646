"""The SQL that guards the tables: in, tables and what is known of them; out, statements that may be run again and again."""

from collections.abc import Iterator, Sequence
from itertools import chain
from typing import Final

from notifications.row_security.catalogue import Facts, Me
from notifications.row_security.rights import ROLES, Rights, Table

POLICY: Final = "postroom_roles"
TRIGGER: Final = "postroom_refuse_truncate"
MAINTAIN_SINCE: Final = 170000

ROLE: Final = """DO $$ BEGIN
    CREATE ROLE {role} NOLOGIN;
EXCEPTION WHEN duplicate_object OR unique_violation THEN NULL; -- it is there, or somebody else makes it just now
END $$"""
# TRUNCATE looks at no policy. Where policies hold for whoever asks, the owner too, it is refused.
FUNCTION: Final = f"""CREATE OR REPLACE FUNCTION {TRIGGER}() RETURNS trigger LANGUAGE plpgsql SET search_path = pg_catalog AS $$
BEGIN
    IF row_security_active(TG_RELID) THEN
        RAISE EXCEPTION 'TRUNCATE of % is not for %: row level security is in force', TG_TABLE_NAME, current_user
            USING ERRCODE = 'insufficient_privilege';
    END IF;
    RETURN NULL;
END $$"""


def role_statements() -> Iterator[str]:
    """The two group roles. They are the cluster's, and cannot log in: a login role becomes a member."""
    for role in ROLES:
        yield ROLE.format(role=role)


def reach_statements(me: Me) -> Iterator[str]:
    """What they need before any table: PUBLIC has it, unless somebody took it away."""
    roles = ", ".join(ROLES)
    yield f"GRANT CONNECT, TEMPORARY ON DATABASE {quoted(me.database)} TO {roles}"
    yield f"GRANT USAGE ON SCHEMA {quoted(me.schema)} TO {roles}"


def table_statements(table: Table, relation: str, *, version: int) -> Iterator[str]:
    """Who may do what with a table, one policy for the two roles, and no TRUNCATE. Not yet switched on."""
    if table.guarded:
        yield f"DROP POLICY IF EXISTS {POLICY} ON {relation}"
        yield f"CREATE POLICY {POLICY} ON {relation} TO {', '.join(ROLES)} USING (true) WITH CHECK (true)"
        yield f"REVOKE ALL ON {relation} FROM {', '.join(ROLES)}"
        yield (
            f"CREATE OR REPLACE TRIGGER {TRIGGER} BEFORE TRUNCATE ON {relation}"
            f" FOR EACH STATEMENT EXECUTE FUNCTION {TRIGGER}()"
        )
    for role in ROLES:
        if rights := grantable(table.of(role), version):
            yield f"GRANT {', '.join(sorted(rights))} ON {relation} TO {role}"


def switch_statements(relation: str) -> Iterator[str]:
    """From here on policies hold: for everybody, and (FORCE) for the table's owner."""
    yield f"ALTER TABLE {relation} ENABLE ROW LEVEL SECURITY"
    yield f"ALTER TABLE {relation} FORCE ROW LEVEL SECURITY"


def whole_script(tables: Sequence[Table], facts: Facts) -> Iterator[str]:
    """For a person with the rights that `migrate` lacks. Lines of psql; one transaction."""
    yield "-- Row level security of Postroom (docs/row-level-security.md). May be run again."
    yield "-- Run it as a superuser, or as the tables' owner with CREATEROLE:  psql -v ON_ERROR_STOP=1 -f this.sql"
    yield "BEGIN;"
    yield "SET LOCAL lock_timeout = '10s';"
    yield from (f"{statement};" for statement in role_statements())
    yield from (f"{statement};" for statement in reach_statements(facts.me))
    yield f"{FUNCTION};"
    for table in tables:
        relation = facts.relations.get(table.name)
        if relation is None:
            yield f"-- {table.name} does not exist yet: migrate first, then run this again."
            continue
        statements = table_statements(table, relation.qualified, version=facts.me.version)
        switch = switch_statements(relation.qualified) if table.guarded else ()
        yield from (f"{statement};" for statement in chain(statements, switch))
    yield "COMMIT;"


def grantable(rights: Rights, version: int) -> Rights:
    """MAINTAIN, which a refresh of a materialized view needs, came with PostgreSQL 17."""
    return rights if version >= MAINTAIN_SINCE else rights - {"MAINTAIN"}


def quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'
