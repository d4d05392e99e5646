"""The tables of consent: the current state, the ledger behind it, dead addresses, links.

Only `consent/preferences.py`, `consent/suppress.py` and `consent/tokens.py` write here; everyone else asks `consent/gate.py`.
"""

from consent.models.ledger import GRANTS, ConsentChain, ConsentEvent, ConsentWording, CustomerConsent
from consent.models.suppression import Suppression
from consent.models.token import ConfirmRequest, UnsubscribeToken
from consent.models.words import Category, Channel, Scope, Source

__all__ = [
    "GRANTS",
    "Category",
    "Channel",
    "ConfirmRequest",
    "ConsentChain",
    "ConsentEvent",
    "ConsentWording",
    "CustomerConsent",
    "Scope",
    "Source",
    "Suppression",
    "UnsubscribeToken",
]
