"""Registry of networks."""

from __future__ import annotations

import subprocess
import sys

import pytest

from skelgait import models
from skelgait.errors import SettingsError


@pytest.mark.parametrize("module", ["skelgait.models.registry", "skelgait.settings"])
def test_import_without_torch(module: str) -> None:
    code = f"import sys, {module}; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False, timeout=60).returncode == 0


@pytest.mark.parametrize(
    ("name", "modalities", "in_channels"),
    [("skeletongait", ("map",), 2), ("skeletongait++", ("map", "silhouette"), 3)],
)
def test_modalities_give_the_number_of_channels(name: str, modalities: tuple[str, ...], in_channels: int) -> None:
    network = models.network_class(name)
    assert (network.modalities, network.in_channels) == (modalities, in_channels)


def test_unknown_name_is_refused() -> None:
    with pytest.raises(SettingsError, match=r"train\.network\.name: found toy, expected skeletongait or .*register_n"):
        models.network_class("toy")


def test_registered_path_is_imported(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("skelgait.models.registry.NETWORKS", {})
    models.register_network("other", "skelgait.models.skeletongait:SkeletonGait")
    assert models.network_class("other") is models.SkeletonGait
