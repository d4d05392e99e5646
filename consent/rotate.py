"""Sealed values under the newest key: in, a place; out, how many were sealed anew, and how many no key opens.

Page by page in the order of the primary key, each in a short transaction that passes over rows somebody holds, so that it
waits for no claim and holds none up. What is done is known by its token, so a second run goes on where one was cut off.
"""

from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from django.db import connection, transaction

from consent.field_keys import encryption_keys, key_id
from consent.sealed import NO_KEY, SealError, key_of, seal, unseal
from consent.sealed_places import SealedPlace

# Passes over one place: a row is passed over where a worker holds it, which takes milliseconds.
PASSES = 5


@dataclass(frozen=True, slots=True)
class Rotated:
    """`resealed` values are under the newest key now; `unreadable` ones are as they were."""

    resealed: int = 0
    unreadable: int = 0

    def __add__(self, other: "Rotated") -> "Rotated":
        return Rotated(self.resealed + other.resealed, self.unreadable + other.unreadable)


def count_by_key(place: SealedPlace) -> Counter[str]:
    """How many values each key id opens here; NO_KEY for those that none of ours does. Reads the whole table.

    A named key is believed, as far as FIELD_KEYS has it; a token of an earlier release is tried."""
    known = {key_id(key) for key in encryption_keys()}
    named = f"""
        SELECT left(token, 8), count(*) FROM {_table(place)} AS t, LATERAL {_tokens(place)} AS sealed(token)
        WHERE substr(token, 9, 1) = ':' GROUP BY 1"""  # noqa: S608 (our own names)
    found: Counter[str] = Counter()
    with connection.cursor() as cursor:
        cursor.execute(named, _asked(place))
        for name, count in cursor.fetchall():
            found[name if name in known else NO_KEY] += count
    for token in _bare(place):
        found[key_of(token)] += 1
    return found


def rotate(place: SealedPlace, *, batch: int, advance: Callable[[int], object] = lambda _: None) -> Rotated:
    """Seal anew whatever is not under the newest key."""
    total = Rotated()
    for _ in range(PASSES):
        done = _pass(place, batch, advance)
        total = Rotated(total.resealed + done.resealed, done.unreadable)
        if not done.resealed:
            break
    return total


def _pass(place: SealedPlace, batch: int, advance: Callable[[int], object]) -> Rotated:
    done, after = Rotated(), None
    while True:
        with transaction.atomic(), connection.cursor() as cursor:
            upto = _end_of_page(cursor, place, after, batch)
            page = _page(cursor, place, after, upto)
        done += page
        advance(page.resealed)
        if upto is None:
            return done
        after = upto


def _end_of_page(cursor: Any, place: SealedPlace, after: Any, batch: int) -> Any:
    """The key of the last row of the next page; None when it is the last page."""
    cursor.execute(
        f"SELECT {_key(place)} FROM {_table(place)} AS t WHERE {_range(place, after, None)} "  # noqa: S608
        f"ORDER BY {_key(place)} OFFSET %s LIMIT 1",
        [*_bounds(after, None), batch - 1],
    )
    row = cursor.fetchone()
    return row[0] if row else None


def _page(cursor: Any, place: SealedPlace, after: Any, upto: Any) -> Rotated:
    newest = f"{key_id(encryption_keys()[0])}:"
    cursor.execute(
        f"""
        SELECT {_key(place)}, {_column(place)}::text, ARRAY(SELECT token FROM {_tokens(place)} AS sealed(token))
        FROM {_table(place)} AS t
        WHERE {_range(place, after, upto)}
          AND EXISTS (SELECT 1 FROM {_tokens(place)} AS sealed(token) WHERE NOT starts_with(token, %s))
        ORDER BY {_key(place)} FOR UPDATE OF t SKIP LOCKED""",  # noqa: S608
        [*_asked(place), *_bounds(after, upto), *_asked(place), newest],
    )
    done = Rotated()
    for key, text, tokens in cursor.fetchall():
        anew = text
        for token in tokens:
            if token.startswith(newest):
                continue
            try:
                # No sign of a token is escaped in JSON, so a jsonb column's text is changed like any other.
                anew = anew.replace(token, seal(unseal(token)))
                done += Rotated(resealed=1)
            except SealError:
                done += Rotated(unreadable=1)
        if anew != text:
            kind = "::jsonb" if place.path else ""
            cursor.execute(
                f"UPDATE {_table(place)} AS t SET {_quoted(place.column)} = %s{kind} WHERE {_key(place)} = %s",  # noqa: S608
                [anew, key],
            )
    return done


def _bare(place: SealedPlace) -> Iterator[str]:
    """The tokens without a key id, read in portions."""
    with transaction.atomic(), connection.chunked_cursor() as cursor:
        cursor.execute(
            f"SELECT token FROM {_table(place)} AS t, LATERAL {_tokens(place)} AS sealed(token) "  # noqa: S608
            "WHERE substr(token, 9, 1) <> ':'",
            _asked(place),
        )
        while rows := cursor.fetchmany(2000):
            yield from (row[0] for row in rows)


def _tokens(place: SealedPlace) -> str:
    """A sub-select of this row's tokens."""
    if not place.path:
        return f"(VALUES ({_column(place)}))"
    return f"(SELECT found #>> '{{}}' FROM jsonb_path_query({_column(place)}, %s::jsonpath) AS found)"  # noqa: S608


def _asked(place: SealedPlace) -> list[Any]:
    return [place.path] if place.path else []


def _range(place: SealedPlace, after: Any, upto: Any) -> str:
    parts = [f"{_key(place)} > %s"] * (after is not None) + [f"{_key(place)} <= %s"] * (upto is not None)
    return " AND ".join(parts) or "true"


def _bounds(after: Any, upto: Any) -> list[Any]:
    return [bound for bound in (after, upto) if bound is not None]


def _table(place: SealedPlace) -> str:
    return _quoted(place.table)


def _key(place: SealedPlace) -> str:
    return f"t.{_quoted(place.key)}"


def _column(place: SealedPlace) -> str:
    return f"t.{_quoted(place.column)}"


def _quoted(name: str) -> str:
    return connection.ops.quote_name(name)
