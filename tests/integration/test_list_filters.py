"""No list reads on and on for a rare value: every filter and every search of every list that is registered is asked, among many
rows, for each value that it offers. What an index holds is found by it; the rest is looked for so far and no further."""

from collections.abc import Iterator, Mapping
from typing import Any
from urllib.parse import urlencode

import pytest
from django.contrib import admin
from django.contrib.admin.views.main import ChangeList
from django.db import connection
from django.db.models import Model
from django.urls import NoReverseMatch, reverse

from config.models import AuditEntry
from consent.admin_lists import Bounded
from notifications.models import ProviderEvent
from rentals.models import Customer, CustomerSegmentMember, Equipment
from tests.every_row import make_every_row
from tests.many_rows import multiply
from tests.operators import operator
from tests.plan_reader import Plan, explained

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("swept", "templates")]
ROWS, FAR = 1_500, 100
# A page and its count, a window and the way to its end.
READ = 4 * FAR
CAPS = (
    "consent.admin_lists.COUNT_LIMIT",
    "consent.admin_reach.REACH",
    "jobs.admin.runs.ShortPaginator.LIMIT",
    "notifications.admin.filters_seen.SAMPLE",
    "notifications.state_counts.CAP",
)
# Tables that stay small by themselves, with the reason.
SMALL: Mapping[str, str] = {
    "auth.user": "people of the business",
    "auth.group": "roles",
    "django_q.schedule": "a row a job",
    "templates_app.notificationtemplate": "written by people",
    "templates_app.notificationtemplateversion": "written by people",
    "templates_app.templatepartial": "written by people",
    "rentals.customersegment": "written by people",
    "rentals.viewstate": "a row a view",
    "rentals.viewrefreshrequest": "emptied by each refresh",
    "rentals.equipment": "the fleet",
    "rentals.promorule": "written by people",
    "rentals.payoutreconciliation": "a row a payout",
    "django_q.failure": "what succeeds is not kept, and jobs keep their own failures",
    "notifications.channelstate": "a row a channel",
    "notifications.servicetoken": "made by people",
}
# A row of it joins two others.
MEMBERS = """
INSERT INTO customer_segment_members (segment_id, customer_id)
SELECT segments.id, customers.id FROM customer_segments AS segments, customers ON CONFLICT DO NOTHING
"""
# Its page is its own: tests/integration/test_audit_log.py.
OWN = {AuditEntry}


def test_no_filter_and_no_search_of_a_list_reads_more_when_there_are_more_rows(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for name in CAPS:
        monkeypatch.setattr(name, FAR)
    rows = {model: row for model, row in make_every_row().items() if model not in OWN}
    long = {model: row for model, row in rows.items() if model._meta.label_lower not in SMALL}
    event = rows[ProviderEvent]
    assert isinstance(event, ProviderEvent)
    event.applied_at, event.outcome = event.received_at, "applied"  # few wait
    event.save()
    multiply(rows[Equipment], ROWS)
    with connection.cursor() as cursor:
        long.pop(CustomerSegmentMember)
        multiply(rows[Customer], ROWS)
        cursor.execute(MEMBERS)
    few = {model._meta.label_lower: n for model, row in long.items() if (n := multiply(row, ROWS)) < ROWS}
    assert few == {}
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE")
        # As the planner decides where tables are long: what an index holds is read from there.
        cursor.execute("SET LOCAL enable_seqscan = off")
    client, wrong = operator("*"), []
    lists: list[type[Model]] = [*long, CustomerSegmentMember]
    for model in lists:
        for query in asked_of(client, model):
            # In the order of an index, or else by several at once: the planner's choice among few rows says nothing.
            found = list(far_read(client, model, query, in_order=True))
            if found and (found := list(far_read(client, model, query, in_order=False))):
                wrong += [f"{model._meta.label_lower}?{query}: {plan}" for plan in found]
    assert not wrong, "\n".join(wrong)


def test_only_lists_that_stay_short_go_without_a_bound() -> None:
    unbounded = {
        model._meta.label_lower
        for model, page in admin.site._registry.items()
        if not isinstance(page, Bounded)
    }
    assert unbounded <= SMALL.keys() | {model._meta.label_lower for model in OWN}


def far_read(client: Any, model: type[Model], query: str, *, in_order: bool) -> list[Plan]:
    """The statements about this table that read too many of its rows."""
    table = model._meta.db_table
    with connection.cursor() as cursor:
        for way in ("bitmapscan", "sort", "hashjoin", "mergejoin"):
            cursor.execute(f"SET LOCAL enable_{way} = {'off' if in_order else 'on'}")
    with explained(f'"{table}"') as plans:
        assert client.get(f"{there(model)}?{query}").status_code == 200, (model, query)
    return [plan for plan in plans if rows_read(plan, table) > READ]


def asked_of(client: Any, model: type[Model]) -> Iterator[str]:
    """The list as it is, each choice of each filter, and a search that finds nothing."""
    yield ""
    found = client.get(there(model)).context["cl"]
    for spec in found.filter_specs:
        yield from offered(found, spec)
    page = admin.site._registry[model]
    if not page.search_fields:
        return
    try:
        find = reverse(f"admin:{model._meta.app_label}_{model._meta.model_name}_find")
    except NoReverseMatch:
        yield "q=zebra"
    else:
        for text in ("zebra", "zebra@example.com", "+15065550199"):
            yield client.post(find, {"q": text})["Location"].partition("?")[2]


def offered(found: ChangeList, spec: Any) -> Iterator[str]:
    if hasattr(spec, "options"):  # a filter of the queue
        values = [value for value, _label in spec.options] or ["zebra"]
        queries = [urlencode({spec.parameter_name: value}) for value in values]
    else:
        queries = [choice["query_string"].lstrip("?") for choice in spec.choices(found)]
    # Of a long choice some: what differs between them is the value alone.
    yield from [query for query in queries if query][:6]


def there(model: type[Model]) -> str:
    return reverse(f"admin:{model._meta.app_label}_{model._meta.model_name}_changelist")


def rows_read(plan: Plan, table: str) -> int:
    """Of this table, those that were looked at and left included."""
    found = 0
    for node in plan.nodes():
        if node.get("Relation Name") == table:
            looked = node["Actual Rows"] + node.get("Rows Removed by Filter", 0)
            found += int(looked * node["Actual Loops"])
    return found
