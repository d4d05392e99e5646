"""The four providers together. A request for one of them comes in, its answer goes out, what it accepted is
recorded and reported on. Between a provider's own answer and the wire stands what that provider was told to
do."""

import asyncio
import time
from dataclasses import dataclass, replace
from typing import Protocol

from sandbox import keys
from sandbox.behaviour import PROVIDERS, Behaviour, Verdict
from sandbox.callbacks import Callbacks
from sandbox.sendgrid.api import SendGrid
from sandbox.server import Request, Response
from sandbox.store import Received, Store
from sandbox.stripe.api import Stripe
from sandbox.twilio.api import Twilio
from sandbox.twilio.keywords import texts_of
from sandbox.twilio.sms import Sms
from sandbox.webhooks import Outcome as Posted
from sandbox.webpush.api import WebPush


class Provider(Protocol):
    """What every provider module offers."""

    name: str

    def answer(self, request: Request, now: float) -> tuple[Response, list[Received]]: ...
    def fault(self, status: int, retry_after: float | None, now: float) -> Response: ...


@dataclass(frozen=True, slots=True)
class Options:
    """What the command line decides."""

    seed: str = keys.DEFAULT_SEED
    keep: int = 2_000
    track: int = 2_000_000
    webhook_url: str | None = None
    status_callbacks: bool = False
    inbound_url: str | None = None


class Sandbox:
    """All providers, what they received, and how they were told to behave."""

    def __init__(self, options: Options) -> None:
        self.options = options
        self.base_url = ""  # known once the server listens
        self.store = Store(keep=options.keep, track=options.track, providers=PROVIDERS)
        self.behaviour = Behaviour()
        self.callbacks = Callbacks(
            seed=options.seed,
            webhook_url=options.webhook_url,
            status_callbacks=options.status_callbacks,
            text_back=self._text_back,
        )
        self._answers: set[asyncio.Task[object]] = set()  # the loop holds tasks weakly
        self.sendgrid = SendGrid(seed=options.seed, store=self.store)
        self.twilio = Twilio(seed=options.seed, store=self.store)
        self.webpush = WebPush(seed=options.seed, store=self.store)
        self.stripe = Stripe(seed=options.seed)
        self._providers: tuple[tuple[str, Provider], ...] = (
            ("/sendgrid/", self.sendgrid),
            ("/twilio/", self.twilio),
            ("/push/", self.webpush),
            ("/stripe/", self.stripe),
        )

    def provider_at(self, path: str) -> Provider | None:
        """The provider to whom a path belongs."""
        for prefix, provider in self._providers:
            if path.startswith(prefix):
                return provider
        return None

    def ask(self, provider: Provider, request: Request) -> Response:
        """Answer one request in the provider's name."""
        now = time.time()
        tally = self.store.tallies[provider.name]
        tally.requests += 1
        verdict = self.behaviour.decide(provider.name, request)
        if verdict is None:
            response = self._accept(provider, request, now)
        else:
            response = self._obey(verdict, provider, request, now)
        if response.hang_up:
            tally.hung_up += 1
        else:
            tally.answers[response.status] += 1
        return response

    async def hear(
        self, sender: str, body: str, *, to: str, url: str, is_advanced: bool = False, is_handled: bool = True
    ) -> tuple[Received, str | None, Posted]:
        """A customer texts us: kept, obeyed where it is a keyword, and posted to `url`. Answers the message, what the
        keyword meant, and what the receiver said. Where Twilio does not answer by itself, the receiver's TwiML does.

        With Advanced Opt-Out the meaning is posted along; not handled is an account without Twilio's opt-out handling.
        """
        sms = Sms(self.twilio.account, sender, None, to, body, status_callback=None, is_inbound=True)
        message = self.twilio.record(sms, len(body), time.time())
        meaning, reply = self.twilio.note_inbound(sender, body) if is_handled else (None, "")
        posted = await self.callbacks.deliver_inbound(message, url, meaning if is_advanced else None)
        message.events.append("answered" if posted.is_accepted else "refused")
        is_out = sender in self.twilio.opted_out
        for text in [reply] if reply else [] if is_out or not posted.is_accepted else texts_of(posted.body):
            back = Sms(self.twilio.account, to, None, sender, text, status_callback=None, is_answer=True)
            self.twilio.record(back, len(text), time.time())
        return message, meaning, posted

    def reset(self) -> None:
        """Everything as it was at the start."""
        self.store.reset()
        self.behaviour.clear()
        self.callbacks.reset()
        self.twilio.opted_out.clear()
        self.webpush.gone.clear()
        self.stripe.ledger = type(self.stripe.ledger)()

    def _obey(self, verdict: Verdict, provider: Provider, request: Request, now: float) -> Response:
        is_fault = verdict.hang_up or verdict.status is not None
        if is_fault and not verdict.accept_first:
            response = Response(500)
        else:
            response = self._accept(provider, request, now)
        if verdict.status is not None and verdict.code is not None:
            response = self.twilio.refusal(verdict.status, verdict.code, verdict.retry_after)
        elif verdict.status is not None:
            response = provider.fault(verdict.status, verdict.retry_after, now)
        return replace(
            response, headers=response.headers + verdict.headers, delay=verdict.delay, hang_up=verdict.hang_up
        )

    def _text_back(self, message: Received, text: str) -> None:
        """The recipient of a message answers it, where the sandbox knows whither."""
        url = self.options.inbound_url
        if url is not None and isinstance(message.content, Sms):
            answer = self.hear(
                message.content.to, text, to=message.content.sender or keys.TWILIO_FROM, url=url
            )
            self._answers.add(task := asyncio.ensure_future(answer))
            task.add_done_callback(self._answers.discard)

    def _accept(self, provider: Provider, request: Request, now: float) -> Response:
        response, accepted = provider.answer(request, now)
        for message in accepted:
            self.callbacks.follow(message)
        return response
