"""The French of the back office: every text that the code marks has its French, once, and the compiled catalogue says the same."""

import ast
import gettext
import re
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

import pytest
from django.apps import apps
from django.conf import settings
from django.contrib import admin
from django.contrib.admin.utils import flatten_fieldsets
from django.contrib.auth.models import User
from django.test import RequestFactory
from django.utils import translation
from django.utils.translation.template import templatize

from jobs.admin.count_words import WORDS, count_word
from rentals.column_names import NAMES

APPS = ("rentals", "jobs", "notifications", "templates_app", "config", "consent")
each_app = pytest.mark.parametrize("app", APPS)
FUNCTIONS = {
    "gettext",
    "gettext_lazy",
    "gettext_noop",
    "ngettext",
    "ngettext_lazy",
    "pgettext",
    "pgettext_lazy",
}
TOLD = "Else: cd {app} && django-admin makemessages -l fr --no-location, write the French, and msgfmt (docs/howto/add-a-text.md)"
HOLES = re.compile(r"%\(\w+\)[sd]|%[sd]")


def catalogue(app: str) -> Path:
    return Path(settings.BASE_DIR) / app / "locale" / "fr" / "LC_MESSAGES"


def written(app: str) -> dict[str, list[str]]:
    """The text file, as gettext keys it: context, EOT, message. A plural has two texts."""
    found = {}
    for entry in (catalogue(app) / "django.po").read_text("utf-8").split("\n\n")[1:]:
        parts: dict[str, str] = {}
        current = ""
        for line in entry.splitlines():
            if match := re.match(r'(msgctxt|msgid_plural|msgid|msgstr(?:\[\d\])?) (".*")', line):
                current = match[1]
                parts[current] = ast.literal_eval(match[2])
            elif line.startswith('"'):
                parts[current] += ast.literal_eval(line)
        context = f"{parts['msgctxt']}\x04" if "msgctxt" in parts else ""
        texts = [text for part, text in parts.items() if part.startswith("msgstr")]
        assert context + parts["msgid"] not in found, f"{app} says «{parts['msgid']}» twice."
        found[context + parts["msgid"]] = texts
    return found


def compiled(app: str) -> dict[str, list[str]]:
    with (catalogue(app) / "django.mo").open("rb") as file:
        texts = vars(gettext.GNUTranslations(file))["_catalog"]
    found: dict[str, list[str]] = defaultdict(list)
    for key, text in texts.items():
        if key:
            found[key[0] if isinstance(key, tuple) else key].append(text)
    return dict(found)


def marked(app: str) -> set[str]:
    """Every text that the app's code and templates mark, as gettext keys it."""
    home = Path(settings.BASE_DIR) / app
    found: set[str] = set()
    for path in home.rglob("*.py"):
        if "migrations" not in path.parts:
            found.update(_in_code(path.read_text("utf-8")))
    for path in [path for end in ("html", "txt") for path in (home / "templates").rglob(f"*.{end}")]:
        found.update(_in_template(path.read_text("utf-8")))
    return found


def _in_code(source: str) -> Iterator[str]:
    tree = ast.parse(source)
    names = {
        alias.asname or alias.name: alias.name
        for node in ast.walk(tree)
        if isinstance(node, ast.ImportFrom) and node.module == "django.utils.translation"
        for alias in node.names
    }
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
            function = names.get(node.func.id)
            texts = [str(argument.value) for argument in node.args if isinstance(argument, ast.Constant)]
            if function in FUNCTIONS and texts:
                yield f"{texts[0]}\x04{texts[1]}" if function.startswith("pgettext") else texts[0]


def _in_template(source: str) -> Iterator[str]:
    text = r"(?:u?'(?:[^'\\]|\\.)*'|u?\"(?:[^\"\\]|\\.)*\")"
    for match in re.finditer(rf"\b(n?p?gettext|_)\(({text})(?:,\s*({text}))?", templatize(source)):
        first, second = (part and ast.literal_eval(part) for part in match.group(2, 3))
        yield f"{first}\x04{second}" if match[1] == "pgettext" else first


@each_app
def test_every_marked_text_has_its_french(app: str) -> None:
    texts = written(app)
    assert "#, fuzzy" not in (catalogue(app) / "django.po").read_text("utf-8")
    assert [key for key, french in texts.items() if not all(french)] == []
    assert len(marked(app)) > 40
    assert marked(app) - set(texts) == set(), TOLD.format(app=app)


@each_app
def test_the_catalogue_holds_nothing_that_is_gone(app: str) -> None:
    assert set(written(app)) - marked(app) == set(), TOLD.format(app=app)


@each_app
def test_the_compiled_catalogue_is_up_to_date(app: str) -> None:
    assert compiled(app) == written(app), TOLD.format(app=app)


@each_app
def test_every_hole_of_a_text_is_in_its_french(app: str) -> None:
    for english, texts in written(app).items():
        for french in texts:
            assert sorted(HOLES.findall(english)) == sorted(HOLES.findall(french)), english


def test_the_apps_do_not_contradict_each_other() -> None:
    """Django reads all catalogues as one: the first app's French would win."""
    said: dict[str, dict[str, list[str]]] = defaultdict(dict)
    for app in APPS:
        for english, french in written(app).items():
            said[english][app] = french
    assert {
        english: by_app
        for english, by_app in said.items()
        if len({tuple(texts) for texts in by_app.values()}) > 1
    } == {}


def test_every_column_of_the_business_has_a_french_name() -> None:
    with translation.override("en"):
        english = {
            str(field.verbose_name)
            for model in apps.get_app_config("rentals").get_models()
            for field in model._meta.fields
            if not field.auto_created
        }
    assert english - set(written("rentals")) == set()
    assert set(NAMES) - english == set()
    with translation.override("fr"):
        alert = apps.get_model("rentals", "Alert")._meta
        assert str(alert.get_field("detected_at").verbose_name) == "détectée le"


@pytest.mark.parametrize("app", ["consent", "templates_app", "notifications"])
def test_every_column_that_a_page_shows_has_a_french_name(app: str) -> None:
    request = RequestFactory().get("/")
    request.user = User(is_active=True, is_staff=True, is_superuser=True)
    shown: set[str] = set()
    with translation.override("en"):
        for model in apps.get_app_config(app).get_models():
            page = admin.site.get_model_admin(model) if admin.site.is_registered(model) else None
            # These have a page of their own, in its own words.
            if page is None or model._meta.model_name in {"channelstate", "notification", "inboundtext"}:
                continue
            columns = {
                *page.get_list_display(request),
                *flatten_fieldsets(page.get_fieldsets(request, model())),
            }
            shown |= {
                str(field.verbose_name)
                for field in model._meta.fields
                if columns & {field.name, field.attname}
            }
    assert len(shown) > 10
    assert shown - set(written(app)) == set(), f"Add them to {app}/column_names.py."


def test_a_column_of_the_ledger_speaks_french() -> None:
    recorded = apps.get_model("consent", "ConsentEvent")._meta.get_field("recorded_at")
    with translation.override("fr"):
        assert str(recorded.verbose_name) == "enregistré le"


def test_a_count_is_worded_and_an_unknown_word_stays() -> None:
    with translation.override("fr"):
        assert [count_word(word) for word in ("due", "alerts opened", "told to nobody")] == [
            "vues à actualiser",
            "alertes ouvertes",
            "told to nobody",
        ]
    with translation.override("en"):
        assert {word: count_word(word) for word in WORDS} == {word: word for word in WORDS}
