"""The benchmark of pages measures every page: its table is compared with the addresses there are, and each answers."""

from collections.abc import Iterator
from typing import Any

import pytest
from django.urls import URLPattern, get_resolver

from benchmarks.pages import ANSWERED, absent
from benchmarks.pages import facts as gathered
from benchmarks.pages_table import NO_PAGE, Facts, pages
from consent.models import ConsentEvent
from jobs.models import JobRun
from notifications.models import Notification, NotificationHistory
from templates_app.models import NotificationTemplate, NotificationTemplateVersion
from tests.every_row import make_every_row
from tests.operators import operator

# Lists, pages of a row, and what a page asks for again by itself.
KINDS = ("_changelist", "_change", "_live", "_tabs", "_progress")
PLAIN = {"metrics", "healthz", "readyz"}


def named(patterns: Any, space: str = "") -> Iterator[str]:
    for one in patterns:
        if isinstance(one, URLPattern):
            if one.name:
                yield f"{space}{one.name}"
        else:
            yield from named(one.url_patterns, f"{one.namespace}:" if one.namespace else space)


def facts(rows: dict[str, str]) -> Facts:
    def key(model: type[Any]) -> str:
        return rows[model._meta.label_lower]

    return Facts(
        failed=key(Notification),
        sent=key(Notification),
        past=key(NotificationHistory),
        rare_template=key(NotificationTemplate),
        common_template=key(NotificationTemplate),
        version=key(NotificationTemplateVersion),
        run=key(JobRun),
        customer="77",
        decided=str(ConsentEvent.objects.values_list("customer_id", flat=True)[0]),
        lately="2026-11-20T12:00Z",
        long_ago="2026-11-01T12:00Z",
        rows=rows,
    )


@pytest.mark.django_db
@pytest.mark.usefixtures("templates")
def test_every_list_row_and_live_part_is_measured_and_answers() -> None:
    rows = {model._meta.label_lower: str(row.pk) for model, row in make_every_row().items()}
    found = gathered().rows
    assert {label for label in rows if not found[label]} == {"notifications.inboundtext"}
    table = list(pages(facts(rows)))
    there = {
        name
        for name in named(get_resolver().url_patterns)
        if (name.endswith(KINDS) and "password" not in name) or name in PLAIN
    } - NO_PAGE
    assert there > PLAIN
    assert there - {page.view for page in table} == set()
    client = operator("*")
    # A proxy's page shows rows of its own kind alone, and a message that nobody sent has no text to read.
    odd = {"row: inboundtext"}
    answers = {
        page.name: client.get(path).status_code
        for page in table
        if not page.find and page.name not in odd and (path := page.path()) is not None
    }
    assert {name: status for name, status in answers.items() if status not in ANSWERED} == {}


def test_the_table_names_no_page_that_is_not_there() -> None:
    assert absent() == []
