"""Who may do what: in, nothing; out, the five roles of staff, and for each permission those that hold it.

One table, least privilege: what is not named, nobody holds but a superuser. A new permission that stands here under no model
fails a test; docs/roles.md says the same in words. `role_groups.py` makes it so.
"""

from collections.abc import Iterator, Mapping
from typing import Final

from django.db import models
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _


class Role(models.TextChoices):
    """A role is a Django group of this name. The prefix keeps it apart from groups of yours, to which messages go, too."""

    VIEWER = "Postroom viewer", _("Viewer")
    OPERATOR = "Postroom operator", _("Operator")
    EDITOR = "Postroom template editor", _("Template editor")
    COMPLIANCE = "Postroom compliance", _("Compliance")
    ADMINISTRATOR = "Postroom administrator", _("Administrator")


MAY: Final[Mapping[Role, Promise]] = {
    Role.VIEWER: _(
        "Sees messages, channels, jobs and templates. No text of a message, no customer, no change."
    ),
    Role.OPERATOR: _(
        "Reads the text of messages and the business’s records; replays and cancels messages, pauses channels and jobs, runs jobs."
    ),
    Role.EDITOR: _("Drafts, tests and publishes templates."),
    Role.COMPLIANCE: _(
        "Records consent and suppressions, reveals recipients, exports and erases a customer’s data, reads the audit log."
    ),
    Role.ADMINISTRATOR: _("Everything the others may; staff and their roles, and service tokens."),
}

Roles = frozenset[Role]
NOBODY: Final[Roles] = frozenset()
EVERYBODY: Final[Roles] = frozenset(Role)
ADMIN: Final[Roles] = frozenset({Role.ADMINISTRATOR})
OPERATE: Final[Roles] = ADMIN | {Role.OPERATOR}
WRITE: Final[Roles] = ADMIN | {Role.EDITOR}
ANSWER_FOR: Final[Roles] = ADMIN | {Role.COMPLIANCE}
# Who knows customers by name.
KNOW: Final[Roles] = OPERATE | ANSWER_FOR

# By model, then by add, change, delete, view or a codename. Of the four, what is not named is nobody's: no page asks for it, or
# (as with deleting staff, whose entries in the audit log would go with them) nobody should.
HELD: Final[Mapping[str, Mapping[str, Roles]]] = {
    # ── Messages
    "notifications.notification": {
        "view": EVERYBODY,
        "add": ADMIN,  # by the API: any text to anybody
        "view_notification_body": KNOW,
        "replay_notification": OPERATE,
        "cancel_notification": OPERATE,
        "reschedule_notification": OPERATE,
        "settle_notification": OPERATE,
        "reveal_notification": ANSWER_FOR,
    },
    "notifications.bulkact": {"view": EVERYBODY},  # stop, go on and undo take the right to the act itself
    "notifications.notificationhistory": {"view": EVERYBODY},
    "notifications.deliveryattempt": {"view": EVERYBODY},
    "notifications.providerevent": {"view": EVERYBODY, "change": OPERATE},
    "notifications.channelstate": {"view": EVERYBODY, "change": OPERATE},
    "notifications.inboundtext": {"view": KNOW, "read_inboundtext": KNOW},
    "notifications.inboxitem": {"view": KNOW},
    "notifications.pushsubscription": {"view": KNOW},
    "notifications.datarequest": {
        "view": ANSWER_FOR,
        "export_customer": ANSWER_FOR,
        "erase_customer": ANSWER_FOR,
    },
    "notifications.servicetoken": {"view": ADMIN, "add": ADMIN, "revoke_servicetoken": ADMIN},
    # ── Jobs
    "jobs.jobrun": {"view": EVERYBODY, "run_job": OPERATE},
    "jobs.jobpause": {"pause_job": OPERATE},
    "django_q.schedule": {"view": OPERATE},
    "django_q.failure": {"view": OPERATE},
    # ── Templates: whoever may write may publish. A version is immutable, the one before is one act away.
    "templates_app.notificationtemplate": {"view": EVERYBODY, "add": WRITE, "change": WRITE},
    "templates_app.notificationtemplateversion": {
        "view": EVERYBODY,
        "add": WRITE,
        "change": WRITE,
        "delete": WRITE,  # drafts
        "publish_notificationtemplateversion": WRITE,
        "send_test_notificationtemplateversion": WRITE,
    },
    "templates_app.templatepartial": {"view": EVERYBODY},
    # ── Consent
    "consent.customerconsent": {"view": KNOW, "change": ANSWER_FOR},
    "consent.consentevent": {"view": KNOW},
    "consent.suppression": {"view": KNOW, "add": ANSWER_FOR, "change": ANSWER_FOR},
    # ── The business's records, to read; what an operator has no business with is not theirs
    **{
        f"rentals.{name}": {"view": KNOW}
        for name in (
            "customer", "booking", "equipment", "contract", "contractsigner", "contractreminder", "contractevent",
            "insurancedocument", "insurancereminder", "insuranceactivity", "installmentschedule", "supportticket", "supportsla",
            "customersegmentmember",
        )
    },
    **{
        f"rentals.{name}": {"view": OPERATE}
        for name in (
            "maintenancelog", "maintenancealert", "telematicssnapshot", "equipmentutilization", "promorule",
            "alert", "viewstate", "viewrefreshrequest",
        )
    },
    "rentals.customersegment": {"view": KNOW, "add": ADMIN, "change": ADMIN},
    "rentals.payoutreconciliation": {"view": OPERATE, "change": ADMIN},  # settles a difference of money
    "rentals.auditevent": {"view": ANSWER_FOR},
    "rentals.securityincident": {"view": ANSWER_FOR},
    # ── Access
    "config.auditentry": {"view": ANSWER_FOR, "export_auditentry": ANSWER_FOR},
    "auth.user": {"view": ADMIN, "add": ADMIN, "change": ADMIN},
    "auth.group": {"view": ADMIN, "add": ADMIN, "change": ADMIN, "delete": ADMIN},
    # ── Tables without a page of their own: nobody's
    **{
        name: {}
        for name in (
            "admin.logentry", "auth.permission", "contenttypes.contenttype", "sessions.session",
            "config.requestcount", "config.secondfactor", "config.staffpreference",
            "consent.confirmrequest", "consent.consentchain", "consent.consentwording", "consent.unsubscribetoken",
            "django_q.ormq", "django_q.success", "django_q.task",
            "jobs.jobescalation", "jobs.jobprogress", "jobs.jobrequest", "jobs.knownjob",
            "notifications.apirequest", "notifications.bulkactrow", "notifications.categorystop", "notifications.channelevent",
            "notifications.drainsignal",
            "notifications.drainwatch", "notifications.metriccounter", "notifications.sendingday", "notifications.traffic",
            "notifications.trafficfold",
            "rentals.customertag", "rentals.customertagmember", "rentals.logisticstask", "rentals.payment",
        )
    },
}  # fmt: skip
FOUR: Final = ("add", "change", "delete", "view")


def held_by() -> Iterator[tuple[str, str, Roles]]:
    """Each permission that the table judges: its app, its codename, and the roles that hold it."""
    for label, verbs in HELD.items():
        app, model = label.split(".")
        for verb in FOUR:
            yield app, f"{verb}_{model}", verbs.get(verb, NOBODY)
        yield from ((app, codename, roles) for codename, roles in verbs.items() if codename not in FOUR)
