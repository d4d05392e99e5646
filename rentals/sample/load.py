"""Fill the database with a sample business by COPY: in, a Plan; out, how many rows went into each table.

Bookings go first and customers last, because a customer's worth is the sum of their bookings. A chunk of bookings
is in memory at a time.
"""

from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from itertools import chain, islice

from django.apps import apps
from django.db import transaction

from rentals.models.record import Record
from rentals.sample import booking_rows, customers, fleet
from rentals.sample.booking_rows import Sale
from rentals.sample.bulk import copy_rows, copy_text, empty, settle, without_checks
from rentals.sample.due import due_sales
from rentals.sample.ordinary import ordinary_sales
from rentals.sample.plan import Plan

CHUNK = 10_000


def load(plan: Plan, *, replace: bool, advance: Callable[[int], object]) -> Mapping[str, int]:
    """Rows by table, written in one transaction; `replace` empties the tables first.

    `advance` is told the size of every chunk of bookings that is written.
    """
    homes, kinds = customers.cities(plan), fleet.models(plan)
    writer = booking_rows.Writer(plan, homes=homes, kinds=kinds)
    sales = chain(ordinary_sales(plan, writer, homes=homes), due_sales(plan, homes=homes))
    counts = Counter(bookings=0, logistics_tasks=0, payments=0)
    with transaction.atomic():
        settle()
        if replace:
            empty(tables())
        with without_checks(tables()):
            for chunk in _load_bookings(writer, sales):
                counts.update(chunk)
                advance(chunk["bookings"])
            machines = fleet.equipment_rows(plan, kinds=kinds, is_out=writer.is_out)
            people = customers.customer_rows(plan, homes=homes, spent=writer.spent)
            for table, columns, rows in (
                ("equipment", fleet.COLUMNS, machines),
                ("customers", customers.COLUMNS, people),
                ("customer_tags", customers.TAG_COLUMNS, customers.tag_rows(plan)),
                ("customer_tag_members", customers.MEMBER_COLUMNS, customers.member_rows(plan)),
            ):
                counts[table] = copy_rows(table, columns, rows)
    return counts


def _load_bookings(writer: booking_rows.Writer, sales: Iterator[Sale]) -> Iterator[dict[str, int]]:
    """Writes a chunk of bookings with what belongs to them; answers the rows by table, chunk by chunk."""
    tasks: list[booking_rows.Row] = []
    payments: list[booking_rows.Row] = []

    def bookings() -> Iterator[booking_rows.Row]:
        # Made while PostgreSQL reads those before: two cores work.
        for sale in islice(sales, CHUNK):
            rows = writer.write(sale)
            tasks.extend(rows.tasks)
            payments.extend(rows.payments)
            yield rows.booking

    while written := copy_text("bookings", booking_rows.COLUMNS, bookings()):
        yield {
            "bookings": written,
            "logistics_tasks": copy_text("logistics_tasks", booking_rows.TASK_COLUMNS, tasks),
            "payments": copy_text("payments", booking_rows.PAYMENT_COLUMNS, payments),
        }
        tasks.clear()
        payments.clear()


def tables() -> list[str]:
    """Every table of the rental business. What is noted about its views is no business."""
    models = apps.get_app_config("rentals").get_models()
    return [model._meta.db_table for model in models if issubclass(model, Record)]  # noqa: SLF001 (Django's own name)
