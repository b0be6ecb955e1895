"""Batch norm of frames: nn.BatchNorm2d's results, without its rounding."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch
from torch import Tensor, nn

from skelgait.models.cpu.norm import FrameBatchNorm, channel_moments, norm_relu


def frames_of(shape: tuple[int, int, int, int], dtype: torch.dtype = torch.float64) -> Tensor:
    frames = torch.randn(shape, dtype=torch.float64, generator=torch.Generator().manual_seed(0)).relu() * 3 + 1
    return frames.to(dtype).contiguous(memory_format=torch.channels_last)


def pair(channels: int) -> tuple[FrameBatchNorm, nn.BatchNorm2d]:
    ours, plain = FrameBatchNorm(channels).double(), nn.BatchNorm2d(channels).double()
    nn.init.normal_(plain.weight)
    nn.init.normal_(plain.bias)
    ours.load_state_dict(plain.state_dict())
    return ours, plain


@pytest.mark.parametrize("shape", [(1, 3, 2, 2), (1, 3, 5, 1), (7, 4, 6, 5), (6, 1, 3, 4)])
def test_batch_norm_2d(shape: tuple[int, int, int, int]) -> None:
    ours, plain = pair(shape[1])
    frames, same = frames_of(shape).requires_grad_(), frames_of(shape).requires_grad_()
    for _ in range(2):  # so that the running statistics are followed, too
        torch.testing.assert_close(out := ours(frames), expected := plain(same))
    weights = torch.randn_like(out)
    out.backward(weights)
    expected.backward(weights)
    torch.testing.assert_close(frames.grad, same.grad)
    torch.testing.assert_close(ours.weight.grad, plain.weight.grad)
    torch.testing.assert_close(ours.bias.grad, plain.bias.grad)
    torch.testing.assert_close(ours.state_dict(), plain.state_dict())
    ours.eval()
    plain.eval()
    torch.testing.assert_close(ours(frames), plain(same))


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_moments_are_exact_for_many_frames(dtype: torch.dtype) -> None:
    frames = frames_of((300, 4, 64, 44), dtype)
    mean, variance = channel_moments(frames)
    assert mean.dtype == variance.dtype == torch.float32
    true_variance, true_mean = torch.var_mean(frames.double(), (0, 2, 3), correction=0)
    torch.testing.assert_close(mean.double(), true_mean, rtol=1e-6, atol=0)
    torch.testing.assert_close(variance.double(), true_variance, rtol=1e-6, atol=0)


def test_gradient_by_differences() -> None:
    norm = FrameBatchNorm(2).double()
    frames = frames_of((3, 2, 4, 3)).requires_grad_()
    assert torch.autograd.gradcheck(lambda *tensors: norm(tensors[0]), (frames, norm.weight, norm.bias))


Layer = Callable[[nn.Module, Tensor, Tensor | None], Tensor]


def norm_alone(norm: nn.Module, frames: Tensor, _: Tensor | None) -> Tensor:
    out: Tensor = norm(frames)
    return out


def rectified(norm: nn.Module, frames: Tensor, residual: Tensor | None) -> Tensor:
    return (norm(frames) if residual is None else norm(frames) + residual).relu()


def run(layer: Layer, norm: nn.Module, inputs: list[Tensor]) -> list[Tensor]:
    """Result, running statistics, and the gradients of weight, bias, frames, and residual if there is one.

    Args:
        layer: what is done.
        norm: batch norm with weights and statistics of its own.
        inputs: gradient of the result, frames, and the residual if there is one.
    """
    grad, *leaves = (values.clone().to(norm.weight.dtype).requires_grad_() for values in inputs)
    out = layer(norm, leaves[0], leaves[1] if len(leaves) > 1 else None)
    gradients = torch.autograd.grad(out, [norm.weight, norm.bias, *leaves], grad.detach())
    return [out.detach(), norm.running_mean, norm.running_var, *gradients]


def inputs_of(shape: tuple[int, int, int, int], with_residual: bool) -> list[Tensor]:
    drawn = torch.randn(2, *shape, generator=torch.Generator().manual_seed(1))
    grad, residual = (values.contiguous(memory_format=torch.channels_last) for values in drawn)
    return [grad, frames_of(shape, torch.float32), *([residual] if with_residual else [])]


def norms(channels: int) -> tuple[FrameBatchNorm, nn.BatchNorm2d]:
    torch.manual_seed(0)
    ours, plain = pair(channels)
    return ours.float(), plain


def assert_alike(found: list[Tensor], expected: list[Tensor], tolerance: float) -> None:
    for a, b in zip(found, expected, strict=True):
        scale = max(1.0, float(b.abs().max()))
        torch.testing.assert_close(a.double(), b.double(), rtol=tolerance, atol=tolerance * scale)


SHAPES = [(1, 1, 1, 2), (1, 4, 3, 5), (3, 3, 7, 1), (5, 6, 4, 3), (9, 16, 64, 44), (4, 128, 8, 6), (3, 1040, 2, 2)]
# What is done, plainly, and whether to a residual, too.
LAYERS: list[tuple[Layer, Layer, bool]] = [
    (norm_alone, norm_alone, False),
    (norm_relu, rectified, False),
    (norm_relu, rectified, True),
]


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize(("layer", "plainly", "with_residual"), LAYERS)
def test_float32_layers(shape: tuple[int, int, int, int], layer: Layer, plainly: Layer, with_residual: bool) -> None:
    inputs = inputs_of(shape, with_residual)
    ours, plain = norms(shape[1])
    assert_alike(run(layer, ours, inputs), run(plainly, plain, inputs), 1e-5)


@pytest.mark.parametrize(("layer", "plainly", "with_residual"), LAYERS)
def test_layers_without_compiled_loops(
    monkeypatch: pytest.MonkeyPatch, layer: Layer, plainly: Layer, with_residual: bool
) -> None:
    monkeypatch.setattr("skelgait.models.cpu.norm.can_fuse", lambda _: False)
    inputs = inputs_of((5, 6, 4, 3), with_residual)
    ours, plain = norms(6)
    assert_alike(run(layer, ours, inputs), run(plainly, plain, inputs), 1e-5)


@pytest.mark.parametrize("with_residual", [False, True])
def test_rectified_norm_of_another_class(with_residual: bool) -> None:
    inputs = inputs_of((5, 6, 4, 3), with_residual)
    assert_alike(run(norm_relu, norms(6)[1], inputs), run(rectified, norms(6)[1], inputs), 1e-12)


@pytest.mark.parametrize(("layer", "plainly", "with_residual"), LAYERS)
def test_threads_and_repetition(layer: Layer, plainly: Layer, with_residual: bool) -> None:
    inputs, before = inputs_of((7, 16, 9, 11), with_residual), torch.get_num_threads()
    runs = {}
    try:
        for threads in (1, 2):
            torch.set_num_threads(threads)
            runs[threads] = [run(layer, norms(16)[0], inputs) for _ in range(2)]
    finally:
        torch.set_num_threads(before)
    for first, second in runs.values():
        assert all(torch.equal(a, b) for a, b in zip(first, second, strict=True))
    assert_alike(runs[1][0], runs[2][0], 1e-6)


@pytest.mark.parametrize("bad", [float("nan"), float("inf")])
@pytest.mark.parametrize("with_residual", [False, True])
def test_what_is_not_finite_comes_through(bad: float, with_residual: bool) -> None:
    grad, frames, *residual = inputs_of((2, 3, 4, 5), with_residual)
    frames[1, 2, 3, 4] = bad
    out = run(norm_relu, norms(3)[0], [grad, frames, *residual])[0]
    assert out[:, 2].isnan().all()
    assert out[:, :2].isfinite().all()


def test_gradients_and_residuals_in_other_memory() -> None:
    inputs = inputs_of((5, 6, 4, 3), True)
    others = [inputs[0].contiguous(), inputs[1], inputs[2].contiguous()]
    expected = run(norm_relu, norms(6)[0], inputs)
    assert all(torch.equal(a, b) for a, b in zip(run(norm_relu, norms(6)[0], others), expected, strict=True))


def test_moments_of_fused_layers_are_exact() -> None:
    norm, frames = FrameBatchNorm(4), frames_of((300, 4, 64, 44), torch.float32)
    norm(frames)
    true_variance, true_mean = torch.var_mean(frames.double(), (0, 2, 3))
    torch.testing.assert_close(norm.running_mean.double(), 0.1 * true_mean, rtol=1e-6, atol=0)
    torch.testing.assert_close(norm.running_var.double(), 0.9 + 0.1 * true_variance, rtol=1e-6, atol=0)
