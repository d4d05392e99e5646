"""How a message will look where it arrives: in, its parts; out, where a mailbox or a browser cuts them, what an SMS costs.

The widths are what common clients show; they are hints, and nobody is refused for them.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation

from django.conf import settings
from django.utils.translation import gettext as _

from templates_app.segments import Segments, culprits, segments

# (on a phone, on a desktop): Gmail's and Apple Mail's lists.
SUBJECT = (40, 70)
PREHEADER = (90, 140)
# Chrome and Firefox fold a notification to one line of each; opened they show about this much.
PUSH_TITLE, PUSH_BODY = 50, 150


@dataclass(frozen=True, slots=True)
class Hint:
    """What a reader of the preview should know; `is_warning` when something will be cut."""

    text: str
    is_warning: bool = False


@dataclass(frozen=True, slots=True)
class Price:
    """What one segment costs, by the setting SMS_PRICE."""

    amount: Decimal
    currency: str


@dataclass(frozen=True, slots=True)
class SmsCost:
    """How an SMS is billed. `culprits` are the signs that make it UCS-2; `cost` is empty without a price."""

    segments: Segments
    culprits: tuple[str, ...]
    cost: str


def sms_cost(text: str) -> SmsCost:
    cut, price = segments(text), sms_price()
    cost = f"{price.amount * cut.count:f} {price.currency}" if price else ""
    return SmsCost(cut, culprits(text), cost)


def sms_price() -> Price | None:
    """`TEMPLATES_APP["SMS_PRICE"]`, such as “0.0079 CAD”; None without one. Raises ValueError for what is no price."""
    text = getattr(settings, "TEMPLATES_APP", {}).get("SMS_PRICE", "").strip()
    if not text:
        return None
    amount, _space, currency = text.partition(" ")
    try:
        price = Price(Decimal(amount), currency.strip())
    except InvalidOperation as error:
        raise ValueError(text) from error
    if (
        not price.amount.is_finite()
        or price.amount < 0
        or not (price.currency.isalpha() and len(price.currency) == 3)
    ):
        raise ValueError(text)
    return price


def hints(channel: str, parts: Mapping[str, str], preheader: str = "") -> tuple[Hint, ...]:
    """What to know of the lengths of one channel."""
    match channel:
        case "email":
            return (*_cut(_("Subject"), parts.get("subject", ""), SUBJECT), *_preheader(preheader))
        case "push":
            return tuple(_push(parts))
        case _:
            return ()


def _cut(name: str, text: str, widths: tuple[int, int]) -> Iterator[Hint]:
    phone, desktop = widths
    values = {"name": name, "n": len(text), "phone": phone, "desktop": desktop}
    if len(text) > desktop:
        told = _(
            "%(name)s: %(n)s characters; cut after about %(phone)s on a phone and %(desktop)s on a desktop."
        )
        yield Hint(told % values, is_warning=True)
    elif len(text) > phone:
        yield Hint(
            _("%(name)s: %(n)s characters; cut after about %(phone)s on a phone.") % values, is_warning=True
        )
    else:
        yield Hint(_("%(name)s: %(n)s characters; shown whole.") % values)


def _preheader(text: str) -> Iterator[Hint]:
    if not text:
        yield Hint(
            _("No preheader: a mailbox shows the beginning of the text after the subject."), is_warning=True
        )
    else:
        yield from _cut(_("Preheader"), text, PREHEADER)


def _push(parts: Mapping[str, str]) -> Iterator[Hint]:
    for name, part, width in ((_("Title"), "title", PUSH_TITLE), (_("Body"), "body", PUSH_BODY)):
        length = len(parts.get(part, ""))
        values = {"name": name, "n": length, "width": width}
        if length > width:
            told = _("%(name)s: %(n)s characters; most browsers cut it after about %(width)s.")
            yield Hint(told % values, is_warning=True)
        else:
            yield Hint(_("%(name)s: %(n)s characters; shown whole.") % values)
