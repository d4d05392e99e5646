"""`python -m tests.chaos`: in, how long, how many, a seed; out, what was lost or doubled, and exit status 0 if nothing was
that the promises of docs/delivery-guarantees.md do not allow."""

import argparse
import logging
import os
import signal
import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import django
from django.conf import settings
from tqdm import tqdm

from tests.chaos.postgres import CrashableServer
from tests.chaos.provider import Provider

DESCRIPTION = """Does the queue keep its promises while everything around it breaks?

Workers send messages of every channel and category while a seeded schedule kills and freezes them, cuts their
connections, restarts and crashes PostgreSQL, and has the providers answer errors, late, not at all, or hang up after
they accepted. Then the faults stop, the queue is drained, and what was committed is compared with what was received.

Everything runs on this machine, on a PostgreSQL server and providers of its own; nothing of yours is touched. The seed
fixes what is queued and which faults come in which order; when they strike is also up to the machine."""
EPILOG = """exit status: 0 every promise was kept, 1 one was not (each message with its story), 2 options that cannot be

examples:
  python -m tests.chaos                                    two minutes, four workers, 4,000 messages
  python -m tests.chaos --seconds 600 --messages 30000 --seed 7
  python -m tests.chaos --seconds 20 --messages 800 --json"""
SHOWN = 20  # stories of broken promises


def main(arguments: Sequence[str] | None = None) -> int:
    options = _parser().parse_args(arguments)
    # End as after Ctrl-C: stop the processes, delete the data.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        with (
            tempfile.TemporaryDirectory(prefix="postroom-chaos-") as name,
            CrashableServer(Path(name)) as server,
            Provider() as provider,
        ):
            return _run(options, Path(name), server, provider)
    except KeyboardInterrupt:
        return 130


def _run(options: argparse.Namespace, directory: Path, server: CrashableServer, provider: Provider) -> int:
    environment = {
        **provider.environment(),
        "DJANGO_SETTINGS_MODULE": "tests.chaos.settings",
        "DATABASE_URL": server.url,
        "POSTROOM_MODE": "sandbox",
        "EMAIL_BACKEND": "anymail.backends.sendgrid.EmailBackend",
    }
    os.environ.update(environment)
    django.setup()
    # Whoever read the settings before us would have us work on another database.
    assert server.url == settings.DATABASE_URL
    logging.disable(logging.WARNING)

    from tests.chaos import soak, table

    wanted = soak.Options(options.seconds, options.seed, options.workers, options.messages)
    with _progress(options.seconds) as progress:
        report = soak.soak(
            wanted,
            server=server,
            provider=provider,
            directory=directory,
            environment=environment,
            progress=progress,
        )
    print(table.as_json(report) if options.json else table.as_text(report))
    if not report.is_kept():
        _tell(report)
    return 0 if report.is_kept() else 1


def _tell(report: "soak.Report") -> None:  # type: ignore[name-defined]  # noqa: F821 (imported after django.setup)
    """The story of each broken promise, and what the workers said last."""
    from django.core.management import CommandError, call_command

    for breach in report.breaches[:SHOWN]:
        print(f"\n{breach.what}", file=sys.stderr)
        try:
            call_command("explain_notification", str(breach.id), stdout=sys.stderr)
        except CommandError as error:
            print(error, file=sys.stderr)
    print("\nThe workers' last words:", *report.log.splitlines()[-40:], sep="\n  ", file=sys.stderr)


@contextmanager
def _progress(seconds: float) -> Iterator[Callable[[float, str], None]]:
    """A bar on standard error, if that is a terminal."""
    shape = "{desc} {percentage:3.0f}% |{bar}| {n:.0f} of {total:.0f} s"
    with tqdm(total=seconds, bar_format=shape, disable=None, file=sys.stderr, leave=False) as bar:

        def show(elapsed: float, what: str) -> None:
            bar.set_description_str(what.ljust(36), refresh=False)
            bar.update(elapsed - bar.n)

        yield show


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m tests.chaos",
        description=DESCRIPTION,
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    add = parser.add_argument
    add(
        "--seconds", type=_number(3600), default=120, metavar="S", help="how long faults go on (default: 120)"
    )
    add("--seed", type=int, default=1, metavar="N", help="of messages and faults (default: 1)")
    add("--workers", type=_number(32), default=4, metavar="N", help="processes that send (default: 4)")
    add("--messages", type=_number(1_000_000), default=4_000, metavar="N", help="to queue (default: 4000)")
    add("--json", action="store_true", help="print JSON instead of tables")
    return parser


def _number(most: int) -> Callable[[str], int]:
    def read(text: str) -> int:
        if not text.isascii() or not text.isdigit() or not 1 <= int(text) <= most:
            raise argparse.ArgumentTypeError(f"must be a number from 1 to {most:,}, written in digits only")
        return int(text)

    return read


if __name__ == "__main__":
    sys.exit(main())
