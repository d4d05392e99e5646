"""Is there anybody to tell? In, a recipient group; out, yes or no, and a loud log event where a group is empty.

notify() refuses an empty group. A job that has customers to write to must not lose them to it.
"""

import logging

from consent.directory import directory
from notifications.message import Group

logger = logging.getLogger(__name__)


def is_staffed(group: Group, *, job: str) -> bool:
    """False where nobody is in the group, or it is unknown; the log says so."""
    if directory().group(group.name):
        return True
    logger.error("job.group_empty job=%s group=%s", job, group.name)
    return False
