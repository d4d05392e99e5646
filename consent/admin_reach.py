"""How far a filtered list looks: in, the filters of a list; out, the end of the window behind which it does not look.

A filter that no index holds would read the whole table to find its last row, or that there is none. So it looks through the
first REACH rows in the list's own order, of what an index leads to, and the page says how far that was (decision 19).
"""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol, TypeVar, cast

from django.contrib.admin.utils import build_q_object_from_lookup_parameters
from django.contrib.admin.views.main import ChangeList
from django.db.models import Model, QuerySet
from django.http import HttpRequest

Row = TypeVar("Row", bound=Model)
REACH = 20_000

if TYPE_CHECKING:
    _List = ChangeList
else:
    _List = object  # it is mixed in


class Indexed(Protocol):
    """What an admin says of its indexes."""

    finds_by_index: bool

    def leads(self, name: str, value: str) -> bool: ...


@dataclass(frozen=True, slots=True)
class Reach:
    """`column` is read in the order of an index as far as `until`; None: all of it."""

    column: str = ""
    until: Any = None
    ascends: bool = False
    rows: int = 0

    def within(self, rows: QuerySet[Row]) -> QuerySet[Row]:
        if self.until is None:
            return rows
        return rows.filter(**{f"{self.column}__{'lte' if self.ascends else 'gte'}": self.until})


def reached(rows: "QuerySet[Any]", *ordering: str) -> Reach:
    """In one question, that walks REACH entries of the index of this order; its last column says how far."""
    order = ordering[-1]
    column = order.lstrip("-")
    last = rows.order_by(*ordering).values_list(column, flat=True)[REACH : REACH + 1]
    return Reach(column, next(iter(last), None), ascends=order == column, rows=REACH)


class Reaching(_List):
    """Mix in before the admin's own ChangeList."""

    reach = Reach()

    def get_queryset(self, request: HttpRequest, *args: Any, **kwargs: Any) -> QuerySet[Any]:
        rows = super().get_queryset(request, *args, **kwargs)
        self.reach = self.find_reach(request, rows)
        return self.reach.within(rows)

    def find_reach(self, request: HttpRequest, rows: QuerySet[Any]) -> Reach:
        """One index leads, ranges of the list's order narrow it, and whatever else was chosen is looked for in what they hold."""
        admin = cast("Indexed", self.model_admin)
        if self.query and admin.finds_by_index:
            return Reach()
        order = str(self.get_ordering(request, rows)[0])
        base, is_led, is_loose = self.root_queryset, False, bool(self.query)
        by_spec = set()
        for spec in self.filter_specs:
            names = [str(name) for name in spec.expected_parameters() if name in self.params]
            by_spec.update(names)
            if not names:
                continue
            is_range = getattr(spec, "field_path", "") == order.lstrip("-")
            leads = not is_led and all(admin.leads(name, str(self.params[name])) for name in names)
            if is_range or leads:
                found = spec.queryset(request, base)
                base = base if found is None else found
                is_led = is_led or not is_range
            else:
                is_loose = True
        # What stands in the address without a filter of its own.
        for name, values in self.get_filters_params().items():
            if name in by_spec:
                continue
            if not is_led and all(admin.leads(name, str(value)) for value in values):
                base = base.filter(build_q_object_from_lookup_parameters({name: values}))
                is_led = True
            else:
                is_loose = True
        return reached(base, order) if is_loose else Reach()
