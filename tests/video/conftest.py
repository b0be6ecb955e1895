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
import numpy as np
import pytest

from tests.video.painted import walks


class _Handler(BaseHTTPRequestHandler):
    """`/camera`: images of a walker; `/drops`: the same, gone for a second after 20 images; `/walk.mp4`: the file."""

    gone_until = 0.0

    def do_GET(self) -> None:
        if self.path == "/camera":
            self._send_images(walks(100, 1))
        elif self.path == "/drops" and time.monotonic() < _Handler.gone_until:
            self.send_error(503)
        elif self.path == "/drops":
            is_back = _Handler.gone_until > 0
            self._send_images(walks(130, 1)[20:] if is_back else walks(20, 1))
            _Handler.gone_until = _Handler.gone_until or time.monotonic() + 1
        else:
            self._send_file(Path(self.path[1:]).read_bytes())

    def _send_images(self, images: list[np.ndarray]) -> None:
        self.send_response(200)
        self.send_header("Content-Type", "multipart/x-mixed-replace; boundary=image")
        self.end_headers()
        try:
            for frame in images:
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
def address(monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    monkeypatch.setattr(_Handler, "gone_until", 0.0)
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Handler)
    thread = threading.Thread(target=partial(server.serve_forever, 0.05))
    thread.start()
    yield f"127.0.0.1:{server.server_port}"
    server.shutdown()
    thread.join()
    server.server_close()
