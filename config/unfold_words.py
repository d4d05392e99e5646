"""What unfold says on its own, for gettext to find: the package brings no French. A new word of it is missed by nothing but readers."""

from django.utils.translation import gettext_noop as _

WORDS = (
    _("Action"),
    _("Apply Filters"),
    _("Dark"),
    _("Date from"),
    _("Date to"),
    _("Expand row"),
    _("Filters"),
    _("Light"),
    _("More actions"),
    _("No recent searches"),
    _("No results matching your query"),
    _("Recent searches"),
    _("Return to site"),
    _("Search apps and models..."),
    _("Select action"),
    _("Select action to run"),
    _("Select all rows"),
    _("Select record"),
    _("Select value"),
    _("System"),
    _("Toggle password visibility"),
    _("Type to search"),
    _("Welcome"),
    _("You have been successfully logged out from the administration"),
)
