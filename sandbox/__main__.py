"""`python -m sandbox`: options come in, a server runs on 127.0.0.1 until a signal ends it.
The first line on standard output is JSON with the address, for the parent that asked for any free port."""

import argparse
import asyncio
import ctypes
import ipaddress
import json
import os
import signal
import sys
from collections.abc import Callable, Sequence

from sandbox import keys
from sandbox.app import application
from sandbox.providers import Options, Sandbox
from sandbox.server import Connection
from sandbox.webhooks import check_url

PR_SET_PDEATHSIG = 1  # linux/prctl.h

DESCRIPTION = """\
Local stand-ins for SendGrid, Twilio, a web push service and Stripe, for development, tests and benchmarks.
They check every request as the real providers do and keep what they accept; nothing leaves this machine.
Open the printed address in a browser to read the messages."""

EPILOG = """\
addresses, below the printed one:
  /sendgrid/v3/mail/send      /twilio/2010-04-01/Accounts/{Sid}/Messages.json
  /push/{id}                  /stripe/v1/payouts, /stripe/v1/balance_transactions
  /_sandbox/                  control API: behaviour, webhooks, messages, stats, reset

examples:
  python -m sandbox --port 8025
  python -m sandbox --port 0 --print-env
  curl -H 'Content-Type: application/json' http://127.0.0.1:8025/_sandbox/behaviour \\
       -d '{"provider": "sendgrid", "status": 429, "retry_after": 5, "times": 3}'"""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the server; the exit status is 0 after a signal, 2 for options that cannot be."""
    options = _parser().parse_args(arguments)
    if options.die_with_parent is not None:
        _die_with_parent(options.die_with_parent)
    sandbox = Sandbox(
        Options(
            seed=options.seed,
            keep=options.keep,
            track=options.track,
            webhook_url=options.webhook_url,
            status_callbacks=options.status_callbacks,
            inbound_url=options.inbound_url,
        )
    )
    try:
        with asyncio.Runner(loop_factory=_loop_factory()) as runner:
            runner.run(_serve(sandbox, options))
    except OSError as error:
        print(
            f"cannot listen on {options.host} port {options.port}: {error.strerror or error}", file=sys.stderr
        )
        return 1
    # A webhook to a receiver that does not answer would hold the interpreter for its timeout.
    sys.stdout.flush()
    os._exit(0)


async def _serve(sandbox: Sandbox, options: argparse.Namespace) -> None:
    loop = asyncio.get_running_loop()
    answer = application(sandbox)
    server = await loop.create_server(lambda: Connection(answer), options.host, options.port, backlog=1024)
    host, port = server.sockets[0].getsockname()[:2]
    sandbox.base_url = f"http://{f'[{host}]' if ':' in host else host}:{port}"
    print(json.dumps({"url": sandbox.base_url}), flush=True)
    if options.print_env:
        for name, value in keys.environment(sandbox.base_url, options.seed).items():
            print(f"{name}={value}", flush=True)
    stopped = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stopped.set)
    await stopped.wait()
    server.close()


def _loop_factory() -> Callable[[], asyncio.AbstractEventLoop] | None:
    """uvloop where it is installed: twice the requests a second."""
    try:
        import uvloop
    except ImportError:
        return None
    factory: Callable[[], asyncio.AbstractEventLoop] = uvloop.new_event_loop
    return factory


def _die_with_parent(parent: int) -> None:
    """Ask Linux for SIGTERM at the parent's death, and leave at once if it died before we could ask."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGTERM)
        if parent and os.getppid() != parent:
            sys.exit(0)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m sandbox",
        description=DESCRIPTION,
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    add = parser.add_argument
    add("--port", type=_port, default=8025, help="0 picks a free one (default: 8025)")
    add(
        "--host",
        type=_loopback,
        default="127.0.0.1",
        help="an address of this machine only (default: 127.0.0.1)",
    )
    add(
        "--seed",
        default=keys.DEFAULT_SEED,
        help="from which all keys are made; settings must use the same (default: %(default)s)",
    )
    add(
        "--keep",
        type=_count,
        default=2_000,
        metavar="N",
        help="messages kept for reading; 0 only counts (default: 2000)",
    )
    add(
        "--track",
        type=_count,
        default=2_000_000,
        metavar="N",
        help="messages remembered for telling duplicates (default: 2000000)",
    )
    add(
        "--webhook-url",
        type=_local_url,
        metavar="URL",
        help="where SendGrid's events go (default: none are sent)",
    )
    add(
        "--status-callbacks",
        action="store_true",
        help="send Twilio's status callbacks to each message's StatusCallback",
    )
    add("--inbound-url", type=_local_url, metavar="URL", help="where text messages from customers go")
    add("--print-env", action="store_true", help="print the environment variables that point Postroom here")
    add(
        "--die-with-parent",
        nargs="?",
        type=_count,
        const=0,
        metavar="PID",
        help="end when the parent process ends (Linux); with its PID, also if it ended before the start",
    )
    return parser


def _port(text: str) -> int:
    if not text.isascii() or not text.isdigit() or int(text) > 65535:
        raise argparse.ArgumentTypeError("must lie between 0 and 65535")
    return int(text)


def _count(text: str) -> int:
    if not text.isascii() or not text.isdigit():
        raise argparse.ArgumentTypeError("must be a number, 0 or more")
    return int(text)


def _loopback(text: str) -> str:
    try:
        if text == "localhost" or ipaddress.ip_address(text).is_loopback:
            return text
    except ValueError:
        pass
    raise argparse.ArgumentTypeError(
        "must be 127.0.0.1, ::1 or localhost: the sandbox has no secrets and shows all it receives"
    )


def _local_url(text: str) -> str:
    try:
        check_url(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error)) from error
    return text


if __name__ == "__main__":
    sys.exit(main())
