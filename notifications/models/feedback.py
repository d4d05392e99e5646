"""The words of providers' reports, as the database spells them."""

from django.db import models
from django.utils.translation import gettext_lazy as _


class Feedback(models.TextChoices):
    """What a provider told us afterwards, the lowest fact of the chain first (`feedback.CHAIN`)."""

    PROCESSED = "processed", _("Taken on")
    DEFERRED = "deferred", _("Deferred")
    DELIVERED = "delivered", _("Delivered")
    OPENED = "opened", _("Opened")
    CLICKED = "clicked", _("Clicked")
    UNSUBSCRIBED = "unsubscribed", _("Unsubscribed")
    DROPPED = "dropped", _("Dropped")
    BOUNCED = "bounced", _("Bounced")
    COMPLAINED = "complained", _("Complained")
