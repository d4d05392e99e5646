"""What double opt-in does unless `NOTIFICATIONS` says otherwise. Pure: settings import it before any app is loaded."""

import datetime as dt
from collections.abc import Mapping

# Marketing e-mail: any form takes any address, and what arrives uninvited is reported as spam. By SMS a wrong number
# mostly does not answer START, and a browser asks its own user.
DEFAULT: Mapping[str, tuple[str, ...]] = {"marketing": ("email",)}
DEFAULT_WITHIN = dt.timedelta(days=7)
SENDER = "notifications.ask_to_confirm.ask_to_confirm"
