"""`load_templates`: files become versions, once; faults are told by file and line; what a person published stays."""

import json
import shutil
import threading
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.db import connection, transaction

from templates_app.drafts import new_draft
from templates_app.models import NotificationTemplate, NotificationTemplateVersion, TemplatePartial
from templates_app.publish import publish
from templates_app.seed_files import SEED

TEMPLATES = {path.parent.name for path in SEED.glob("*/template.toml")}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A copy of the seed with two templates."""
    copy = tmp_path / "seed"
    unwanted = TEMPLATES - {"booking.pickup_today", "staff.security_alert"}
    shutil.copytree(SEED, copy, ignore=lambda _folder, names: unwanted & set(names))
    return copy


def load(folder: Path, **options: Any) -> dict[str, str]:
    out = StringIO()
    call_command("load_templates", folder=folder, json=True, stdout=out, **options)
    return {change["name"]: change["action"] for change in json.loads(out.getvalue())}


def failure(folder: Path, **options: Any) -> str:
    with pytest.raises(CommandError) as caught:
        load(folder, **options)
    return str(caught.value)


def edit(path: Path, old: str, new: str) -> None:
    text = path.read_text("utf-8")
    assert old in text
    path.write_text(text.replace(old, new), "utf-8")


def in_force() -> dict[str, int]:
    rows = NotificationTemplate.objects.values_list("name", "published_version__number")
    return {name: number for name, number in rows if number}


@pytest.mark.django_db
def test_the_first_time_everything_is_published_and_the_second_time_nothing(folder: Path) -> None:
    assert set(load(folder).values()) == {"published"}
    before = list(NotificationTemplateVersion.objects.order_by("pk").values())
    assert set(load(folder).values()) == {"unchanged"}
    assert list(NotificationTemplateVersion.objects.order_by("pk").values()) == before
    assert in_force() == {"booking.pickup_today": 1, "staff.security_alert": 1}


@pytest.mark.django_db
def test_a_changed_text_publishes_a_new_version_of_its_template_only(folder: Path) -> None:
    load(folder)
    edit(folder / "booking.pickup_today/en/sms.txt", "Bring photo ID.", "Bring ID.")
    assert load(folder) == {"booking.pickup_today": "published", "staff.security_alert": "unchanged"}
    assert in_force() == {"booking.pickup_today": 2, "staff.security_alert": 1}


@pytest.mark.django_db
def test_a_changed_layout_publishes_every_template_that_includes_it(folder: Path) -> None:
    load(folder)
    edit(folder / "layout/footer.fr.html", "Choisir", "Décider")
    assert set(load(folder).values()) == {"published"}
    assert "Décider" in TemplatePartial.objects.get(name="layout/footer.fr").text


@pytest.mark.django_db
def test_check_changes_nothing_and_fails_when_something_would_change(folder: Path) -> None:
    assert "2 templates differ" in failure(folder, check=True)
    assert not NotificationTemplate.objects.exists()
    assert not TemplatePartial.objects.exists()
    load(folder)
    assert set(load(folder, check=True).values()) == {"unchanged"}
    edit(folder / "staff.security_alert/en/email.txt", "Someone", "Somebody")
    assert "1 templates differ" in failure(folder, check=True)
    assert in_force() == {"booking.pickup_today": 1, "staff.security_alert": 1}


@pytest.mark.django_db
def test_the_command_says_what_it_did(folder: Path) -> None:
    out = StringIO()
    call_command("load_templates", folder=folder, stdout=out)
    lines = out.getvalue().splitlines()
    assert lines[0].split() == ["booking.pickup_today", "v1", "published"]
    assert lines[-1] == "2 published, 0 left as they are."


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("path", "old", "new", "told"),
    [
        ("fr/email.html", "<h1>", "<h1>\n{{oops}}", "seed/booking.pickup_today/fr/email.html:2: “oops”"),
        ("en/texts.toml", 'title = "Pickup today"', 'title = "{{#x}}"', "en/texts.toml:6: The section “x”"),
        ("en/sms.txt", "{{booking_url}}", "{{booking_url}", "en/sms.txt:1: "),
        ("fr/sms.txt", "{{booking_url}}", "{{> nope}}", "fr/sms.txt:1: There is no partial “nope”"),
        ("template.toml", 'type = "date"', 'type = "day"', "template.toml: “start_date” has no known type"),
        (
            "template.toml",
            "2026-11-24",
            "tomorrow",
            "template.toml: The sample of “start_date” must be a date",
        ),
        (
            "template.toml",
            'category = "reminder"',
            'category = "remind"',
            "template.toml: category must be one of",
        ),
        (
            "template.toml",
            'category = "reminder"',
            'categorie = "reminder"',
            "template.toml: “categorie” is unknown",
        ),
        ("template.toml", 'type = "url"', 'kind = "url"', "[placeholders.booking_url]: kind is unknown"),
        (
            "template.toml",
            'type = "date"',
            'required = "no"',
            "[placeholders.start_date]: required must be true or false",
        ),
        ("template.toml", "[placeholders.start_date]", "[placeholders.start_date", "template.toml: "),
        ("en/texts.toml", "[push]", "[pager]", "en pager: Channels are email, sms, push, inapp."),
    ],
)
def test_a_fault_is_told_by_file_and_line_and_nothing_is_published(
    folder: Path, path: str, old: str, new: str, told: str
) -> None:
    edit(folder / "booking.pickup_today" / path, old, new)
    message = failure(folder)
    assert told in message
    assert not NotificationTemplate.objects.exists()
    assert not TemplatePartial.objects.exists()


@pytest.mark.django_db
def test_a_fault_of_the_layout_is_told_once_at_its_own_file(folder: Path) -> None:
    edit(folder / "layout/footer.fr.html", "<p>{{system.company_name}}", "<p>\n{{system.compnay_name}}")
    lines = failure(folder).splitlines()
    assert [line for line in lines if "compnay" in line] == [
        next(line for line in lines if line.startswith("seed/layout/footer.fr.html:2: “system.compnay_name”"))
    ]


@pytest.mark.django_db
def test_a_folder_that_is_no_name_of_a_template_is_told(folder: Path) -> None:
    (folder / "booking.pickup_today").rename(folder / "booking.Pickup today")
    assert "booking.Pickup today/template.toml: A template is called area.message" in failure(folder)


@pytest.mark.django_db
def test_an_unknown_file_in_a_language_is_told(folder: Path) -> None:
    (folder / "booking.pickup_today/en/fax.txt").write_text("x")
    assert "booking.pickup_today/en/fax.txt: unknown file" in failure(folder)


@pytest.mark.django_db
def test_what_a_person_published_stays_until_overwritten(folder: Path) -> None:
    load(folder)
    edited = publish(new_draft(NotificationTemplate.objects.get(name="booking.pickup_today")))
    edit(folder / "booking.pickup_today/en/sms.txt", "Bring photo ID.", "Bring ID.")
    assert load(folder)["booking.pickup_today"] == "kept"
    assert in_force()["booking.pickup_today"] == edited.number == 2
    assert load(folder, check=True)["booking.pickup_today"] == "kept"
    assert load(folder, overwrite=True)["booking.pickup_today"] == "published"
    assert in_force()["booking.pickup_today"] == 3
    assert load(folder)["booking.pickup_today"] == "unchanged"


@pytest.mark.django_db
def test_an_archived_template_is_left_alone(folder: Path) -> None:
    load(folder)
    NotificationTemplate.objects.filter(name="booking.pickup_today").update(
        archived_at="2026-11-20T00:00:00Z"
    )
    edit(folder / "booking.pickup_today/en/sms.txt", "Bring photo ID.", "Bring ID.")
    assert load(folder)["booking.pickup_today"] == "kept"


@pytest.mark.django_db
def test_the_category_of_a_template_cannot_change_under_its_name(folder: Path) -> None:
    load(folder)
    edit(folder / "booking.pickup_today/template.toml", 'category = "reminder"', 'category = "transactional"')
    assert "The category is reminder" in failure(folder)
    assert NotificationTemplate.objects.get(name="booking.pickup_today").category == "reminder"


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("is_first", [True, False])
def test_a_second_deployment_waits_for_the_first_and_finds_nothing_to_do(
    folder: Path, is_first: bool
) -> None:
    if not is_first:
        load(folder)
        edit(folder / "booking.pickup_today/en/sms.txt", "Bring photo ID.", "Bring ID.")
    outcomes: list[dict[str, str]] = []

    def deploy() -> None:
        try:
            outcomes.append(load(folder))
        finally:
            connection.close()

    second = threading.Thread(target=deploy)
    with transaction.atomic():
        load(folder)
        second.start()
        second.join(timeout=1.5)
        assert second.is_alive()
    second.join(timeout=30)
    assert outcomes == [{"booking.pickup_today": "unchanged", "staff.security_alert": "unchanged"}]
    assert in_force() == {"booking.pickup_today": 1 if is_first else 2, "staff.security_alert": 1}
