"""What a page of the back office costs: at most 30 statements, and not one more when there are more rows. Each registered list
and each page of a row is walked, as soon as it is registered."""

import copy
import datetime as dt
import uuid
from typing import Any

import pytest
from django.contrib import admin
from django.db import DatabaseError, connection, models, transaction
from django.db.models import Model
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from config.models import AuditEntry
from tests.every_row import make_every_row
from tests.operators import operator

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("templates")]
MOST = 30
COPIES = 8
# One row a channel, a view, a customer in a segment, a machine's moment; the texts are reports of another kind (a proxy).
ONCE = {
    "notifications.channelstate",
    "notifications.inboundtext",
    "rentals.customersegmentmember",
    "rentals.telematicssnapshot",
    "rentals.viewstate",
}


def asked(client: Any, url: str) -> list[str]:
    with CaptureQueriesContext(connection) as captured:
        response = client.get(url, follow=True)
    assert response.status_code == 200, url
    return [query["sql"] for query in captured]


def multiply(row: Model) -> int:
    """Copies of a row beside it, with the same parents; answers how many a constraint let in."""
    made = 0
    for number in range(COPIES):
        twin = copy.copy(row)
        twin._state = copy.copy(row._state)
        twin._state.adding = True
        key = row._meta.pk
        assert key is not None
        setattr(twin, key.attname, uuid.uuid4() if isinstance(key, models.UUIDField) else None)
        rules = [rule for rule in row._meta.constraints if isinstance(rule, models.UniqueConstraint)]
        held = {name for rule in rules for name in rule.fields}
        for field in row._meta.concrete_fields:
            value = getattr(row, field.attname)
            if (field.unique or field.name in held) and not field.primary_key and not field.is_relation:
                if isinstance(value, str) and not field.choices:
                    setattr(twin, field.attname, f"{number}{value[1:]}")
                elif isinstance(value, int) and not isinstance(value, bool):
                    setattr(twin, field.attname, value + number + 1)
                elif isinstance(value, dt.date):
                    setattr(twin, field.attname, value - dt.timedelta(days=number + 1))
        try:
            with transaction.atomic():
                twin.save(force_insert=True)
        except DatabaseError:
            continue
        made += 1
    return made


def test_no_list_asks_more_when_there_are_more_rows() -> None:
    rows = make_every_row()
    client = operator("*")
    urls = {
        model._meta.label_lower: reverse(f"admin:{model._meta.app_label}_{model._meta.model_name}_changelist")
        for model in rows
    }
    for url in urls.values():
        asked(client, url)  # what a process asks once
    before = {label: asked(client, url) for label, url in urls.items()}
    made = {model._meta.label_lower: multiply(row) for model, row in rows.items()}
    assert {label for label, number in made.items() if not number} <= ONCE
    after = {label: asked(client, url) for label, url in urls.items()}
    grown = {
        label: (len(before[label]), len(found))
        for label, found in after.items()
        if len(found) > len(before[label])
    }
    assert grown == {}
    assert {label: len(found) for label, found in after.items() if len(found) > MOST} == {}


def test_no_page_of_a_row_asks_more_than_thirty() -> None:
    client = operator("*")
    pages = {
        model._meta.label_lower: reverse(
            f"admin:{model._meta.app_label}_{model._meta.model_name}_change", args=[row.pk]
        )
        for model, row in make_every_row().items()
        # The audit log has no page of an entry.
        if model in admin.site._registry and model is not AuditEntry
    }
    for url in pages.values():
        client.get(url)
    # A proxy's page shows only rows of its kind.
    del pages["notifications.inboundtext"]
    found = {label: len(asked(client, url)) for label, url in pages.items()}
    assert {label: number for label, number in found.items() if number > MOST} == {}
