"""Code for CUDA, on a simulated device that refuses what a real one refuses."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import torch

from tests.gpu import arithmetic, runs
from tests.gpu.check import relative
from tests.gpu.simulated_cuda import CPU, CUDA, DeviceTensor, simulated_cuda

WIDTH = 4


@pytest.fixture(autouse=True)
def device() -> Iterator[None]:
    with simulated_cuda():
        yield


def test_device_refuses_other_tensors_and_arrays() -> None:
    numbers = torch.zeros(3, device="cuda")
    assert (type(numbers), numbers.device) == (DeviceTensor, CUDA)
    for result in (numbers + 1, numbers + torch.tensor(2.0), numbers[torch.tensor([0])], torch.ones(3).to(CUDA)):
        assert result.device == CUDA
    assert type(numbers.cpu()) is type(numbers.to("cpu")) is torch.Tensor
    with pytest.raises(RuntimeError, match="same device"):
        numbers + torch.ones(3)
    with pytest.raises(RuntimeError, match="same device"):
        torch.ones(3)[numbers.long()]
    for read in (numbers.numpy, lambda: np.asarray(numbers)):
        with pytest.raises(TypeError, match="can't convert"):
            read()


@pytest.mark.parametrize("distance", ["euclidean", "cosine"])
def test_distances_are_those_of_the_cpu(distance: str) -> None:
    found, expected = (arithmetic.distances(distance, device) for device in (CUDA, CPU))
    np.testing.assert_allclose(found, expected, atol=1e-5)


@pytest.mark.slow
def test_maps_are_those_of_the_cpu() -> None:
    np.testing.assert_array_equal(arithmetic._maps(CUDA), arithmetic._maps_of_cpu())


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "precision"), [("skeletongait", "fp16"), ("skeletongait++", "float32"), ("skeletongait++", "bf16")]
)
def test_networks_train_and_embed_as_on_the_cpu(name: str, precision: str) -> None:
    found = arithmetic.losses(name, WIDTH, precision, CUDA)
    assert relative(found, arithmetic.losses(name, WIDTH, "float32", CPU)) < arithmetic.LOSS_LIMITS[precision]
    found = arithmetic.embeddings(name, WIDTH, precision, CUDA)
    expected = arithmetic.embeddings(name, WIDTH, "float32", CPU)
    assert relative(found, expected) < arithmetic.EMBEDDING_LIMITS[precision]


@pytest.mark.slow
def test_resume_in_fp16_is_exact_and_ends_without_a_message(
    monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    monkeypatch.setitem(runs.CHANNELS, "cuda", runs.CHANNELS["cpu"])
    np.testing.assert_array_equal(runs.resumed(CUDA), runs.uninterrupted(CUDA))
    assert "Traceback" not in capfd.readouterr().err
