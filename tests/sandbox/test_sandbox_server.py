"""The HTTP layer: odd requests, order of answers, and who may read."""

import json
import socket
from typing import Any
from urllib.parse import urlsplit

import pytest
import requests

from sandbox import keys
from sandbox.testing import SandboxServer
from tests.sandbox.conftest import Send, mail


def talk(server: SandboxServer, *chunks: bytes, answers: int = 1) -> bytes:
    """Send bytes over one connection and read until so many answers came, or the server closed."""
    parts = urlsplit(server.url)
    with socket.create_connection((parts.hostname or "", parts.port or 0), timeout=10) as connection:
        for chunk in chunks:
            connection.sendall(chunk)
        received = b""
        while received.count(b"HTTP/1.1 ") < answers:
            data = connection.recv(65536)
            if not data:
                break
            received += data
        return received


def post_mail(body: bytes, **headers: str) -> bytes:
    given = {
        "Host": "127.0.0.1",
        "Authorization": f"Bearer {keys.sendgrid_api_key()}",
        "Content-Type": "application/json",
        **headers,
    }
    lines = "".join(f"{name.replace('_', '-')}: {value}\r\n" for name, value in given.items())
    return f"POST /sendgrid/v3/mail/send HTTP/1.1\r\n{lines}\r\n".encode() + body


def test_a_body_in_chunks_is_put_together(server: SandboxServer) -> None:
    body = json.dumps(mail()).encode()
    half = len(body) // 2
    chunked = b"".join(
        f"{len(part):x}\r\n".encode() + part + b"\r\n" for part in (body[:half], body[half:], b"")
    )
    assert talk(server, post_mail(chunked, Transfer_Encoding="chunked")).startswith(b"HTTP/1.1 202 ")


def test_a_request_may_arrive_byte_by_byte(server: SandboxServer) -> None:
    body = json.dumps(mail()).encode()
    request = post_mail(body, Content_Length=str(len(body)))
    assert talk(server, *(request[at : at + 1] for at in range(len(request)))).startswith(b"HTTP/1.1 202 ")


def test_pipelined_requests_are_answered_in_order(server: SandboxServer) -> None:
    """The first answer is held back: the second must wait for it."""
    server.behave("sendgrid", latency_ms=200, times=1)
    good = json.dumps(mail()).encode()
    requests_ = [
        post_mail(good, Content_Length=str(len(good))),
        post_mail(b"[]", Content_Length="2"),
        post_mail(good, Content_Length=str(len(good))),
    ]
    received = talk(server, b"".join(requests_), answers=3)
    statuses = [part[:3] for part in received.split(b"HTTP/1.1 ")[1:]]
    assert statuses == [b"202", b"400", b"202"]


def test_a_client_that_asks_first_is_told_to_go_on(server: SandboxServer) -> None:
    body = json.dumps(mail()).encode()
    received = talk(
        server, post_mail(b"", Content_Length=str(len(body)), Expect="100-continue"), body, answers=2
    )
    assert received.startswith(b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 202 ")


def test_nonsense_is_answered_with_400_and_the_end(server: SandboxServer) -> None:
    received = talk(server, b"hello\r\n\r\n")
    assert received.startswith(b"HTTP/1.1 400 ")
    assert b"Connection: close" in received


def test_a_body_without_end_is_cut_off(server: SandboxServer) -> None:
    head = post_mail(b"", Content_Length=str(41 * 2**20))
    parts = urlsplit(server.url)
    with socket.create_connection((parts.hostname or "", parts.port or 0), timeout=10) as connection:
        connection.sendall(head)
        try:
            for _ in range(41):
                connection.sendall(b" " * 2**20)
            received = connection.recv(100)
        except ConnectionError:
            received = b"HTTP/1.1 413 "  # closed before the client had finished writing
    assert received.startswith(b"HTTP/1.1 413 ")
    assert server.stats()["totals"]["requests"] == 0


def test_connection_close_is_obeyed(server: SandboxServer) -> None:
    received = talk(
        server, b"GET /_sandbox/health HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n", answers=2
    )
    assert received.startswith(b"HTTP/1.1 200 ")
    assert received.endswith(b'{"ok": true}')


@pytest.mark.parametrize(
    ("method", "headers", "status"),
    [
        ("GET", {"Host": "evil.example"}, 403),
        ("GET", {"Host": "evil.example:8025"}, 403),
        ("GET", {"Host": "127.0.0.1.evil.example"}, 403),
        ("GET", {"Host": "[::1"}, 403),
        ("GET", {"Host": "localhost:1"}, 200),
        ("GET", {"Origin": "https://evil.example"}, 403),
        ("POST", {"Content-Type": "text/plain"}, 403),
        ("POST", {"Content-Type": "application/x-www-form-urlencoded"}, 403),
        ("POST", {"Content-Type": "application/json", "Origin": "http://evil.example"}, 403),
        ("POST", {"Content-Type": "application/json"}, 200),
    ],
)
def test_pages_of_strangers_get_nothing(
    method: str,
    headers: dict[str, str],
    status: int,
    server: SandboxServer,
    send_mail: Send,
    http: requests.Session,
) -> None:
    """DNS rebinding changes Host, a foreign page sends Origin or a form: none of it may read or reset."""
    send_mail()
    path = "stats" if method == "GET" else "reset"
    answer = http.request(
        method,
        f"{server.url}/_sandbox/{path}",
        headers=headers,
        data=b"{}" if method == "POST" else None,
        timeout=10,
    )
    assert answer.status_code == status
    if status == 403:
        assert "error" in answer.json()
        assert len(server.messages()) == 1


@pytest.mark.parametrize(
    ("method", "path"), [("GET", "nothing"), ("PUT", "reset"), ("GET", "messages/1/2/3")]
)
def test_an_unknown_order_lists_the_known_ones(
    method: str, path: str, server: SandboxServer, http: requests.Session
) -> None:
    headers = {"Content-Type": "application/json"}
    answer = http.request(method, f"{server.url}/_sandbox/{path}", headers=headers, timeout=10)
    assert answer.status_code == 404
    assert "POST /_sandbox/behaviour" in answer.json()["error"]


@pytest.mark.parametrize("body", [b"[]", b"{", b"null"])
def test_an_order_that_is_no_object_is_refused(
    body: bytes, server: SandboxServer, http: requests.Session
) -> None:
    headers: dict[str, Any] = {"Content-Type": "application/json"}
    assert (
        http.post(f"{server.url}/_sandbox/behaviour", data=body, headers=headers, timeout=10).status_code
        == 400
    )
