"""The French of the public pages: complete, and the compiled catalogue is the one that the text file says."""

import ast
import gettext
import re
from pathlib import Path

from consent import __file__ as package

HOME = Path(package).parent
CATALOGUE = HOME / "locale" / "fr" / "LC_MESSAGES"


def written() -> dict[str, str]:
    """The text file, as gettext keys it: context, EOT, message."""
    found = {}
    for entry in (CATALOGUE / "django.po").read_text().split("\n\n")[1:]:
        parts = {"msgctxt": "", "msgid": "", "msgstr": ""}
        current = ""
        for line in entry.splitlines():
            if match := re.match(r'(msgctxt|msgid|msgstr) (".*")', line):
                current = match[1]
                parts[current] += ast.literal_eval(match[2])
            elif line.startswith('"'):
                parts[current] += ast.literal_eval(line)
        context = f"{parts['msgctxt']}\x04" if parts["msgctxt"] else ""
        found[context + parts["msgid"]] = parts["msgstr"]
    return found


def compiled() -> dict[str, str]:
    with (CATALOGUE / "django.mo").open("rb") as file:
        catalogue = gettext.GNUTranslations(file)
    return {key: text for key, text in vars(catalogue)["_catalog"].items() if key}


def test_every_message_has_its_french() -> None:
    assert "#, fuzzy" not in (CATALOGUE / "django.po").read_text()
    assert [key for key, text in written().items() if not text] == []


def test_the_compiled_catalogue_is_up_to_date() -> None:
    """Else: cd consent && msgfmt -o locale/fr/LC_MESSAGES/django.mo locale/fr/LC_MESSAGES/django.po"""
    assert compiled() == written()


def test_every_text_of_a_template_is_in_the_catalogue() -> None:
    """Else: cd consent && django-admin makemessages -l fr --no-location"""
    used = {
        text
        for template in (HOME / "templates").rglob("*.html")
        for text in re.findall(r'{% translate "(.+?)" %}', template.read_text())
    }
    assert len(used) > 30
    assert used - set(written()) == set()


def test_every_placeholder_survives_translation() -> None:
    for english, french in written().items():
        assert re.findall(r"%\(\w+\)s", english) == re.findall(r"%\(\w+\)s", french), english
