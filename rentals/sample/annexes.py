"""What hangs on bookings: in, Sales; out, rows by table, of instalments, insurance, contracts, support and utilization."""

from collections.abc import Iterable, Iterator, Sequence
from typing import Protocol

from rentals.sample import booking_rows, contracts, instalments, insurance, support, utilization
from rentals.sample.booking_rows import Sale, Writer
from rentals.sample.bulk import copy_text
from rentals.sample.days import Days
from rentals.sample.payouts import Till
from rentals.sample.plan import Plan
from rentals.sample.rows import Row

COLUMNS = {
    "logistics_tasks": booking_rows.TASK_COLUMNS,
    **instalments.TABLES,
    **insurance.TABLES,
    **contracts.TABLES,
    **support.TABLES,
    **utilization.TABLES,
}


class Annex(Protocol):
    def rows(self, sale: Sale) -> Iterator[tuple[str, Row]]: ...


class Annexes:
    """Collects the rows of a chunk of bookings, until `copy` writes them."""

    def __init__(
        self,
        plan: Plan,
        *,
        days: Days,
        till: Till,
        writer: Writer,
        homes: Sequence[int],
        kinds: Sequence[int],
        staff: Sequence[int],
    ) -> None:
        terms = instalments.Instalments(plan, days=days, till=till, writer=writer, homes=homes)
        tickets = support.Support(plan, days=days, staff=staff)
        self.agree = terms.agree
        self._open_tickets = tickets.open_now
        self._parts: tuple[Annex, ...] = (
            terms,
            insurance.Insurance(plan, days=days, homes=homes),
            contracts.Contracts(plan, days=days),
            tickets,
            utilization.Utilization(plan, days=days, kinds=kinds),
        )
        self._rows: dict[str, list[Row]] = {table: [] for table in COLUMNS}

    def collect(self, sale: Sale) -> None:
        for part in self._parts:
            self._add(part.rows(sale))

    def collect_open_tickets(self) -> None:
        """Those that hang on no booking."""
        self._add(self._open_tickets())

    def collect_rows(self, table: str, rows: Iterable[Row]) -> None:
        self._rows[table].extend(rows)

    def copy(self) -> dict[str, int]:
        """Rows written by table; nothing is left."""
        written = {
            table: copy_text(table, COLUMNS[table], rows) for table, rows in self._rows.items() if rows
        }
        for rows in self._rows.values():
            rows.clear()
        return written

    def _add(self, rows: Iterable[tuple[str, Row]]) -> None:
        for table, row in rows:
            self._rows[table].append(row)
