"""The pages that an operator uses: in, ids of what a long history holds; out, a name and an address of each.

Some are written down with their filters; whatever else is registered has its list and the page of a row here by itself.

A page is named as Django's addresses are (`admin:jobs_jobrun_changelist`), so that one that does not exist yet is skipped.
"""

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass

from django.contrib import admin
from django.urls import NoReverseMatch, reverse

QUEUE = "admin:notifications_notification_changelist"
MESSAGE = "admin:notifications_notification_change"
# The audit log has no page of an entry; a past message has that of the queue, a channel stands in its list.
NO_PAGE = {
    "admin:config_auditentry_change",
    "admin:notifications_notificationhistory_change",
    "admin:notifications_channelstate_change",
}


@dataclass(frozen=True, slots=True)
class Facts:
    """What stands in addresses; `rows` has a key of each model, by its label."""

    failed: str
    sent: str
    past: str
    rare_template: str
    common_template: str
    version: str
    run: str
    customer: str
    decided: str
    lately: str
    long_ago: str
    rows: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Page:
    """`view` is a name; `given` fills the address, `query` follows it. `find` is typed into the search box first."""

    name: str
    view: str
    given: tuple[str, ...] = ()
    query: str = ""
    find: str = ""

    def path(self) -> str | None:
        """None where this project has no such page."""
        try:
            there = reverse(self.view, args=self.given) if all(self.given) or not self.given else None
        except NoReverseMatch:
            return None
        return f"{there}?{self.query}" if there and self.query else there


def pages(facts: Facts) -> Iterator[Page]:
    chosen = list(_chosen(facts))
    yield from chosen
    yield from _of_each_model(facts, without={page.view for page in chosen} | NO_PAGE)


def _of_each_model(facts: Facts, *, without: Collection[str]) -> Iterator[Page]:
    for model in admin.site._registry:  # noqa: SLF001 (public by its documentation)
        opts = model._meta  # noqa: SLF001 (public by its documentation)
        view = f"admin:{opts.app_label}_{opts.model_name}"
        if f"{view}_changelist" not in without:
            yield Page(f"list: {opts.model_name}", f"{view}_changelist")
        if f"{view}_change" not in without:
            key = facts.rows.get(opts.label_lower, "")
            yield Page(f"row: {opts.model_name}", f"{view}_change", (key,))


def _chosen(facts: Facts) -> Iterator[Page]:
    yield Page("home", "admin:index")
    yield Page("home, live", "home_live")
    for tab in ("", "due", "scheduled", "processing", "sent", "failed", "outcome_unknown", "cancelled"):
        yield Page(f"queue: {tab or 'all'}", QUEUE, query=f"status__exact={tab}" if tab else "")
    filters = {
        "channel": "channel__exact=sms",
        "template": f"template__id__exact={facts.common_template}",
        "template, rare": f"template__id__exact={facts.rare_template}",
        "category": "category__exact=marketing",
        "category, none": "category__exact=security",
        "error class": "error_class=429",
        "error class, none": "error_class=700",
        "withheld by": "withheld=consent.revoked",
        "delivered": "feedback=delivered",
        "bounced": "feedback=bounced",
        "job": "job=booking_reminders",
        "job, none": "job=segment_refresh",
        "run": f"run={facts.run}",
        "customer": f"customer={facts.customer}",
        "last hour": "period=hour",
        "last 7 days": "period=week",
        "longer ago": f"created_at__lt={facts.long_ago}",
        "failed, channel, 7 days": "status__exact=failed&channel__exact=push&period=week",
        "failed, category, none": "status__exact=failed&category__exact=security",
        "last page": "p=50000",
        "oldest first": "o=9",
        "id": f"q={facts.failed}",
        "key": "q=booking_reminders:pickup:777",
        "reference": "q=ref-777",
        "nothing found": "q=nothing-like-it",
    }
    for name, query in filters.items():
        yield Page(f"queue by {name}", QUEUE, query=query)
    yield Page("queue by address", QUEUE, find="nobody@example.com")
    yield Page(
        "queue, live tabs",
        "admin:notifications_notification_tabs",
        query=f"status__exact=failed&shown_at={facts.lately}",
    )
    for name, key in (("failed", facts.failed), ("sent", facts.sent), ("past", facts.past)):
        yield Page(f"message, {name}", MESSAGE, (key,))
    yield Page("message, live", "admin:notifications_notification_live", (facts.failed,))
    kept = "_changelist_filters=status__exact%3Dfailed%26channel__exact%3Dsms"
    yield Page("message, from a list", MESSAGE, (facts.failed,), query=kept)
    yield Page("message, its text", "admin:notifications_notification_body", (facts.sent,))
    yield Page("past messages", "admin:notifications_notificationhistory_changelist")
    yield Page(
        "past messages, failed",
        "admin:notifications_notificationhistory_changelist",
        query="status__exact=failed",
    )
    yield Page(
        "past messages by key", "admin:notifications_notificationhistory_changelist", query="q=past:777"
    )
    yield Page(
        "list: deliveryattempt, failed",
        "admin:notifications_deliveryattempt_changelist",
        query="outcome__exact=permanent",
    )
    yield Page(
        "list: providerevent, bounced",
        "admin:notifications_providerevent_changelist",
        query="event_type__exact=bounced",
    )
    for name in ("deliveryattempt", "providerevent"):
        yield Page(f"list: {name}", f"admin:notifications_{name}_changelist")
    yield Page("channels", "admin:notifications_channelstate_changelist")
    yield Page("channel, live", "admin:notifications_channelstate_live", ("email",))
    act = facts.rows.get("notifications.bulkact", "")
    yield Page("an act, progress", "admin:notifications_bulkact_progress", (act,))
    yield Page("jobs", "admin:jobs_jobrun_changelist")
    yield Page("jobs, failed runs", "admin:jobs_jobrun_changelist", query="result=failed")
    yield Page("a job", "admin:jobs_jobrun_job", ("booking_reminders",))
    yield Page("jobs, live", "admin:jobs_jobrun_live")
    yield Page("a job, live", "admin:jobs_jobrun_job_live", ("booking_reminders",))
    yield Page("a run, live", "admin:jobs_jobrun_run_live", (facts.run,))
    yield Page("a run", "admin:jobs_jobrun_change", (facts.run,))
    yield Page("templates", "admin:templates_app_notificationtemplate_changelist")
    yield Page("a template", "admin:templates_app_notificationtemplate_change", (facts.common_template,))
    yield Page("a version", "admin:templates_app_notificationtemplateversion_change", (facts.version,))
    yield Page("consents", "admin:consent_customerconsent_changelist")
    yield Page(
        "consents by customer", "admin:consent_customerconsent_changelist", query=f"q={facts.customer}"
    )
    yield Page("consents, refused", "admin:consent_customerconsent_changelist", query="enabled__exact=0")
    yield Page("ledger", "admin:consent_consentevent_changelist")
    if facts.decided:
        yield Page("a customer's ledger", "admin:consent_consentevent_customer", query=f"id={facts.decided}")
    yield Page(
        "consents, by source", "admin:consent_customerconsent_changelist", query="source__exact=sms_keyword"
    )
    yield Page(
        "ledger, by source", "admin:consent_consentevent_changelist", query="source__exact=sms_keyword"
    )
    yield Page("suppressions", "admin:consent_suppression_changelist")
    yield Page(
        "suppressions, complaints", "admin:consent_suppression_changelist", query="reason__exact=complaint"
    )
    yield Page("audit log", "admin:config_auditentry_changelist")
    yield Page(
        "audit log, refused sign-ins", "admin:config_auditentry_changelist", query="kind=sign-in-refused"
    )
    yield Page("staff", "admin:auth_user_changelist")
    for name in ("metrics", "healthz", "readyz"):
        yield Page(name, name)
    yield Page("API: queue", "api:depth")
    yield Page("API: status of jobs", "api:status")
