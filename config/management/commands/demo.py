"""`manage.py demo`: Postroom with a sample business, on this machine only, until Ctrl-C."""

import logging
import socket
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser

from config import demo
from config.supervisor import Supervisor, SupervisorError
from consent.models import Channel


class Command(BaseCommand):
    help = (
        "Run everything on 127.0.0.1: sample business, sandbox providers, two django-q2 clusters and the web server. "
        "Ctrl-C stops all of it. What an earlier run made is reused."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--port", type=int, default=8000, help="of the web server (default: 8000)")
        parser.add_argument("--sandbox-port", type=int, default=8025, help="of the providers (default: 8025)")
        parser.add_argument(
            "--reset",
            action="store_true",
            help="make the sample business anew, around this moment; drops its messages",
        )
        parser.add_argument("--once", action="store_true", help="stop after the first messages have gone out")

    def handle(self, *args: Any, **options: Any) -> None:
        # The log of every message would bury what this command has to say; the workers keep theirs in files.
        logging.disable(logging.INFO)
        if not settings.SANDBOX:
            raise CommandError(
                "The demo runs in sandbox mode only: unset POSTROOM_MODE, or set it to sandbox."
            )
        for name in ("port", "sandbox_port"):
            _check_free(options[name], name)
        addresses = demo.Addresses(
            web=f"http://127.0.0.1:{options['port']}", sandbox=f"http://127.0.0.1:{options['sandbox_port']}"
        )
        demo.prepare_database(self._say)
        demo.prepare_business(self._say, sandbox_url=addresses.sandbox, replace=options["reset"])
        try:
            with Supervisor(Path(settings.LOCAL_DIR) / "log", follow_parent=True) as supervisor:
                self._say("Starting: sandbox providers, workers, web server")
                demo.start_processes(
                    supervisor, addresses, web_port=options["port"], sandbox_port=options["sandbox_port"]
                )
                self._welcome(addresses)
                counts = demo.send_first_messages(supervisor)
                self._sent(counts)
                if not options["once"]:
                    supervisor.run_until_interrupted()
                self._say("Stopping")
        except SupervisorError as error:
            raise CommandError(str(error)) from None
        except KeyboardInterrupt:
            self._say("Stopped")

    def _say(self, text: str) -> None:
        self.stdout.write(f"· {text}")
        self.stdout.flush()  # a file or a pipe would see it at the end only

    def _welcome(self, addresses: demo.Addresses) -> None:
        lines = [
            "",
            f"  Admin      {addresses.web}/admin/   login {demo.LOGIN}   password {demo.password()}",
            f"             by role: {', '.join(demo.ROLE_LOGINS)}; the same password",
            f"  Messages   {addresses.sandbox}/       what customers received: e-mail, SMS, push; answer there as they would",
            f"  API        {addresses.web}/api/docs",
            f"  Logs       {settings.LOCAL_DIR}/log/",
            "",
            "  Ctrl-C stops everything.",
            "",
        ]
        self.stdout.write("\n".join(lines))
        self.stdout.flush()

    def _sent(self, counts: dict[str, int]) -> None:
        self._say("Sent: " + ", ".join(f"{channel} {count}" for channel, count in sorted(counts.items())))
        if sum(counts.values()) <= len(Channel.values):
            self._say(
                "That was the greeting; no reminder is due now. `make demo ARGS=--reset` makes a new sample business."
            )


def _check_free(port: int, name: str) -> None:
    option = "--" + name.replace("_", "-")
    if not 1 <= port <= 65535:
        raise CommandError(f"{option} {port} is no port: use 1 to 65535.")
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError as error:
            raise CommandError(
                f"Port {port} is taken ({error.strerror}). Is a demo running already? Else choose another: {option} {port + 1}."
            ) from None
