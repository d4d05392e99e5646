"""`manage.py rebuild_consent`: the current state of consent from the ledger, and whether the ledger still is what was written."""

import json
import sys
from collections.abc import Iterable
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from tqdm import tqdm

from consent.chain import PAGE, Fault, altered_wordings, customers, is_hidden
from consent.models import ConsentChain, CustomerConsent
from consent.rebuild import Drift, look, rebuild

SHOWN = 10


class Command(BaseCommand):
    help = (
        "Make customer_consent what the ledger (consent_events) says, customer by customer under their locks. Before that each "
        "chain of hashes is verified: a customer whose chain is broken is named and left alone. Commits every "
        f"{PAGE:,} customers, so it may be stopped and begun again at any time."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--check", action="store_true", help="change nothing; fail if anything is wrong")
        which = parser.add_mutually_exclusive_group()
        which.add_argument("--customer", metavar="ID", help="only this customer")
        which.add_argument(
            "--after", metavar="ID", default="", help="go on after this customer, in the order of ids"
        )
        parser.add_argument("--json", action="store_true", help="print the result as JSON")

    def handle(self, *_args: Any, **options: Any) -> None:
        one, is_check = options["customer"], options["check"]
        if one is not None:
            _known(one)
        pages: Iterable[list[str]] = [[one]] if one is not None else customers(after=options["after"])
        step = look if is_check else rebuild
        count, faults, drifts, last = 0, list[Fault](), list[Drift](), ""
        is_silent = options["verbosity"] == 0 or not sys.stderr.isatty()
        total = 1 if one is not None else ConsentChain.objects.filter(pk__gt=options["after"]).count()
        with tqdm(total=total, unit=" customers", unit_scale=True, disable=is_silent, file=sys.stderr) as bar:
            try:
                for page in pages:
                    found = step(page)
                    faults += found.faults
                    drifts += found.drifts
                    count, last = count + len(page), page[-1]
                    bar.update(len(page))
            except KeyboardInterrupt:
                raise CommandError(f"Stopped. Go on with --after {last!r}.") from None
        wordings = altered_wordings()
        if not count and is_hidden():
            # «No fault in what I cannot see» must not read like «no fault».
            raise CommandError(
                "This login sees no row of the ledger: use one of postroom_service (docs/row-level-security.md)."
            )
        if options["json"]:
            self.stdout.write(json.dumps(_answer(count, is_check, faults, drifts, wordings), indent=2))
        else:
            self._tell(count, is_check, faults, drifts, wordings)
        if faults or wordings or (is_check and drifts):
            raise CommandError(_what_now(is_broken=bool(faults or wordings)))

    def _tell(
        self, count: int, is_check: bool, faults: list[Fault], drifts: list[Drift], wordings: list[str]
    ) -> None:
        verb = "drifted" if is_check else "mended"
        self.stdout.write(
            f"{count:,} customers, {len(drifts):,} states {verb}, {len(faults):,} chains broken."
        )
        lines = [f"customer {fault.customer_id}: {fault}" for fault in faults[:SHOWN]]
        lines += [f"wording {sha256}: its text is not what its key says" for sha256 in wordings]
        for line in [*lines, *map(str, drifts[:SHOWN])]:
            self.stdout.write(f"  {line}")
        if len(faults) > SHOWN or len(drifts) > SHOWN:
            self.stdout.write("  … and more; --json has them all.")


def _known(customer_id: str) -> None:
    if ConsentChain.objects.filter(pk=customer_id).exists():
        return
    if not CustomerConsent.objects.filter(customer_id=customer_id).exists():
        raise CommandError(f"Nothing is on record for customer {customer_id!r}: check the id.")


def _what_now(*, is_broken: bool) -> str:
    if is_broken:
        return (
            "The ledger is not what was written. Nothing of these customers was changed: compare with a backup or with their "
            "receipts, and find out who could switch the triggers off (docs/runbooks/broken-consent-chain.md)."
        )
    return "The state is not what the ledger says. Mend it with: manage.py rebuild_consent"


def _answer(
    count: int, is_check: bool, faults: list[Fault], drifts: list[Drift], wordings: list[str]
) -> dict[str, Any]:
    return {
        "customers": count,
        "checked_only": is_check,
        "broken_chains": [
            {
                "customer": fault.customer_id,
                "place": fault.place,
                "event": str(fault.event_id) if fault.event_id else None,
                "kind": fault.kind,
            }
            for fault in faults
        ],
        "altered_wordings": wordings,
        "drifted": [
            {"customer": d.customer_id, "channel": d.channel, "category": d.category, "kind": d.kind}
            for d in drifts
        ],
    }
