"""`python -m benchmarks`: in, what to measure and how much; out, each figure beside its limit, with the machine."""

import argparse
import logging
import os
import signal
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager

import django
from tqdm import tqdm

DEFAULTS = {
    "enqueue": 20_000,
    "drain": 5_000,
    "promotion": 10_000,
    "latency": 50,
    "claim": 1_000_000,
    "pages": 200_000,
    "jobs": 50_000,
    "sandbox": 30_000,
}
MOST = 1_000_000
LONGEST_HISTORY = 10_000_000
LONG = ("claim", "pages")
DESCRIPTION = """Measure Postroom, each figure beside its limit: the same work done without Postroom, in the same run.

  enqueue   notify_many() of N, and notify() one by one for N/20, beside bare INSERTs
  drain     one worker with N e-mails beside a bare loop over Anymail, and N/5 with a provider that takes 50 ms
  promotion one worker with the same offer to N customers, beside the same bare loop
  latency   from commit to receipt, N messages at 5 a second, through a real cluster of django-q2
  claim     a claim of 100 due messages among N finished ones, beside the same among 10,000
  pages     every page of the back office among N messages, beside the same among 10,000
  jobs      those that tell people, and the segments, of N bookings beside bare SQL; and runs that find nothing
  sandbox   how many of N requests a second the local provider takes: well above all others, or it would limit them
  all       all of these

Runs in sandbox mode only, in a database of its own that is made beside the configured one and dropped at the end."""
EPILOG = """examples:
  python -m benchmarks                               everything, in a few minutes
  python -m benchmarks enqueue --n 100000            one call of notify_many() with 100,000 messages
  python -m benchmarks claim --n 10000000            a history of ten million: some 10 GB of disk
  python -m benchmarks pages --n 5000000             the pages of the admin among five million: some 15 GB of disk
  python -m benchmarks jobs --n 1000000              a business of a million bookings: five minutes, 4 GB of disk
  python -m benchmarks latency --n 200 --json        for a program

docs/benchmarks.md tells how to read the tables."""


def main(arguments: Sequence[str] | None = None) -> int:
    """0: measured; 1: standard error says why not; 2: options that cannot be; 130: interrupted."""
    parser = _parser()
    options = parser.parse_args(arguments)
    if options.n and options.n > MOST and options.what not in LONG:
        parser.error(f"argument --n: more than {MOST:,} is for the claim and the pages alone")
    chosen = list(DEFAULTS) if options.what == "all" else [options.what]
    sizes = {name: options.n or DEFAULTS[name] for name in chosen}
    # End as after Ctrl-C: drop the database, stop the processes.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
    django.setup()
    logging.disable(logging.INFO)

    from benchmarks import suite, table

    try:
        with _progress(suite.runs(chosen, times=options.repeat)) as step:
            machine, figures = suite.measure(sizes, times=options.repeat, seed=options.seed, step=step)
    except suite.REFUSALS as error:
        print(f"Nothing was measured: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130
    if "pages" in sizes and (absent := suite.absent_pages()):
        print(f"Not in this project, so not measured: {', '.join(absent)}.", file=sys.stderr)
    if options.json:
        given = {"sizes": sizes, "repeat": options.repeat, "seed": options.seed}
        print(table.as_json(machine, figures, options=given))
    else:
        print(table.as_text(machine, figures, times=options.repeat))
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks",
        description=DESCRIPTION,
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    add = parser.add_argument
    add("what", nargs="?", choices=[*DEFAULTS, "all"], default="all", help="default: all")
    sizes = ", ".join(f"{name} {size:,}" for name, size in DEFAULTS.items())
    add("--n", type=_count, metavar="N", help=f"messages a run (default: {sizes})")
    add("--repeat", type=_count, default=3, metavar="R", help="runs of each (default: 3)")
    add("--seed", type=int, default=1, metavar="S", help="of recipients and intervals (default: 1)")
    add("--json", action="store_true", help="print JSON instead of tables")
    return parser


def _count(text: str) -> int:
    if not text.isascii() or not text.isdigit() or not 1 <= int(text) <= LONGEST_HISTORY:
        raise argparse.ArgumentTypeError(
            f"must be a number from 1 to {LONGEST_HISTORY:,}, written in digits only"
        )
    return int(text)


@contextmanager
def _progress(total: int) -> Iterator[Callable[[str], AbstractContextManager[None]]]:
    """A bar on standard error, if that is a terminal; what it gives names one run after the other."""
    with tqdm(total=total, unit="run", disable=None, file=sys.stderr, leave=False) as bar:

        @contextmanager
        def step(name: str) -> Iterator[None]:
            bar.set_description(name)
            yield
            bar.update()

        yield step


if __name__ == "__main__":
    sys.exit(main())
