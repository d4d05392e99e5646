"""Consent from a file: in, a CSV; out, how many of its decisions were news. All rows are checked first; then all are written, or none.

Memory does not grow with the file. Twice the same file is no news the second time (`ledger.fold`).
"""

import datetime as dt
import hashlib
from collections.abc import Callable, Iterator
from contextlib import nullcontext
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

from django.db import transaction

from consent.csv_fields import Problem
from consent.csv_rows import Row, read_rows
from consent.directory import directory
from consent.ledger import Change
from consent.preferences import BATCH, record_many
from consent.write import lock_everybody

# So many problems are told; more are counted.
TOLD = 100
PAGE = 1_000


class ImportRefusedError(Exception):
    """Nothing was written, unless `began`: in steps, and the file changed meanwhile. `problems` are the first TOLD of `count`."""

    def __init__(self, problems: list[Problem], count: int) -> None:
        super().__init__(f"{count} problems.")
        self.problems, self.count, self.began = problems, count, False


@dataclass(frozen=True, slots=True)
class Imported:
    """What the file brought. `known` stood already or was in the ledger, `requests` decide nothing and were passed over."""

    rows: int
    news: int
    known: int
    requests: int
    file_sha256: str


def import_csv(
    path: Path,
    *,
    now: dt.datetime,
    dry_run: bool = False,
    in_steps: bool = False,
    any_customer: bool = False,
    advance: Callable[[int], object] = lambda _: None,
) -> Imported:
    """Raises ImportRefusedError with line and column where anything is wrong, and OSError for a file that can't be read.

    `in_steps` commits every 2,000 rows, so that no customer's own decision waits for the whole file; what breaks off is done
    by doing it again. `any_customer`: ids that the directory doesn't know are taken, too. `advance` is told the bytes read, twice over.
    """
    checked = hashlib.sha256()
    rows, requests = _check(_lines(path, checked, advance), now=now, any_customer=any_customer)
    try:
        news = _write(
            path, checked, now=now, advance=advance, dry_run=dry_run, in_steps=in_steps, is_big=rows > BATCH
        )
    except ImportRefusedError as refused:
        refused.began = in_steps and not dry_run
        raise
    return Imported(rows, news, rows - requests - news, requests, checked.hexdigest())


def _write(
    path: Path,
    checked: "hashlib._Hash",
    *,
    now: dt.datetime,
    advance: Callable[[int], object],
    dry_run: bool,
    in_steps: bool,
    is_big: bool,
) -> int:
    """Answers how many decisions were news. `is_big`: it takes several batches."""
    written, proof = hashlib.sha256(), {"file_sha256": checked.hexdigest()}
    is_whole = dry_run or not in_steps
    with transaction.atomic() if is_whole else nullcontext():
        if is_whole and is_big:
            lock_everybody()
        news = record_many(_changes(read_rows(_lines(path, written, advance), now=now, proof=proof)))
        if written.digest() != checked.digest():
            raise ImportRefusedError([Problem(1, "", "The file changed while it was read: do it again.")], 1)
        if dry_run:
            transaction.set_rollback(True)
    return news


def _check(lines: Iterator[bytes], *, now: dt.datetime, any_customer: bool) -> tuple[int, int]:
    """Every row, before the first is written. Answers how many there are, and how many of them are requests."""
    problems: list[Problem] = []
    rows = requests = count = 0
    found = read_rows(lines, now=now, proof={})
    while page := list(islice(found, PAGE)):
        good = [row for row in page if isinstance(row, Row)]
        wrong = [problem for problem in page if isinstance(problem, Problem)]
        if not any_customer:
            wrong += _unknown(good)
        rows, requests, count = (
            rows + len(good),
            requests + sum(not r.change for r in good),
            count + len(wrong),
        )
        problems += sorted(wrong, key=lambda problem: problem.line)[: TOLD - len(problems)]
    if count:
        raise ImportRefusedError(problems, count)
    return rows, requests


def _unknown(rows: list[Row]) -> list[Problem]:
    known = directory().customers({row.customer_id for row in rows}) if rows else {}
    text = "No customer has this id: correct it, leave the row out, or import with --any-customer."
    return [Problem(row.line, "customer_id", text) for row in rows if row.customer_id not in known]


def _changes(found: Iterator[Row | Problem]) -> Iterator[Change]:
    for row in found:
        if isinstance(row, Problem):  # the file changed in between
            raise ImportRefusedError([row], 1)
        if row.change is not None:
            yield row.change


def _lines(path: Path, digest: "hashlib._Hash", advance: Callable[[int], object]) -> Iterator[bytes]:
    with path.open("rb") as file:
        for line in file:
            digest.update(line)
            advance(len(line))
            yield line
