"""Every list of the back office, empty: it says in its own words why, or what to do; and where only filters hide the rows, it
says that and leads to all of them. In both languages, as soon as a list is registered."""

import re
from collections.abc import Iterator
from typing import Any

import pytest
from django.contrib import admin
from django.urls import reverse
from django.utils import translation

from tests.operators import operator, seen

pytestmark = pytest.mark.django_db


def lists() -> Iterator[Any]:
    """What has the admin's own list; a page that stands in a list's place has its own words and tests."""
    for model, page in admin.site._registry.items():
        if page.__class__.__dict__.get("changelist_view") is None or hasattr(page, "nothing_yet"):
            yield pytest.param(model, page, id=model._meta.label_lower)


def shown(model: Any, language: str = "en") -> str:
    url = reverse(f"admin:{model._meta.app_label}_{model._meta.model_name}_changelist")
    return seen(operator("*").get(url, headers={"accept-language": language}))


def said_by(page: Any, language: str) -> str:
    with translation.override(language):
        return str(getattr(page, "nothing_yet", ""))


@pytest.fixture
def emptied(page: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """The one who looks has an account, and `migrate` may have made rows too."""
    original = page.get_queryset
    monkeypatch.setattr(page, "get_queryset", lambda request: original(request).none())


@pytest.mark.parametrize(("model", "page"), list(lists()))
@pytest.mark.usefixtures("emptied")
def test_an_empty_list_says_why_or_what_to_do(model: Any, page: Any) -> None:
    english, french = said_by(page, "en"), said_by(page, "fr")
    assert english, "name in `nothing_yet` why this list is empty, or what fills it"
    assert english in shown(model)
    assert french != english
    assert french in shown(model, language="fr")


def test_no_two_lists_say_the_same() -> None:
    said = [said_by(page, "en") or str(model) for model, page in admin.site._registry.items()]
    assert sorted(said) == sorted(set(said))


@pytest.mark.parametrize(("model", "page"), list(lists()))
@pytest.mark.usefixtures("emptied")
def test_a_list_that_filters_leave_empty_blames_them_and_leads_to_all(model: Any, page: Any) -> None:
    query = _a_filter(page)
    if query is None:
        pytest.skip("it has neither filters nor a search")
    client = operator("*")
    url = reverse(f"admin:{model._meta.app_label}_{model._meta.model_name}_changelist")
    answer = client.get(f"{url}{query}", headers={"accept-language": "en"})
    text = seen(answer)
    assert said_by(page, "en") not in text
    assert re.search("Nothing (found|matches)", text)
    assert "Show all of them" in text
    assert 'href="?"' in answer.content.decode()


def _a_filter(page: Any) -> str | None:
    """A search that every list with a box takes, else its first filter."""
    if page.search_fields:
        return "?q=0b0f7c1e-6f2e-4c43-9d2b-0d8f6a1c2b3d"
    for declared in page.list_filter:
        if isinstance(declared, str):
            field = page.model._meta.get_field(declared)
            value = field.choices[0][0] if field.choices else "1"
            return f"?{declared}__exact={value}"
        if isinstance(name := getattr(declared, "parameter_name", None), str):
            return f"?{name}=1"
    return None
