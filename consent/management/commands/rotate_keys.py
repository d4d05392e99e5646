"""`manage.py rotate_keys`: in, FIELD_KEYS; out, every sealed value under its first entry, or a count by key."""

import json
import sys
from collections import Counter
from collections.abc import Mapping
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from tqdm import tqdm

from consent.field_keys import encryption_keys, index_key_id, key_id
from consent.out_of_reach import HINT, out_of_reach
from consent.rotate import Rotated, count_by_key, rotate
from consent.sealed import NO_KEY
from consent.sealed_places import sealed_places

Counts = Mapping[str, Counter[str]]
MOST = 10_000


class Command(BaseCommand):
    help = (
        "Encrypt everything anew that is sealed under an older entry of FIELD_KEYS, with the first one. Runs beside workers, and "
        "goes on where an earlier run was cut off. --check changes nothing and says which key still opens how many values."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--check", action="store_true", help="only count, by place and key id")
        parser.add_argument(
            "--batch", type=int, default=500, metavar="N", help="rows a transaction looks at (default 500)"
        )
        parser.add_argument("--json", action="store_true", help="print the answer as JSON")

    def handle(self, *_args: Any, **options: Any) -> None:
        if not 0 < options["batch"] <= MOST:
            raise CommandError(f"--batch must be from 1 to {MOST}.")
        if hidden := out_of_reach([place.table for place in sealed_places()], writing=not options["check"]):
            # A key that «may be removed», because its values cannot be seen, would be their end.
            raise CommandError(f"This login cannot get at {', '.join(hidden)}: {HINT}. Nothing was done.")
        before = {place.name: count_by_key(place) for place in sealed_places()}
        done = None if options["check"] else self._rotate(before, options)
        after = before if done is None else {place.name: count_by_key(place) for place in sealed_places()}
        if options["json"]:
            self.stdout.write(json.dumps(_answer(after, done), indent=2))
        else:
            self.stdout.write(_table(after, done))
        unreadable, older = _left(after)
        if unreadable:
            raise CommandError(
                f"{unreadable} values are opened by none of FIELD_KEYS: put the key back that is missing "
                "(docs/runbooks/key-rotation.md)."
            )
        if older and done is not None:
            raise CommandError(
                f"{older} values are still under an older key, held by somebody: run it again."
            )

    def _rotate(self, before: Counts, options: dict[str, Any]) -> dict[str, Rotated]:
        silent = options["verbosity"] == 0 or not sys.stderr.isatty()
        with tqdm(total=sum(_left(before)), unit=" values", disable=silent, file=sys.stderr) as bar:
            return {
                place.name: rotate(place, batch=options["batch"], advance=bar.update)
                for place in sealed_places()
            }


def _left(counts: Counts) -> tuple[int, int]:
    """How many no key opens, and how many an older key opens."""
    newest = key_id(encryption_keys()[0])
    total: Counter[str] = sum(counts.values(), Counter())
    return total[NO_KEY], sum(n for name, n in total.items() if name not in (newest, NO_KEY))


def _answer(counts: Counts, done: Mapping[str, Rotated] | None) -> dict[str, Any]:
    return {
        "keys": [
            {"id": name, "use": use, "values": values, "may_be_removed": free}
            for name, use, values, free in _keys(counts)
        ],
        "places": {
            place: {name or "none of FIELD_KEYS": n for name, n in sorted(found.items())}
            for place, found in counts.items()
        },
        "resealed": {place: result.resealed for place, result in done.items()} if done is not None else None,
    }


def _table(counts: Counts, done: Mapping[str, Rotated] | None) -> str:
    lines = [f"{'place':34}{'key':22}{'values':>12}"]
    for place, found in counts.items():
        for name, count in sorted(found.items()) or [("–", 0)]:
            lines.append(f"{place:34}{name or 'none of FIELD_KEYS':22}{count:12,}")
    if done is not None:
        lines.append(f"{sum(result.resealed for result in done.values()):,} values were encrypted anew.")
    for name, use, values, free in _keys(counts):
        fate = "may be removed" if free else "stays"
        lines.append(f"Key {name} {use}: {values:,} values, {fate}.")
    return "\n".join(lines)


def _keys(counts: Counts) -> list[tuple[str, str, int, bool]]:
    """Each entry of FIELD_KEYS: id, what it is for, how many values it opens, and whether it may be removed."""
    total: Counter[str] = sum(counts.values(), Counter())
    names = list(dict.fromkeys(key_id(key) for key in encryption_keys()))
    uses = []
    for name in names:
        roles = ["encrypts"] * (name == names[0]) + ["makes the blind indexes"] * (name == index_key_id())
        free = not roles and not total[name] and not total[NO_KEY]
        uses.append((name, " and ".join(roles) or "only decrypts", total[name], free))
    return uses
