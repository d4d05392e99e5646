"""A long list of anything: in, one row of a table; out, that many copies of it, made by the database itself."""

import uuid

from django.contrib.postgres.fields import ArrayField
from django.db import connection, models
from django.db.models import Model


def multiply(row: Model, count: int) -> int:
    """Later copies are older: every moment and day is moved back, by a minute or a day each. What must differ differs; a copy
    that a constraint refuses is left out. Answers how many there are now."""
    opts = row._meta
    unique = {name for rule in opts.total_unique_constraints for name in rule.fields}
    unique |= {str(name).lstrip("-") for name in opts.ordering or ()} | {
        name for rule in opts.constraints if isinstance(rule, models.UniqueConstraint) for name in rule.fields
    }
    columns, values = [], []
    for field in opts.concrete_fields:
        quoted, differs = f'"{field.column}"', field.unique or field.name in unique
        if isinstance(field, models.AutoField) or getattr(field, "generated", False):
            continue
        columns.append(quoted)
        if isinstance(field, models.UUIDField) and field.primary_key:
            values.append("gen_random_uuid()")
        elif isinstance(field, models.DateTimeField):
            values.append(f"{quoted} - n * interval '1 minute'")
        elif isinstance(field, models.DateField):
            values.append(f"{quoted} - n")
        elif differs and not field.is_relation and not field.choices and not isinstance(field, ArrayField):
            if isinstance(field, models.TextField | models.CharField):
                # Hashes stay as long as they are.
                values.append(
                    f"CASE WHEN length({quoted}) = 64 THEN md5(n::text) || md5(n::text) ELSE {quoted} || n END"
                )
            else:
                values.append(f"{quoted} + n" if isinstance(field, models.IntegerField) else quoted)
        else:
            values.append(quoted)
    table = opts.db_table
    with connection.cursor() as cursor:
        cursor.execute(
            f'INSERT INTO "{table}" ({", ".join(columns)}) SELECT {", ".join(values)} FROM "{table}",'
            f' generate_series(1, %s) AS n WHERE "{opts.pk.column}" = %s ON CONFLICT DO NOTHING',
            [count, row.pk.hex if isinstance(row.pk, uuid.UUID) else row.pk],
        )
        cursor.execute(f'SELECT count(*) FROM "{table}"')
        return int(cursor.fetchone()[0])
