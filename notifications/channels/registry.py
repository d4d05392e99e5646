"""The one table of channels: in, a name; out, its adapter. Add a channel here (docs/howto/add-a-channel.md)."""

from collections.abc import Mapping

from consent.models import Channel as Name
from notifications.channels.base import Channel, TransactionalChannel
from notifications.channels.email import EmailChannel
from notifications.channels.inapp import InAppChannel
from notifications.channels.push import PushChannel
from notifications.channels.sms import SmsChannel

CHANNELS: Mapping[str, type[Channel] | type[TransactionalChannel]] = {
    Name.EMAIL: EmailChannel,
    Name.SMS: SmsChannel,
    Name.PUSH: PushChannel,
    Name.INAPP: InAppChannel,
}
