"""A webhook on loopback, for messages that Prefect's server sends."""

from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from threading import Thread

import msgspec


class Message(msgspec.Struct, frozen=True):
    """What the webhook was sent."""

    subject: str
    body: str


@contextmanager
def webhook() -> Iterator[tuple[str, list[Message]]]:
    """Listen on loopback for messages; yield the address, and what has come."""
    messages: list[Message] = []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            messages.append(msgspec.json.decode(self.rfile.read(int(self.headers["Content-Length"])), type=Message))
            self.send_response(204)
            self.end_headers()

        def log_message(self, *args: object) -> None:
            pass

    with HTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}/", messages
        finally:
            server.shutdown()
            thread.join()
