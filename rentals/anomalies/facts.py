"""What a message says of incidents of one rule: in, the first of them and how many; out, facts for a template. Pure.

Codes and numbers only: each language words them (`layout/incident`).
"""

import datetime as dt
from collections.abc import Collection, Mapping
from typing import Any

MINUTE = dt.timedelta(minutes=1)


def facts(
    rule: str, evidence: Mapping[str, Any], *, incidents: int, rules: Collection[str]
) -> dict[str, Any]:
    """A flag for each rule, and the numbers of this one. What the rule does not count is left out."""
    return {
        **{name: name == rule for name in rules},
        **({"incidents": incidents} if incidents > 1 else {}),
        **_numbers(rule, evidence),
    }


def _numbers(rule: str, evidence: Mapping[str, Any]) -> dict[str, Any]:
    if rule.startswith("failed_logins"):
        told = {"count": _written(evidence["count"]), "minutes": _minutes(evidence)}
        return {**told, "network": evidence["network"]} if "network" in evidence else told
    if rule == "privilege_change_after_hours" and evidence["count"] > 1:
        return {"changes": evidence["count"]}
    if rule == "session_in_two_networks":
        return {"networks": evidence["network_count"]}
    if rule == "bulk_export":
        usual = evidence["usual"]
        rows = {"rows": _written(evidence["rows"])}
        return rows if usual is None else {**rows, "usual": _written(usual)}
    return {}


def _minutes(evidence: Mapping[str, Any]) -> int:
    first, last = (dt.datetime.fromisoformat(evidence[key]) for key in ("first_at", "last_at"))
    return max(1, -(-(last - first) // MINUTE))


def _written(number: int) -> str:
    """Readable in both languages: 12 345, kept on one line."""
    return f"{number:,}".replace(",", "\N{NO-BREAK SPACE}")
