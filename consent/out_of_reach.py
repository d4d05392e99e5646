"""What a login may not get at: in, tables; out, those whose rows it cannot see, or cannot change. A few look-ups in the catalogue.

Row level security hides rows without a word, so whoever counts must ask first: «none left» is not «none that I see».
"""

from collections.abc import Collection

from django.db import connection

from consent.arrays import array

HINT = "run it as the web server's login, a member of postroom_service and postroom_admin (docs/row-level-security.md)"

# A role that no permissive policy names sees nothing (CREATE POLICY); 0 stands for PUBLIC.
ASK = """
SELECT name FROM unnest(%(names)s::text[]) AS name, LATERAL (SELECT to_regclass(quote_ident(name))) AS t(id)
WHERE NOT has_table_privilege(id, 'SELECT') OR (%(writing)s AND NOT has_table_privilege(id, 'UPDATE'))
   OR (row_security_active(id) AND NOT EXISTS (
       SELECT FROM pg_policy, unnest(polroles) AS role
       WHERE polrelid = id AND polpermissive
         AND CASE WHEN role = 0 THEN true ELSE pg_has_role(role, 'USAGE') END))
ORDER BY name
"""


def out_of_reach(tables: Collection[str], *, writing: bool) -> list[str]:
    """The tables that this connection's role cannot read, and with `writing` those that it cannot update either."""
    with connection.cursor() as cursor:
        cursor.execute(ASK, {"names": array(sorted(set(tables))), "writing": writing})
        return [row[0] for row in cursor.fetchall()]
