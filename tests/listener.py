"""A local HTTP server: in, requests; out, what was asked of it. It answers as its `reply` says."""

import gzip
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

Reply = Callable[[str, str], tuple[int, str]]


@dataclass
class Listener:
    """`paths` with their queries, and `bodies`, in the order of arrival."""

    url: str = ""
    paths: list[str] = field(default_factory=list)
    bodies: list[str] = field(default_factory=list)


@contextmanager
def listening(reply: Reply = lambda _path, _body: (200, "{}")) -> Iterator[Listener]:
    """Serve on a free port of 127.0.0.1 until the block ends."""
    heard = Listener()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
            if self.headers.get("Content-Encoding") == "gzip":
                body = gzip.decompress(body)
            text = body.decode("utf-8", "replace")
            heard.paths.append(self.path)
            heard.bodies.append(text)
            status, answer = reply(self.path, text)
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(answer.encode())))
            self.end_headers()
            self.wfile.write(answer.encode())

        def log_message(self, *_: object) -> None:
            """Silence."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    heard.url = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield heard
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
