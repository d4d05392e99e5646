"""Fill the database with a sample business by COPY: in, a Plan; out, how many rows went into each table.

Bookings go first, a chunk in memory at a time, each with all that hangs on it; customers and payouts come after, because
they are sums of what was written.
"""

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import chain, islice

from django.apps import apps
from django.db import transaction

from rentals.models.record import Record
from rentals.sample import booking_rows, customers, fleet
from rentals.sample.annexes import Annexes
from rentals.sample.audit import load_audit_events
from rentals.sample.booking_rows import Sale, Writer
from rentals.sample.bulk import copy_text, empty, settle, without_checks
from rentals.sample.conflicts import with_conflicts
from rentals.sample.days import Days
from rentals.sample.due import due_sales
from rentals.sample.ordinary import ordinary_sales
from rentals.sample.payouts import Till
from rentals.sample.plan import Plan
from rentals.sample.rows import Row
from rentals.sample.standing import load_standing

CHUNK = 10_000


def load(
    plan: Plan, *, replace: bool, advance: Callable[[int], object], staff: Sequence[int] = ()
) -> Mapping[str, int]:
    """Rows by table, written in one transaction; `replace` empties the tables first.

    `advance` is told the size of every chunk of bookings or audit events that is written. `staff` are the keys of users
    who take tickets; without any, nobody does.
    """
    days, homes, kinds = Days(plan), customers.cities(plan), fleet.models(plan)
    till = Till(plan, days)
    writer = Writer(plan, days=days, till=till, homes=homes, kinds=kinds)
    annexes = Annexes(plan, days=days, till=till, writer=writer, homes=homes, kinds=kinds, staff=staff)
    sales = chain(ordinary_sales(plan, days, homes=homes), due_sales(plan, homes=homes))
    agreed = map(annexes.agree, with_conflicts(plan, sales))
    counts = Counter(dict.fromkeys(tables(), 0))
    with transaction.atomic():
        settle()
        if replace:
            empty(tables())
        with without_checks(tables()):
            for chunk in _load_bookings(writer, annexes, agreed):
                counts.update(chunk)
                advance(chunk["bookings"])
            annexes.collect_open_tickets()
            counts.update(annexes.copy())
            counts.update(
                load_standing(
                    plan, days=days, till=till, writer=writer, homes=homes, kinds=kinds, staff=staff
                )
            )
            counts["audit_events"] = load_audit_events(plan, advance=advance)
    return counts


def _load_bookings(writer: Writer, annexes: Annexes, sales: Iterator[Sale]) -> Iterator[dict[str, int]]:
    """Writes a chunk of bookings with what hangs on them; answers the rows by table, chunk by chunk."""

    def bookings() -> Iterator[Row]:
        # Made while PostgreSQL reads those before: two cores work.
        for sale in islice(sales, CHUNK):
            rows = writer.write(sale)
            annexes.collect_rows("logistics_tasks", rows.tasks)
            annexes.collect_rows("payments", rows.payments)
            annexes.collect(sale)
            yield rows.booking

    while written := copy_text("bookings", booking_rows.COLUMNS, bookings()):
        yield {"bookings": written, **annexes.copy()}


def tables() -> list[str]:
    """Every table of the rental business. What is noted about its views is no business."""
    models = apps.get_app_config("rentals").get_models()
    return [model._meta.db_table for model in models if issubclass(model, Record)]  # noqa: SLF001 (Django's own name)
