"""Linux's two means to leave no process behind: die with one's parent, and adopt one's children's orphans.

In: a signal. Out: False where the system has no prctl (macOS), so that the caller can fall back.
"""

import ctypes
import sys

# Loaded once and early: a forked child calls these between fork and exec, where it must not load anything.
_libc = ctypes.CDLL(None, use_errno=True) if sys.platform == "linux" else None
_PR_SET_PDEATHSIG = 1  # linux/prctl.h
_PR_SET_CHILD_SUBREAPER = 36


def die_with_parent(signal_number: int) -> bool:
    """Have the kernel send this process the signal when the thread that started it ends, however it ends.

    Cleared by a change of credentials and at fork, kept across exec: call it after setuid, before exec.
    """
    return _prctl(_PR_SET_PDEATHSIG, signal_number)


def adopt_orphans() -> bool:
    """Become the parent of every descendant whose own parent dies, in init's stead (prctl(2))."""
    return _prctl(_PR_SET_CHILD_SUBREAPER, 1)


def _prctl(option: int, argument: int) -> bool:
    if _libc is None:
        return False
    if _libc.prctl(option, ctypes.c_ulong(argument), 0, 0, 0) != 0:
        raise OSError(ctypes.get_errno(), f"prctl({option}) failed")
    return True
