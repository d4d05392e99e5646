"""Is this worker's cluster leaving? In: nothing; out, what the cluster's main process says, in all of its workers."""

import multiprocessing

# Made before the workers are forked, so that they share it.
_leaving = multiprocessing.Event()


def announce() -> None:
    """Said by the main process when it is told to stop."""
    _leaving.set()


def is_stopping() -> bool:
    """Always False in a stock cluster, which waits for running tasks and cannot tell them."""
    return _leaving.is_set()
