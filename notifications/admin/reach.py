"""How far the queue looks: in, the tab and the filters; out, the moment before which rows are not looked through.

It looks through the newest REACH rows of the best index there is (consent/admin_reach.py), and the page says from when on; a
search and the narrow filters look at all.
"""

import datetime as dt
from collections.abc import Sequence

from consent import admin_reach
from consent.admin_reach import Reach, reached
from notifications.admin.choosing import LED_BY, Choosing, Cost
from notifications.admin.counting import estimated
from notifications.admin.standings import UNKNOWN, Standing
from notifications.models import Notification

NEWEST = "-created_at"


def order_of(standing: Standing, chosen: Sequence[Choosing]) -> tuple[str, ...]:
    """The order of the index that leads: of an error class or a rule, else of the tab."""
    return (LED_BY, NEWEST) if any(one.cost is Cost.ORDERED for one in chosen) else standing.ordering


def reach_of(standing: Standing, chosen: Sequence[Choosing], *, is_search: bool, now: dt.datetime) -> Reach:
    """At most a question to the planner for each filter, and one that walks REACH entries of an index."""
    costs = {one.cost for one in chosen}
    leads = [one for one in chosen if one.cost is Cost.ORDERED][:1]
    looked_through = [one for one in chosen if one.cost not in (Cost.RANGE, Cost.SINCE) and one not in leads]
    is_aside = bool(leads) and standing.name not in ("", "failed", "cancelled", UNKNOWN)
    if is_search or Cost.NARROW in costs or not (looked_through or is_aside):
        return Reach()
    everything = Notification.objects.order_by()
    if any(
        one.cost is Cost.SIZED and estimated(one.rows(everything, one.chosen)) <= admin_reach.REACH
        for one in looked_through
    ):
        return Reach()
    base = leads[0].rows(everything, leads[0].chosen) if leads else standing.rows(everything, now=now)
    ordering = order_of(standing, chosen)
    # «Since» leaves the newest in, so it moves the end of the window where the index is of the same column, and else only
    # costs: a planner that cannot know how the two columns go together reads all that the range holds.
    narrows = (Cost.RANGE, Cost.SINCE) if ordering[-1] == NEWEST else (Cost.RANGE,)
    for one in chosen:
        if one.cost in narrows:
            base = one.rows(base, one.chosen)
    return reached(base, *ordering)
