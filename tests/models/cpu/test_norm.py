"""Batch norm of frames, compared with nn.BatchNorm2d in float64."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch
from torch import Tensor, nn

from skelgait.models.cpu.norm import channel_moments
from skelgait.models.norm import FrameBatchNorm, norm_relu


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
def test_equals_batch_norm_2d(shape: tuple[int, int, int, int]) -> None:
    ours, plain = pair(shape[1])
    frames, same = frames_of(shape).requires_grad_(), frames_of(shape).requires_grad_()
    for _ in range(2):  # the second step uses updated running statistics
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


@pytest.mark.parametrize("compiled", [False, True])
@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_moments_of_many_frames_are_exact(dtype: torch.dtype, compiled: bool) -> None:
    moments = torch.compile(channel_moments, backend="eager", fullgraph=True) if compiled else channel_moments
    frames = frames_of((300, 4, 64, 44), dtype)
    mean, variance = moments(frames)
    assert mean.dtype == variance.dtype == torch.float32
    true_variance, true_mean = torch.var_mean(frames.double(), (0, 2, 3), correction=0)
    torch.testing.assert_close(mean.double(), true_mean, rtol=1e-6, atol=0)
    torch.testing.assert_close(variance.double(), true_variance, rtol=1e-6, atol=0)


def test_gradient_equals_finite_differences() -> None:
    norm = FrameBatchNorm(2).double()
    frames = frames_of((3, 2, 4, 3)).requires_grad_()
    assert torch.autograd.gradcheck(lambda *tensors: norm(tensors[0]), (frames, norm.weight, norm.bias))


Layer = Callable[[nn.Module, Tensor, Tensor | None], Tensor]


def norm_only(norm: nn.Module, frames: Tensor, _: Tensor | None) -> Tensor:
    out: Tensor = norm(frames)
    return out


def plain_norm_relu(norm: nn.Module, frames: Tensor, residual: Tensor | None) -> Tensor:
    return (norm(frames) if residual is None else norm(frames) + residual).relu()


def run(layer: Layer, norm: nn.Module, inputs: list[Tensor]) -> list[Tensor]:
    """Return result, running statistics, and gradients of weight, bias, frames and, if given, residual.

    Args:
        layer: layer to run.
        norm: batch norm layer.
        inputs: gradient of the result, frames and, optionally, residual.
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


def assert_close(result: list[Tensor], expected: list[Tensor], tolerance: float) -> None:
    for a, b in zip(result, expected, strict=True):
        scale = max(1.0, float(b.abs().max()))
        torch.testing.assert_close(a.double(), b.double(), rtol=tolerance, atol=tolerance * scale)


SHAPES = [(1, 1, 1, 2), (1, 4, 3, 5), (3, 3, 7, 1), (5, 6, 4, 3), (9, 16, 64, 44), (4, 128, 8, 6), (3, 1040, 2, 2)]
# Layer, plain version of it, and if it has a residual.
LAYERS: list[tuple[Layer, Layer, bool]] = [
    (norm_only, norm_only, False),
    (norm_relu, plain_norm_relu, False),
    (norm_relu, plain_norm_relu, True),
]


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize(("layer", "plain_layer", "with_residual"), LAYERS)
def test_float32_layers_equal_plain_layers(
    shape: tuple[int, int, int, int], layer: Layer, plain_layer: Layer, with_residual: bool
) -> None:
    inputs = inputs_of(shape, with_residual)
    ours, plain = norms(shape[1])
    assert_close(run(layer, ours, inputs), run(plain_layer, plain, inputs), 1e-5)


@pytest.mark.parametrize(("layer", "plain_layer", "with_residual"), LAYERS)
def test_layers_without_compiled_loops_equal_plain_layers(
    monkeypatch: pytest.MonkeyPatch, layer: Layer, plain_layer: Layer, with_residual: bool
) -> None:
    for module in ("norm", "cpu.norm"):
        monkeypatch.setattr(f"skelgait.models.{module}.can_fuse", lambda _: False)
    inputs = inputs_of((5, 6, 4, 3), with_residual)
    ours, plain = norms(6)
    assert_close(run(layer, ours, inputs), run(plain_layer, plain, inputs), 1e-5)


@pytest.mark.parametrize("with_residual", [False, True])
def test_norm_relu_of_other_batch_norm(with_residual: bool) -> None:
    inputs = inputs_of((5, 6, 4, 3), with_residual)
    assert_close(run(norm_relu, norms(6)[1], inputs), run(plain_norm_relu, norms(6)[1], inputs), 1e-12)


@pytest.mark.parametrize(("layer", "plain_layer", "with_residual"), LAYERS)
def test_result_is_repeatable_and_independent_of_threads(layer: Layer, plain_layer: Layer, with_residual: bool) -> None:
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
    assert_close(runs[1][0], runs[2][0], 1e-6)


@pytest.mark.parametrize("bad", [float("nan"), float("inf")])
@pytest.mark.parametrize("with_residual", [False, True])
def test_nan_and_inf_are_passed_on(bad: float, with_residual: bool) -> None:
    grad, frames, *residual = inputs_of((2, 3, 4, 5), with_residual)
    frames[1, 2, 3, 4] = bad
    out = run(norm_relu, norms(3)[0], [grad, frames, *residual])[0]
    assert out[:, 2].isnan().all()
    assert out[:, :2].isfinite().all()


def test_contiguous_gradient_and_residual_give_same_result() -> None:
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
