"""What the control API does. Parameters of a JSON body come in, the sandbox changes or a webhook is sent, the
result goes out."""

import time
from typing import Any
from urllib.parse import urlsplit

from sandbox import keys, push_keys
from sandbox.behaviour import PROVIDERS, read_rule
from sandbox.providers import Sandbox
from sandbox.stripe import ledger, objects
from sandbox.twilio.api import E164
from sandbox.webhooks import check_url

Json = dict[str, Any]
MOST_GENERATED = 1_000_000


def reset(sandbox: Sandbox, _: Json) -> object:
    """Forget everything: messages, counts, rules, webhook scripts, opt-outs, dead subscriptions, Stripe's
    data."""
    sandbox.reset()
    return {"ok": True}


def add_rule(sandbox: Sandbox, parameters: Json) -> object:
    """Tell a provider how to behave; see `sandbox.behaviour.Rule` for the fields."""
    rule = read_rule(parameters)
    sandbox.behaviour.add(rule)
    return rule.as_json()


def clear_rules(sandbox: Sandbox, parameters: Json) -> object:
    """Let one provider, or all, behave well again."""
    provider = parameters.get("provider")
    if provider is not None and provider not in PROVIDERS:
        raise ValueError(f"provider must be one of {', '.join(PROVIDERS)}")
    sandbox.behaviour.clear(provider)
    return {"ok": True}


def configure_webhooks(sandbox: Sandbox, parameters: Json) -> object:
    """Change the scripts of sendgrid or twilio; see `sandbox.script.Script` for the fields."""
    for provider, data in parameters.items():
        if not isinstance(data, dict):
            raise ValueError('send {"sendgrid": {…}, "twilio": {…}}')
        sandbox.callbacks.configure(provider, data)
    return {name: script.as_json() for name, script in sandbox.callbacks.scripts.items()}


def report(sandbox: Sandbox, parameters: Json) -> object:
    """Send one webhook event about a received message: `id`, `event`, for Twilio `error_code`, for SendGrid
    `details`."""
    found = sandbox.store.find(_integer(parameters, "id"))
    if found is None:
        raise LookupError("no such message: it was never received, or it is no longer kept (see --keep)")
    details = parameters.get("details") or {}
    if not isinstance(details, dict):
        raise ValueError("details must be an object of event fields")
    error_code = _integer(parameters, "error_code") if parameters.get("error_code") is not None else None
    sandbox.callbacks.report(found, str(parameters.get("event")), error_code, details)
    return {"events": found.events}


async def inbound(sandbox: Sandbox, parameters: Json) -> object:
    """A customer's text message: `from`, `body`, perhaps `to`, `url`, `advanced_opt_out` and `opt_out_handling`;
    answers with what the receiver said."""
    sender, body = str(parameters.get("from", "")), parameters.get("body")
    url = parameters.get("url") or sandbox.options.inbound_url
    if not E164.fullmatch(sender) or not isinstance(body, str):
        raise ValueError("an inbound message needs from (a number like +15065550123) and body")
    if not url:
        raise ValueError("no url; start the sandbox with --inbound-url or name one")
    check_url(url)
    message, meaning, posted = await sandbox.hear(
        sender,
        body,
        to=str(parameters.get("to") or keys.TWILIO_FROM),
        url=url,
        is_advanced=bool(parameters.get("advanced_opt_out")),
        is_handled=parameters.get("opt_out_handling") is not False,
    )
    return {
        "id": message.number,
        "sid": message.reference,
        "keyword": meaning,
        "status": posted.status,
        "body": posted.body,
    }


def end_subscription(sandbox: Sandbox, parameters: Json) -> object:
    """Make the subscription of `endpoint` dead: 410, or 404, or Apple's 403 as `status`; 0 revives it."""
    identifier = urlsplit(str(parameters.get("endpoint", ""))).path.rpartition("/")[2]
    if push_keys.browser(identifier, sandbox.options.seed) is None:
        raise LookupError(
            "endpoint must be that of a subscription made by sandbox.push_keys with the same seed"
        )
    status = _integer(parameters, "status", 410)
    if status not in {0, 403, 404, 410}:
        raise ValueError("status must be 410, 404, 403, or 0 to revive the subscription")
    if status:
        sandbox.webpush.gone[identifier] = status
    else:
        sandbox.webpush.gone.pop(identifier, None)
    return {"gone": len(sandbox.webpush.gone)}


def fill_ledger(sandbox: Sandbox, parameters: Json) -> object:
    """Set Stripe's data: `charges` and `refunds` (paid out daily), raw `payouts` and `balance_transactions`,
    or `generate`.

    `replace` (true) starts afresh, false adds. `generate` has seed, payouts, charges (a payout), currencies
    and until.
    """
    charges, refunds = _list(parameters, "charges"), _list(parameters, "refunds")
    if parameters.get("generate") is not None:
        made, returned = _generate(parameters["generate"])
        charges, refunds = charges + made, refunds + returned
    payouts, transactions = ledger.settle(charges, refunds, delay_days=_integer(parameters, "delay_days", 2))
    raw = [
        ({k: v for k, v in item.items() if k != "payout"}, item.get("payout"))
        for item in _list(parameters, "balance_transactions")
    ]
    book = ledger.Ledger() if parameters.get("replace", True) else sandbox.stripe.ledger
    book.add(
        payouts + [objects.payout_object(item) for item in _list(parameters, "payouts")],
        [*transactions, *((objects.transaction_object(item), payout) for item, payout in raw)],
    )
    sandbox.stripe.ledger = book
    return {"payouts": len(book.payouts), "balance_transactions": len(book.transactions)}


def _generate(options: Json) -> tuple[list[Json], list[Json]]:
    currencies = options.get("currencies", ["cad"])
    if not isinstance(currencies, list) or not all(isinstance(item, str) for item in currencies):
        raise ValueError("currencies must be a list such as ['cad', 'usd']")
    payouts, charges = _integer(options, "payouts", 30), _integer(options, "charges", 20)
    if payouts * charges * len(currencies) > MOST_GENERATED:
        raise ValueError(f"at most {MOST_GENERATED} charges at once")
    until = _integer(options, "until", int(time.time()))
    return ledger.generate(
        seed=_integer(options, "seed", 0),
        payouts=payouts,
        charges=charges,
        currencies=currencies,
        until=until,
    )


def _list(parameters: Json, name: str) -> list[Json]:
    value = parameters.get(name, [])
    if not isinstance(value, list) or not all(isinstance(item, dict) for item in value):
        raise ValueError(f"{name} must be a list of objects")
    return value


def _integer(parameters: Json, name: str, default: int | None = None) -> int:
    value = parameters.get(name, default)
    if not isinstance(value, int) or isinstance(value, bool):
        raise ValueError(f"{name} must be a whole number")
    return value
