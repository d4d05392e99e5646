"""Amounts as Stripe writes them: in, a whole number of a currency's smallest unit; out, a Decimal with that currency's places.

The units are Stripe's own, not ISO's: https://docs.stripe.com/currencies (zero-decimal and three-decimal currencies).
"""

from decimal import Decimal

# ISK and UGX have no cents either, but Stripe writes them as if they had.
WITHOUT_CENTS = frozenset({
    "BIF", "CLP", "DJF", "GNF", "JPY", "KMF", "KRW", "MGA", "PYG", "RWF", "VND", "VUV", "XAF", "XOF", "XPF",
})  # fmt: skip
WITH_MILS = frozenset({"BHD", "JOD", "KWD", "OMR", "TND"})


def amount_of(units: int, currency: str) -> Decimal:
    """48520 of CAD is 485.20, of JPY 48520, of KWD 48.520."""
    return Decimal(units).scaleb(-places(currency))


def places(currency: str) -> int:
    """Digits behind the point."""
    code = currency.upper()
    return 0 if code in WITHOUT_CENTS else 3 if code in WITH_MILS else 2
