"""The demo's login roles: in, the embedded server; out, a login for the web and one for the workers, with no more rights than they need.

On a server of yours the logins are yours: docs/row-level-security.md.
"""

from collections.abc import Mapping
from typing import Final

from django.db import connection

from notifications.row_security.apply import found
from notifications.row_security.rights import ADMIN, SERVICE

WEB: Final = "postroom_web"
WORKER: Final = "postroom_worker"
_MEMBER_OF: Final[Mapping[str, tuple[str, ...]]] = {WEB: (SERVICE, ADMIN), WORKER: (SERVICE,)}


def make_logins() -> None:
    """Make them where this connection may and our roles are there. A host's or an administrator's are left as they are."""
    facts, _gaps = found(connection)
    if not (facts.me.superuser and facts.complete):
        return
    known = {other.name for other in facts.others}
    with connection.cursor() as cursor:
        for login, groups in _MEMBER_OF.items():
            if login not in known:
                cursor.execute(f"CREATE ROLE {login} LOGIN IN ROLE {', '.join(groups)}")


def login_environment(login: str) -> dict[str, str]:
    """What makes a process log in as that role. Without effect where DATABASE_URL says whom to log in as."""
    return {"POSTROOM_EMBEDDED_LOGIN": login}
