"""Row level security in words: in, what was found or done; out, lines for a person, with the command that helps."""

from collections.abc import Iterator

from notifications.row_security.apply import Applied
from notifications.row_security.catalogue import Facts
from notifications.row_security.rights import ROLES

SCRIPT = "manage.py row_security --sql"
SEE = "docs/row-level-security.md"


def notice(applied: Applied) -> Iterator[str]:
    """What is left after a `migrate`; nothing where all is well."""
    if applied.held_back:
        yield f"Row level security is prepared but not switched on: {', '.join(applied.held_back)} would see nothing any more,"
        yield f"and no login role is a member of {' or '.join(ROLES)} yet. See {SEE}, «One login for everything»."
    elif applied.left:
        yield f"Row level security has {len(applied.left)} gaps that this role could not close: `manage.py row_security` lists"
        yield f"them, and `{SCRIPT}` prints what a database administrator runs ({SEE})."


def standing(facts: Facts) -> str:
    """What this connection's role sees, and what it is good for."""
    me = facts.me.name
    if facts.me.exempt:
        return f"{me} is a superuser or has BYPASSRLS: no policy holds for it. Good for setting up, not for running."
    member = next((other.member for other in facts.others if other.name == me), me in ROLES)
    owned = any(relation.mine and relation.enabled for relation in facts.relations.values())
    if owned and member:
        return f"{me} owns the tables and is a member: it sees all. Better run the application as a login of its own."
    if member:
        return f"{me} is a member: it sees what its roles may."
    if owned:
        return (
            f"{me} owns the tables and sees nothing outside `migrate`. Good for `migrate`, not for running."
        )
    return f"{me} is no member of {' or '.join(ROLES)}: it sees nothing where row level security is on."
