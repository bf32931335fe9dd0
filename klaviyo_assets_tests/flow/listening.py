"""Another server on this machine: it notes what it is sent, and sends everybody on to where it is told."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


@dataclass(frozen=True)
class Listener:
    """Where it listens, and each request that came: its line and headers as text."""

    url: str
    requests: list[str] = field(default_factory=list)


@contextmanager
def listen(*, send_to: str | None = None) -> Iterator[Listener]:
    """Answer with 404, or send everybody on to an address, until the block is left."""

    class Answering(BaseHTTPRequestHandler):
        def answer(self) -> None:
            listener.requests.append(f"{self.requestline}\n{self.headers}")
            self.rfile.read(int(self.headers.get("content-length", 0)))
            self.send_response(307 if send_to else 404)
            if send_to:
                self.send_header("location", send_to + self.path)
            self.send_header("content-length", "0")
            self.end_headers()

        do_GET = do_POST = do_DELETE = do_CONNECT = answer  # noqa: N815  named by the library

        def log_message(self, format: str, *args: object) -> None:
            """Say nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Answering) as server:
        listener = Listener(f"http://127.0.0.1:{server.server_port}")
        threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()
        yield listener
        server.shutdown()
