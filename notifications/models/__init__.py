"""The tables of the pipeline."""

from notifications.models.api import ApiRequest
from notifications.models.attempts import DeliveryAttempt
from notifications.models.bulk import BulkAct, BulkActRow
from notifications.models.complaints import CategoryStop, SendingDay
from notifications.models.data_request import DataRequest
from notifications.models.events import ProviderEvent
from notifications.models.feedback import Feedback
from notifications.models.history import NotificationHistory
from notifications.models.inbox import InboxItem, PushSubscription
from notifications.models.metrics import MetricCounter
from notifications.models.queue import Notification, Priority
from notifications.models.state import ChannelEvent, ChannelState, DrainSignal
from notifications.models.texts import InboundText
from notifications.models.tokens import ServiceToken
from notifications.models.traffic import Traffic, TrafficFold
from notifications.models.watch import DrainWatch

__all__ = [
    "ApiRequest",
    "BulkAct",
    "BulkActRow",
    "CategoryStop",
    "ChannelEvent",
    "ChannelState",
    "DataRequest",
    "DeliveryAttempt",
    "DrainSignal",
    "DrainWatch",
    "Feedback",
    "InboundText",
    "InboxItem",
    "MetricCounter",
    "Notification",
    "NotificationHistory",
    "Priority",
    "ProviderEvent",
    "PushSubscription",
    "SendingDay",
    "ServiceToken",
    "Traffic",
    "TrafficFold",
]
