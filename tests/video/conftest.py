"""Camera and video file at an address of this machine."""

from __future__ import annotations

import re
import threading
import time
from collections.abc import Iterator
from functools import partial
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import cv2
import pytest

from tests.video.painted import walks


class _Handler(BaseHTTPRequestHandler):
    """`/camera`: images of a walker without an end; `/walk.mp4`: the file."""

    def do_GET(self) -> None:
        if self.path == "/camera":
            self._send_images()
        else:
            self._send_file(Path(self.path[1:]).read_bytes())

    def _send_images(self) -> None:
        self.send_response(200)
        self.send_header("Content-Type", "multipart/x-mixed-replace; boundary=image")
        self.end_headers()
        try:
            for frame in walks(100, 1):
                jpeg = cv2.imencode(".jpg", frame[..., ::-1])[1].tobytes()
                head = f"--image\r\nContent-Type: image/jpeg\r\nContent-Length: {len(jpeg)}\r\n\r\n"
                self.wfile.write(head.encode() + jpeg + b"\r\n")
                time.sleep(0.005)
        except OSError:
            pass  # nobody reads it any more

    def _send_file(self, content: bytes) -> None:
        first = int(re.findall(r"\d+", self.headers.get("Range", "0"))[0])
        self.send_response(206)
        self.send_header("Content-Range", f"bytes {first}-{len(content) - 1}/{len(content)}")
        self.send_header("Content-Length", str(len(content) - first))
        self.send_header("Accept-Ranges", "bytes")
        self.end_headers()
        self.wfile.write(content[first:])

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@pytest.fixture
def address() -> Iterator[str]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Handler)
    thread = threading.Thread(target=partial(server.serve_forever, 0.05))
    thread.start()
    yield f"127.0.0.1:{server.server_port}"
    server.shutdown()
    thread.join()
    server.server_close()
