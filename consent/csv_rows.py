"""A CSV of decisions: in, the bytes of a file; out, a Change a row, or what is wrong with it, where, and what to write. No database.

UTF-8, with a comma or a semicolon (as spreadsheets in French write it). What `export_consent` writes can be read again.
"""

import csv
import datetime as dt
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from consent.csv_fields import Problem, evidence_of, moment_of, wrong
from consent.ledger import Change
from consent.models import Source

NEEDED = ("customer_id", "channel", "category", "action", "occurred_at")
OPTIONAL_COLUMNS = ("source", "actor", "wording", "wording_locale", "evidence")
# Of an export: they belong to the ledger that it came from, and this one makes its own.
PASSED_OVER = ("event_id", "recorded_at", "place", "prev_hash", "hash")
EXPORTED = (*NEEDED, *OPTIONAL_COLUMNS, *PASSED_OVER)


@dataclass(frozen=True, slots=True)
class Row:
    """A row that is right. `change` None: a request for confirmation, which decides nothing here."""

    line: int
    customer_id: str
    change: Change | None


def read_rows(
    lines: Iterable[bytes], *, now: dt.datetime, proof: Mapping[str, Any]
) -> Iterator[Row | Problem]:
    """Row by row, in constant memory. `proof` goes into the evidence of each. A file that can't be read ends with a Problem."""
    texts = _decoded(lines)
    head = next(texts, "")
    if isinstance(head, Problem):
        yield head
        return
    separator = ";" if head.count(";") > head.count(",") else ","
    names = [name.strip().lower() for name in next(csv.reader([head], delimiter=separator), [])]
    problems = list(_header(names))
    yield from problems
    if problems:
        return
    bad: list[Problem] = []
    reader = csv.reader(_until_bad(texts, bad), delimiter=separator, strict=True)
    try:
        for fields in reader:
            line = reader.line_num + 1
            if not any(field.strip() for field in fields):
                continue
            if len(fields) != len(names):
                text = f"has {len(fields)} fields and the header {len(names)}: put texts with a separator into double quotes."
                yield Problem(line, "", text)
                continue
            row = {
                # What somebody read is kept to the letter.
                name: field if name == "wording" else field.strip()
                for name, field in zip(names, fields, strict=True)
            }
            yield from _row(line, row, now, proof)
    except csv.Error as error:
        yield Problem(reader.line_num + 1, "", f"is no CSV ({error}): check the double quotes around it.")
    yield from bad


def _decoded(lines: Iterable[bytes]) -> Iterator[str | Problem]:
    for number, line in enumerate(lines, start=1):
        try:
            text = line.decode("utf-8-sig" if number == 1 else "utf-8")
        except UnicodeDecodeError:
            yield Problem(number, "", "is not UTF-8: save the file as «CSV UTF-8».")
            return
        if "\x00" in text:
            yield Problem(number, "", "holds a NUL character: this is no text file, or it was damaged.")
            return
        yield text


def _until_bad(texts: Iterator[str | Problem], bad: list[Problem]) -> Iterator[str]:
    for text in texts:
        if isinstance(text, Problem):
            bad.append(text)
            return
        yield text


def _header(names: Sequence[str]) -> Iterator[Problem]:
    for name in NEEDED:
        if name not in names:
            yield Problem(1, name, f"is missing: the header needs {', '.join(NEEDED)}.")
    for name in dict.fromkeys(names):
        if name not in EXPORTED:
            known = ", ".join((*NEEDED, *OPTIONAL_COLUMNS))
            yield Problem(
                1, name or "(blank)", f"is no column that is known: {known}. Rename it or leave it out."
            )
        elif names.count(name) > 1:
            yield Problem(1, name, "stands there twice: leave one out.")


def _row(
    line: int, row: dict[str, str], now: dt.datetime, proof: Mapping[str, Any]
) -> Iterator[Row | Problem]:
    problems = [Problem(line, column, text) for column, text in wrong(row)]
    at, about_at = moment_of(row["occurred_at"], now)
    if about_at:
        problems.append(Problem(line, "occurred_at", about_at))
    evidence = evidence_of(row.get("evidence", ""))
    if evidence is None:
        problems.append(
            Problem(line, "evidence", 'is no JSON object: write {"form": "/signup"}, or nothing.')
        )
    if problems or at is None or evidence is None:
        yield from problems
        return
    if row["action"] == "requested":
        yield Row(line, row["customer_id"], None)
        return
    said = {"source": row["source"]} if row.get("source") else {}
    change = Change(
        customer_id=row["customer_id"],
        channel=row["channel"],
        category=row["category"],
        enabled=row["action"] != "revoked",
        source=Source.IMPORT.value,
        actor=row.get("actor") or "job:import_consent",
        at=at,
        wording=row.get("wording", ""),
        evidence={**evidence, **proof, **said, "line": line},
        locale=row.get("wording_locale") or "und",
        action="confirmed" if row["action"] == "confirmed" else "",
    )
    yield Row(line, row["customer_id"], change)
