"""Checkpoints by name, downloaded from a local server of the form of huggingface.co."""

from __future__ import annotations

import hashlib
import json
import re
import sys
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch

from skelgait.checkpoints.architecture import Architecture
from skelgait.checkpoints.checkpoint import load_checkpoint
from skelgait.checkpoints.hub import is_hub_name, locate_checkpoint
from skelgait.errors import CheckpointError
from skelgait.opengait.weights import to_opengait
from tests.checkpoints.hub_server import COMMIT, GATED, PRIVATE, TOKEN, hub_server, use_hub
from tests.cli.test_cli import call

pytest.importorskip("huggingface_hub")

FILE = "CCPG/SkeletonGait/checkpoints/SkeletonGait-60000.pt"
CCPG = Architecture("skeletongait", (64, 128, 256, 512), (1, 1, 1, 1), 100, 256, 16)


@pytest.fixture(scope="module")
def content(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    """Checkpoint of the layout of OpenGait: model, optimizer, scheduler and iteration; zeros make it small."""
    weights = to_opengait(replace(CCPG, channels=(8, 8, 8, 8), embedding_width=8).build().state_dict())
    path = tmp_path_factory.mktemp("peer") / "x.pt"
    torch.save({"model": weights, "optimizer": {"state": {}}, "scheduler": {"step": 1}, "iteration": 60000}, path)
    return path.read_bytes()


@pytest.fixture(scope="module")
def server(content: bytes) -> Iterator[str]:
    with hub_server({FILE: content}) as address:
        yield address


def test_description_gives_commit_and_sha256_and_the_cache_serves_offline(
    server: str, content: bytes, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    name = f"hf://peer/Gait/{FILE}"
    for offline in (False, True):
        use_hub(monkeypatch, server, tmp_path, offline=offline)
        code, out, err = call("checkpoint", name, "--json")
        assert code == 0, err
        report: dict[str, Any] = json.loads(out)
        assert report["sha256"] == hashlib.sha256(content).hexdigest()
        assert report["hub_name"] == f"{name}@{COMMIT}"
        assert (report["kind"], report["iteration"]) == ("opengait", 60000)
        assert f"--checkpoint {name}@{COMMIT}" in report["next_command"]


@pytest.mark.parametrize("revision", ["v1", COMMIT])
def test_revision_may_be_a_tag_or_a_commit(
    server: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, revision: str
) -> None:
    use_hub(monkeypatch, server, tmp_path)
    assert locate_checkpoint(f"hf://peer/Gait/{FILE}@{revision}").name == f"hf://peer/Gait/{FILE}@{COMMIT}"


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("peer/Gait/none.pt", "found no such file in the repository"),
        ("peer/None/x.pt", "found no repository peer/None, or a private one"),
        (f"{PRIVATE}/{FILE}", "set HF_TOKEN to a token that can read it"),
        (f"{GATED}/{FILE}", "found a repository that asks for access"),
        (f"peer/Gait/{FILE}@v9", "found no revision v9"),
        ("peer/x.pt", "expected hf://OWNER/NAME/FILE[@REVISION]"),
        ("peer/Gait/../x.pt", "expected hf://OWNER/NAME/FILE[@REVISION]"),
        (f"peer/Gait/{FILE}@..", "expected hf://OWNER/NAME/FILE[@REVISION]"),
    ],
)
def test_failed_download_is_an_error_with_a_hint(
    server: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, message: str
) -> None:
    use_hub(monkeypatch, server, tmp_path)
    with pytest.raises(CheckpointError, match=f"^hf://{re.escape(name)}: .*{re.escape(message)}"):
        locate_checkpoint(f"hf://{name}")


@pytest.mark.parametrize(
    ("offline", "message"),
    [(True, "no such file in the cache, and HF_HUB_OFFLINE is set"), (False, "no connection to http://127.0.0.1:9")],
)
def test_no_network_is_an_error_with_a_hint(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, offline: bool, message: str
) -> None:
    monkeypatch.setattr(time, "sleep", lambda _: None)  # huggingface_hub tries again after 1, 2, 4, 8 and 8 seconds
    use_hub(monkeypatch, "http://127.0.0.1:9", tmp_path, offline=offline)
    with pytest.raises(CheckpointError, match=message):
        locate_checkpoint(f"hf://peer/Gait/{FILE}")


def test_token_opens_a_private_repository(server: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    use_hub(monkeypatch, server, tmp_path)
    monkeypatch.setenv("HF_TOKEN", TOKEN)
    assert load_checkpoint(f"hf://{PRIVATE}/{FILE}").iteration == 60000


def test_damaged_file_in_the_cache_is_refused(server: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    use_hub(monkeypatch, server, tmp_path)
    path = locate_checkpoint(f"hf://peer/Gait/{FILE}").path
    path.resolve().write_bytes(b"damage")
    with pytest.raises(CheckpointError, match="found a damaged file in the cache"):
        locate_checkpoint(f"hf://peer/Gait/{FILE}")


def test_path_of_this_machine_stays_as_it_is(tmp_path: Path) -> None:
    location = locate_checkpoint(tmp_path / "x.pt")
    assert (location.path, location.name, location.commit) == (tmp_path / "x.pt", str(tmp_path / "x.pt"), "")
    assert not is_hub_name("runs/hf.pt")


def test_name_without_huggingface_hub_gives_the_installation(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "huggingface_hub", None)
    with pytest.raises(CheckpointError, match="run `pip install huggingface_hub`"):
        locate_checkpoint("hf://a/b/c.pt")


def test_full_size_checkpoint_of_opengait_names_its_preset(tmp_path: Path) -> None:
    path = tmp_path / "SkeletonGait-60000.pt"
    shapes = to_opengait(CCPG.build_on_meta().state_dict())
    weights = {name: torch.zeros(weight.shape, dtype=weight.dtype) for name, weight in shapes.items()}
    torch.save({"model": weights, "optimizer": {}, "scheduler": {}, "iteration": 60000}, path)
    code, out, err = call("checkpoint", path)
    assert code == 0, err
    assert "matches skeletongait_CCPG" in out
