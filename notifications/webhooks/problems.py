"""Are the webhooks' settings right? In: settings; out, (setting, what is wrong and what to write) pairs.

`notifications/checks.py` turns them into system checks, and knows which must be there in live mode.
"""

import datetime as dt
from collections.abc import Iterator

from django.conf import settings

from notifications.complaint_policy import ComplaintPolicy
from notifications.conf import conf
from notifications.webhooks.sendgrid_signature import public_key


def webhook_problems() -> Iterator[tuple[str, str]]:
    given = conf()
    # A project that takes no reports has no such setting.
    if key := getattr(settings, "SENDGRID_WEBHOOK_KEY", ""):
        try:
            public_key(key)
        except ValueError as error:
            yield "SENDGRID_WEBHOOK_KEY", str(error)
    # What a dict of settings really holds is not what it should.
    age: object = given.webhook_age
    engagement: object = given.engagement
    policy: object = given.complaints
    if not isinstance(age, dt.timedelta) or age < dt.timedelta(minutes=1):
        yield 'NOTIFICATIONS["WEBHOOK_AGE"]', "is no such length of time: write timedelta(hours=25)"
    answers: object = given.twilio_answers_keywords
    if not isinstance(answers, bool):
        yield 'NOTIFICATIONS["TWILIO_ANSWERS_KEYWORDS"]', "is neither True nor False"
    if not isinstance(engagement, bool):
        yield 'NOTIFICATIONS["ENGAGEMENT"]', "is neither True nor False"
    if not isinstance(policy, ComplaintPolicy):
        yield 'NOTIFICATIONS["COMPLAINTS"]', "is no notifications.complaint_policy.ComplaintPolicy(warn_at=…)"
    elif not (0 < policy.warn_at <= policy.stop_at <= 1 and policy.volume >= 1 and policy.least >= 1):
        yield 'NOTIFICATIONS["COMPLAINTS"]', "needs 0 < warn_at ≤ stop_at ≤ 1, volume ≥ 1 and least ≥ 1"
