"""What the columns are called, in the reader's language: in, the models; out, their fields' names, looked up when shown.

Django makes a name of the attribute, in English, where a field has none of its own; gettext finds those only in this list.
"""

from collections.abc import Iterable

from django.db.models import Field, Model
from django.utils.translation import gettext_lazy
from django.utils.translation import gettext_noop as _

# Shows an admin page another column? Its name goes here, and into locale/fr; a test names what is missing.
NAMES = (
    _("action"),
    _("actor"),
    _("address hint"),
    _("category"),
    _("channel"),
    _("created at"),
    _("customer id"),
    _("enabled"),
    _("evidence"),
    _("expires at"),
    _("granted at"),
    _("hash"),
    _("lifted at"),
    _("note"),
    _("occurred at"),
    _("place"),
    _("prev hash"),
    _("reason"),
    _("recorded at"),
    _("revoked at"),
    _("scope"),
    _("source"),
    _("wording"),
)


def translate_columns(models: Iterable[type[Model]], names: Iterable[str]) -> None:
    """Names that came from an attribute are translated; no migration comes of it."""
    known = frozenset(names)
    for model in models:
        for field in model._meta.get_fields():  # noqa: SLF001 (public by its documentation)
            if isinstance(field, Field) and field.verbose_name in known:
                field.verbose_name = gettext_lazy(field.verbose_name)
