"""Who is there to tell? In, a recipient group; out, the ids of its staff, and a loud log event where nobody is in it.

notify() refuses an empty group, and a job that has customers to write to must not lose them to it. It also looks a group up
for each request, and a job may have thousands.
"""

import logging
from collections.abc import Collection

from consent.directory import directory
from notifications.message import Group

logger = logging.getLogger(__name__)


def members(group: Group, *, job: str) -> Collection[str]:
    """The group's active staff, by id; empty where nobody is in it, or it is unknown, and the log says so."""
    found = directory().group(group.name)
    if not found:
        logger.error("job.group_empty job=%s group=%s", job, group.name)
    return found or ()
