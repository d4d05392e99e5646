"""Evidence that names nobody: in, what a caller wants kept; out, the same with every e-mail address and phone number masked.

The ledger outlives the customer's record, so it may hold ids only. Masked rather than refused: a withdrawal must not fail on it.
"""

import re
from collections.abc import Mapping
from typing import Any

from consent.addresses import DOTS

_ADDRESS = re.compile(
    r"""[^\s@<>"'(),;:]+@[^\s@<>"'(),;:]+\.\w{2,}     # an e-mail address
    | \+\d(?:[\s().-]?\d){7,14}(?!\d)                  # a number with its country
    | (?<![\d.])\(?\d{3}\)?[\s.-]\d{3}[\s.-]\d{4}(?![\d.])   # as North America writes it""",
    re.VERBOSE,
)


def without_addresses(evidence: Mapping[str, Any]) -> dict[str, Any]:
    """Keys and values, however deep."""
    return {_masked(key): _masked(value) for key, value in evidence.items()}


def _masked(value: Any) -> Any:
    if isinstance(value, str):
        return _ADDRESS.sub(DOTS, value)
    if isinstance(value, Mapping):
        return without_addresses(value)
    if isinstance(value, list | tuple):
        return [_masked(item) for item in value]
    return value
