"""How fast a worker sends the same message to many: in, customers; out, a real drain beside a bare loop over Anymail.

Each recipient has a consent check, a personalised text, an unsubscribe link, an attempt and an outcome of their own; the
limit sends as large an e-mail to each, rendered before, and keeps no record.
"""

from collections.abc import Iterator, Mapping, Sequence
from functools import partial

from django.utils import timezone

from benchmarks.cost import alternate
from benchmarks.drain import WARM, send
from benchmarks.figures import Figure, Run, Target, alone, rates
from benchmarks.seed import CHANNEL, fill_queue, requests
from benchmarks.stage import Step, providers
from consent.ledger import Change
from consent.models import Category, Source
from consent.preferences import record_many
from rentals.models import Customer
from sandbox.testing import SandboxServer
from templates_app.drafts import save_draft
from templates_app.models import NotificationTemplate
from templates_app.placeholders import Placeholder
from templates_app.publish import publish

GROUP = "promotion"
RUNS = 0, 2
TEMPLATE = "benchmark.promotion"
PAYLOAD: Mapping[str, str] = {
    "offer": "15 % off every excavator",
    "code": "SPRING15",
    "until": "2026-12-18",
    "offer_url": "https://rental.example/offers/spring?code=SPRING15&from=mail",
}
_TYPES = {"until": "date", "offer_url": "url"}
_TEXT = """Hello{{#recipient.first_name}} {{recipient.first_name}}{{/recipient.first_name}},

{{offer}} until {{until}}: order online with the code {{code}}, or call us.

Book early: our compact machines are gone first. Delivery within 50 km of our yard is free for rentals of a week
or longer, and the operator's introduction is always included.

{{offer_url}}
"""
_LINE = 'style="margin: 0 0 16px; font-size: 16px; line-height: 26px; color: #20282e"'
_HTML = f"""<h1>{{{{offer}}}}</h1>
<p {_LINE}>Hello{{{{#recipient.first_name}}}} {{{{recipient.first_name}}}}{{{{/recipient.first_name}}}},</p>
<p {_LINE}>Until {{{{until}}}}: order online with the code <strong>{{{{code}}}}</strong>, or call us.</p>
<p {_LINE}>Book early: our compact machines are gone first. Delivery within 50 km of our yard is free for rentals of a
week or longer, and the operator's introduction is always included.</p>
<p {_LINE}>Whatever you plan to dig, lift or level this spring: we have the machine for it, serviced and fuelled, with the
attachments that you need, and we tell you beforehand what it costs.</p>
<p {_LINE}>Not sure which one? Send us a picture of the site, and we call you back the same day.</p>
<p {_LINE}><a href="{{{{offer_url}}}}">See all machines in this offer</a></p>
<p {_LINE}>Our yard is open from 7:00 to 17:00 on working days, and from 8:00 to noon on Saturdays.</p>
"""
# The limit's rate shows in fewer messages.
_LESS = 5


def measure(customers: Sequence[str], *, times: int, step: Step) -> Iterator[Figure]:
    """An offer to each customer, `WARM` of them uncounted."""
    _publish()
    _agree(customers)
    name = "the same message to many, one worker, 0 ms provider"
    with providers(keep=0) as server:
        ours, bare = partial(_drain, server, customers), partial(_bare, server, customers)
        pairs = alternate(ours, bare, name=name, times=times, step=step)
    limit_name = "bare loop over Anymail, one connection"
    target = Target(least=10)
    yield from rates(pairs, Run.rate_by_cpu, group=GROUP, name=name, limit_name=limit_name, cpu_target=target)
    costs = [run.cpu_seconds / run.count * 1e3 for run, _ in pairs]
    yield alone(costs, " ms", group=GROUP, name="CPU time of the worker, a recipient")
    if all(run.database_cpu_seconds is not None for run, _ in pairs):
        shares = [(run.database_cpu_seconds or 0.0) / run.count * 1e3 for run, _ in pairs]
        yield alone(shares, " ms", group=GROUP, name="CPU time of PostgreSQL, a recipient")
    if all(run.peak_bytes is not None for run, _ in pairs):
        peaks = [(run.peak_bytes or 0) / 1e6 for run, _ in pairs]
        yield alone(peaks, " MB", group=GROUP, name="memory of the worker at most", target=Target(most=150))


def _drain(server: SandboxServer, customers: Sequence[str]) -> Run:
    queued = len(fill_queue(requests(customers, template=TEMPLATE, payload=PAYLOAD)).queued)
    server.reset()
    return send(server, "worker", queued)


def _bare(server: SandboxServer, customers: Sequence[str]) -> Run:
    server.reset()
    known = Customer.objects.filter(pk__in=customers).exclude(email="").count()
    return send(server, "bare", max(known // _LESS, min(known, 2 * WARM)), template=TEMPLATE)


def _agree(customers: Sequence[str]) -> None:
    """Everybody asked for offers."""
    record_many(
        Change(
            customer_id=customer,
            channel=CHANNEL,
            category=Category.MARKETING.value,
            enabled=True,
            source=Source.WEB_FORM.value,
            actor="customer",
            at=timezone.now(),
            wording="Send me offers.",
            evidence={"sample": True},
        )
        for customer in customers
    )


def _publish() -> None:
    template = NotificationTemplate.objects.create(name=TEMPLATE, category=Category.MARKETING.value)
    subject = "{{offer}}{{#recipient.first_name}}, {{recipient.first_name}}{{/recipient.first_name}}"
    words = {"subject": subject, "text": _TEXT, "html": _HTML}
    placeholders = [
        Placeholder(name=name, type=_TYPES.get(name, "text"), sample=sample)
        for name, sample in PAYLOAD.items()
    ]
    publish(save_draft(template=template, source={"en": {CHANNEL: words}}, placeholders=placeholders))
