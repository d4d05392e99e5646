"""`manage.py cancel_notifications`: withhold queued notifications, with a reason."""

from notifications.management.acting import ActingCommand


class Command(ActingCommand):
    help = (
        "Withhold queued notifications. What a worker holds can no longer be stopped; --dry-run only counts."
    )
    act, key = "cancel", "cancelled"
    done, would = "cancelled", "would be cancelled"
