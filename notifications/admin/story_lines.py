"""The story as the page shows it: in, its events and its reader; out, lines with links to what each tells of."""

import datetime as dt
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from django.contrib.auth.models import AbstractBaseUser, AnonymousUser
from django.utils.translation import gettext as _

from consent.staff_names import People
from notifications.admin.asker import Named, link
from notifications.models import DeliveryAttempt, ProviderEvent
from notifications.story import StoryEvent
from notifications.story_words import action_word, day, source_word, span
from notifications.why import GateAnswer


@dataclass(frozen=True, slots=True)
class StoryLine:
    """One line. `ago` is how long since, `then` what we did next, `quote` the wording that a customer read."""

    kind: str
    text: str
    at: dt.datetime
    ago: str = ""
    then: str = ""
    links: Sequence[Named] = ()
    quote: str = ""
    quote_locale: str = ""


class StoryLines:
    """Writes lines for one reader. `steps` are what followed each attempt, by its moment."""

    def __init__(
        self,
        *,
        user: AbstractBaseUser | AnonymousUser,
        people: People,
        steps: Mapping[dt.datetime, str],
        now: dt.datetime,
    ) -> None:
        self.has: Callable[[str], bool] = getattr(user, "has_perm", lambda _perm: False)
        self.people, self.steps, self.now = people, steps, now

    def of(self, event: StoryEvent) -> StoryLine:
        about = event.about
        said = about.consent if isinstance(about, GateAnswer) else None
        return StoryLine(
            kind=event.kind,
            text=self.people.named(event.head),
            at=event.at,
            ago=ago(event.at, self.now),
            then=self.steps.get(event.at, "") if isinstance(about, DeliveryAttempt) else "",
            links=list(self._links(about)),
            quote=said.wording if said else "",
            quote_locale=said.wording_locale if said else "",
        )

    def _links(self, about: object) -> Sequence[Named]:
        match about:
            case GateAnswer():
                return self.grounds(about)
            case DeliveryAttempt(pk=int()):
                return self._open(_("Attempt"), "notifications_deliveryattempt", about.pk)
            case ProviderEvent() if about.event_type != ProviderEvent.Type.INBOUND:
                return self._open(_("Report"), "notifications_providerevent", about.pk)
        return []

    def grounds(self, answer: GateAnswer) -> list[Named]:
        """What it rests on, in short."""
        if said := answer.consent:
            values = {"action": action_word(said.action), "on": day(said.occurred_at)}
            text = _("Consent event: %(action)s on %(on)s, %(source)s") % {
                **values,
                "source": source_word(said.source).replace("_", " "),
            }
            return [self._page(text, "consent_consentevent", said.event_id)]
        if dead := answer.suppression:
            text = _("Suppression of %(on)s") % {"on": day(dead.created_at)}
            found = [self._page(text, "consent_suppression", dead.suppression_id)]
            if dead.source_event:
                found += self._open(_("Report"), "notifications_providerevent", dead.source_event)
            return found
        return []

    def _open(self, text: str, model: str, pk: object) -> list[Named]:
        """A mere way there, which says nothing to who may not take it."""
        page = self._page(text, model, pk)
        return [page] if page.url else []

    def _page(self, text: str, model: str, pk: object) -> Named:
        app, _underscore, name = model.partition("_")
        return Named(text, link(f"{model}_change", pk) if self.has(f"{app}.view_{name}") else "")


def ago(at: dt.datetime, now: dt.datetime) -> str:
    """How long since; empty for what is to come."""
    return _("%(span)s ago") % {"span": span(now - at)} if at <= now else ""
