"""Which columns of the pipeline hold sealed text: in, nothing; out, PLACES, for `consent/sealed_places.py`."""

from consent.sealed_places import SealedPlace
from notifications.sealed_payload import MARK

PLACES = (
    SealedPlace(
        "notifications.Notification", "to", path="$.address.sealed", written_by=("notifications.recipients",)
    ),
    SealedPlace(
        "notifications.Notification",
        "payload",
        path=f"$.*.{MARK}",
        written_by=("notifications.sealed_payload",),
    ),
    SealedPlace(
        "notifications.ProviderEvent",
        "detail",
        path="$.text.sealed",
        written_by=("notifications.webhooks.twilio_inbound",),
    ),
    SealedPlace("notifications.PushSubscription", "sealed", written_by=("notifications.push_subscriptions",)),
)
