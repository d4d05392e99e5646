"""A mail server instead of an HTTP provider: Django's own SMTP backend against a real socket, through the same channel."""

import socket
import socketserver
import threading
from collections.abc import Iterator
from typing import Any

import pytest

from notifications.errors import Permanent, Sent, Transient, Unknown
from tests.contract.calls import deliver, deliver_in_turn, message


class MailServer(socketserver.ThreadingTCPServer):
    """Takes everything, or answers RCPT as told; `hang_up` closes after so many accepted mails."""

    allow_reuse_address = daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Session)
        self.connections = 0
        self.mails: list[str] = []
        self.rcpt = "250 ok"
        self.hang_up = False


class Session(socketserver.StreamRequestHandler):
    server: MailServer

    def handle(self) -> None:
        self.server.connections += 1
        self.say("220 mail")
        while line := self.rfile.readline().decode().strip():
            match line.split()[0].upper():
                case "RCPT":
                    self.say(self.server.rcpt)
                case "DATA":
                    self.say("354 go on")
                    self.server.mails.append(self.read_mail())
                    if self.server.hang_up:
                        return
                    self.say("250 queued")
                case "QUIT":
                    self.say("221 bye")
                    return
                case _:
                    self.say("250 ok")

    def say(self, line: str) -> None:
        self.wfile.write(f"{line}\r\n".encode())

    def read_mail(self) -> str:
        lines = iter(self.rfile.readline, b".\r\n")
        return b"".join(lines).decode()


@pytest.fixture
def server(settings: Any) -> Iterator[MailServer]:
    with MailServer() as running:
        threading.Thread(target=running.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()
        settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
        settings.EMAIL_HOST, settings.EMAIL_PORT = running.server_address[:2]
        settings.EMAIL_TIMEOUT = 5
        settings.NOTIFICATIONS = {**settings.NOTIFICATIONS, "CONCURRENCY": 1}
        yield running
        running.shutdown()


def test_mails_of_one_thread_share_a_connection(server: MailServer) -> None:
    wanted = [message("email", "") for _ in range(3)]
    outcomes = deliver_in_turn("email", wanted)
    assert all(isinstance(outcome, Sent) for outcome in outcomes), outcomes
    assert (server.connections, len(server.mails)) == (1, 3)
    assert f"X-Postroom-Id: {wanted[0].id}" in server.mails[0]


def test_a_connection_that_was_idle_for_long_is_not_used_again(
    server: MailServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("notifications.channels.email_threads.KEEP_ALIVE", 0.0)
    outcomes = deliver_in_turn("email", [message("email", ""), message("email", "")])
    assert all(isinstance(outcome, Sent) for outcome in outcomes), outcomes
    assert server.connections == 2


def test_a_server_that_hangs_up_after_the_text_may_have_taken_it_and_the_next_mail_goes_another_way(
    server: MailServer,
) -> None:
    server.hang_up = True
    outcomes = deliver_in_turn("email", [message("email", ""), message("email", "")])
    assert [type(outcome) for outcome in outcomes] == [Unknown, Unknown]
    assert (server.connections, len(server.mails)) == (2, 2)


@pytest.mark.parametrize(
    ("answer", "expected"), [("451 4.7.1 greylisted", Transient), ("550 5.1.1 marie@example.com", Permanent)]
)
def test_the_servers_word_about_the_recipient_decides(
    answer: str, expected: type[Transient | Permanent], server: MailServer
) -> None:
    server.rcpt = answer
    outcome = deliver("email", message("email", ""))
    assert isinstance(outcome, expected)
    assert (outcome.code, "example.com" in outcome.error) == (answer[:3], False)
    assert not server.mails


def test_a_server_that_is_not_there_was_not_sent_anything(server: MailServer, settings: Any) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        settings.EMAIL_PORT = free.getsockname()[1]
        outcome = deliver("email", message("email", ""))
    assert isinstance(outcome, Transient), outcome
    assert outcome.code == "connect"
