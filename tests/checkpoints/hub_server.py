"""Local server of the form of huggingface.co, for tests; serves the files of one repository."""

from __future__ import annotations

import hashlib
import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import unquote

import pytest

COMMIT = "0123456789abcdef0123456789abcdef01234567"
REPOSITORY = "peer/Gait"
PRIVATE, GATED, TOKEN = "peer/Private", "peer/Gated", "hf_secret"


def _handler(files: dict[str, bytes]) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def do_HEAD(self) -> None:
            self._answer(with_body=False)

        def do_GET(self) -> None:
            self._answer(with_body=True)

        def log_message(self, *_: object) -> None:
            pass

        def _answer(self, *, with_body: bool) -> None:
            repository, _, rest = unquote(self.path).lstrip("/").partition("/resolve/")
            revision, _, name = rest.partition("/")
            is_allowed = self.headers.get("Authorization") == f"Bearer {TOKEN}"
            if repository == GATED and not is_allowed:
                self._refuse(403, "GatedRepo")
            elif repository not in (REPOSITORY, PRIVATE, GATED) or (repository == PRIVATE and not is_allowed):
                self._refuse(401, "RepoNotFound")
            elif revision not in ("main", "v1", COMMIT):
                self._refuse(404, "RevisionNotFound")
            elif name not in files:
                self._refuse(404, "EntryNotFound")
            else:
                self._send(files[name], with_body=with_body)

        def _refuse(self, status: int, code: str) -> None:
            self.send_response(status)
            self.send_header("X-Error-Code", code)
            self.send_header("X-Repo-Commit", COMMIT)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def _send(self, content: bytes, *, with_body: bool) -> None:
            self.send_response(200)
            self.send_header("X-Repo-Commit", COMMIT)
            self.send_header("ETag", f'"{hashlib.sha256(content).hexdigest()}"')
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            if with_body:
                self.wfile.write(content)

    return Handler


@contextmanager
def hub_server(files: dict[str, bytes]) -> Iterator[str]:
    """Serve files by their paths in the repository; yields the address of the server."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(files))
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def use_hub(patch: pytest.MonkeyPatch, server: str, cache: Path, *, offline: bool = False) -> None:
    """Set what huggingface_hub reads from the environment when it is imported."""
    from huggingface_hub import constants

    for name in [name for name in os.environ if name.startswith("HF_")]:
        patch.delenv(name)
    patch.setenv("HF_ENDPOINT", server)
    patch.setattr(constants, "HF_HUB_CACHE", str(cache))
    patch.setattr(constants, "HF_HUB_OFFLINE", offline)
    if offline:
        patch.setenv("HF_HUB_OFFLINE", "1")
