"""Every registered network: compared with plain layers, alone and in a batch, in other precisions, and errors."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor, nn

from skelgait import models
from skelgait.errors import SettingsError, ShapeError
from skelgait.models.blocks import PointwiseConv
from skelgait.models.temporal import TemporalConv
from skelgait.opengait.weights import to_opengait
from tests.models.plain import PlainNetwork

SMALL = {"channels": (16, 32, 48, 64), "blocks": (1, 2, 1, 1), "classes": 5, "embedding_width": 24}


def small(name: str, **changes: object) -> models.GaitNetwork:
    """Return a small network with fixed random weights."""
    torch.manual_seed(0)
    return models.build_network(name, **{**SMALL, **changes})


def frames_for(network: models.GaitNetwork, n_frames: int) -> Tensor:
    return torch.rand(n_frames, network.in_channels, 64, 44, generator=torch.Generator().manual_seed(1))


every_network = pytest.mark.parametrize("name", models.NETWORKS)


@every_network
def test_output_has_shapes_and_float32(name: str) -> None:
    network = small(name)
    output = network(frames_for(network, 9), [2, 4, 3])
    assert output.embedding.shape == output.neck_embedding.shape == (3, 24, 16)
    assert output.logits.shape == (3, 5, 16)
    assert {tensor.dtype for tensor in output} == {torch.float32}


@pytest.mark.filterwarnings("ignore:.*autograd.function.Function.* should not be instantiated:DeprecationWarning")
@every_network
def test_training_on_a_cpu_compiles_as_one_graph(name: str) -> None:
    """Several graphs compile for minutes and run slowly; `fullgraph` refuses them."""
    compiled, plain = small(name).double(), small(name).double()
    frames = frames_for(compiled, 9).double()
    output = torch.compile(compiled, backend="eager", fullgraph=True)(frames, [3, 3, 3])
    torch.testing.assert_close(tuple(output), tuple(plain(frames, [3, 3, 3])))
    torch.testing.assert_close(compiled.state_dict(), plain.state_dict())


@every_network
@pytest.mark.parametrize("training", [False, True])
def test_float64_equals_plain_layers(name: str, training: bool) -> None:
    """Outputs, gradients and running statistics equal those of Conv3d and BatchNorm3d on (N, C, T, H, W)."""
    network = small(name).double().train(training)
    plain = PlainNetwork(network.in_channels, SMALL["channels"], SMALL["blocks"], SMALL["classes"], 24).double()
    plain.load_state_dict(to_opengait(network.state_dict()))
    plain.train(training)
    frames = frames_for(network, 9).double()
    result = network(frames, [3, 3, 3])
    expected = plain(frames.unflatten(0, (3, 3)).transpose(1, 2))
    weights = [torch.randn_like(tensor) for tensor in expected]
    for output in (result, expected):
        sum((tensor * weight).sum() for tensor, weight in zip(output, weights, strict=True)).backward()
    grads = to_opengait({name: value.grad for name, value in network.named_parameters()})
    torch.testing.assert_close(tuple(result), tuple(expected), rtol=1e-9, atol=1e-9)
    for parameter, value in plain.named_parameters():
        torch.testing.assert_close(grads[parameter], value.grad, rtol=1e-9, atol=1e-9 * float(value.grad.abs().max()))
    torch.testing.assert_close(to_opengait(network.state_dict()), dict(plain.state_dict()), rtol=1e-9, atol=1e-9)


@every_network
@pytest.mark.parametrize("autocast", [False, True])
def test_every_parameter_has_a_finite_gradient(name: str, autocast: bool) -> None:
    network = small(name)
    with torch.autocast("cpu", dtype=torch.bfloat16, enabled=autocast):
        output = network(frames_for(network, 12), [3, 3, 3, 3])
    assert {tensor.dtype for tensor in output} == {torch.float32}
    (output.embedding.square().mean() + output.logits.square().mean()).backward()
    for parameter, value in network.named_parameters():
        assert value.grad is not None, parameter
        assert value.grad.isfinite().all(), parameter
        assert value.grad.any(), parameter


@every_network
def test_sequence_does_not_depend_on_its_batch(name: str) -> None:
    network = small(name).eval()
    lengths = [5, 1, 3, 3, 7]
    frames = frames_for(network, sum(lengths))
    with torch.no_grad():
        batched = network(frames, lengths)
        single = [network(sequence, [len(sequence)]) for sequence in frames.split(lengths)]
    for of_batch, of_sequences in zip(batched, zip(*single, strict=True), strict=True):
        torch.testing.assert_close(
            of_batch, torch.cat(of_sequences), rtol=1e-5, atol=1e-6 * float(of_batch.abs().max())
        )


@every_network
def test_autocast_is_close_to_float32(name: str) -> None:
    network = small(name).eval()
    frames = frames_for(network, 6)
    with torch.no_grad():
        exact = network(frames, [3, 3]).embedding
        with torch.autocast("cpu", dtype=torch.bfloat16):
            rough = network(frames, [3, 3]).embedding
    error = (rough - exact).norm() / exact.norm()
    assert 0 < error < 0.05


@every_network
def test_features_stay_channels_last(name: str) -> None:
    """No convolution or norm changes the memory format of the features."""
    network = small(name, channels=(32, 32, 48, 64))
    other_formats: list[str] = []

    def check_format(module: nn.Module, _inputs: object, output: Tensor) -> None:
        if not output.is_contiguous(memory_format=torch.channels_last):
            other_formats.append(str(module))

    layers = (nn.Conv2d, nn.BatchNorm2d, nn.ReLU, PointwiseConv, TemporalConv)
    for module in network.modules():
        if isinstance(module, layers):
            module.register_forward_hook(check_format)
    network(frames_for(network, 6), [3, 3])
    assert other_formats == []


@every_network
def test_initial_weights_have_xavier_bounds(name: str) -> None:
    network = small(name, channels=(32, 64, 96, 128), embedding_width=64, classes=50)
    for module in network.modules():
        if isinstance(module, (nn.BatchNorm1d, nn.BatchNorm2d)):
            assert not module.bias.any()
            assert module.weight.sub(1).abs().max() < 0.02 * 6
            assert module.weight.numel() < 32 or 0.01 < module.weight.std() < 0.03
    for parameter, value in network.state_dict().items():
        if value.dim() < 3 or value.numel() < 500:
            continue
        # Xavier: the first two axes are outputs and inputs, the others the kernel; the same for strips (S, in, out).
        bound = (6 / (sum(value.shape[:2]) * value[0, 0].numel())) ** 0.5
        assert 0.9 * bound < value.abs().max().item() <= bound, parameter
        assert value.std().item() == pytest.approx(bound / 3**0.5, rel=0.1), parameter


@every_network
def test_synchronized_batch_norm_has_the_same_state(name: str) -> None:
    network = small(name)
    state = network.state_dict()
    synchronized = nn.SyncBatchNorm.convert_sync_batchnorm(network)
    norms = [module for module in synchronized.modules() if isinstance(module, nn.modules.batchnorm._BatchNorm)]
    assert {type(module) for module in norms} == {nn.SyncBatchNorm}
    torch.testing.assert_close(synchronized.state_dict(), state)


def test_unknown_network_is_refused() -> None:
    with pytest.raises(SettingsError, match=r"found gaitset, expected skeletongait or skeletongait\+\+"):
        models.build_network("gaitset", **SMALL)


def test_strips_that_do_not_divide_16_are_refused() -> None:
    with pytest.raises(SettingsError, match="found 5, expected a divisor of 16"):
        small("skeletongait", strips=5)


@pytest.mark.parametrize(
    ("shape", "dtype", "lengths", "message"),
    [
        ((0, 2, 64, 44), torch.float32, [], r"lengths: found \[\], .* leave out empty sequences"),  # no sequence
        ((3, 2, 64, 44), torch.float32, [3, 0], r"lengths: found \[3, 0\], .* leave out empty"),  # an empty one
        ((3, 2, 64, 44), torch.float32, [1, 1], "found a sum of 2, expected 3, the number of frames"),  # sum too small
        (
            (3, 2, 64, 64),
            torch.float32,
            [3],
            r"found \(3, 2, 64, 64\) float32, .* cut 10 columns on each side",
        ),  # not cut
        ((3, 2, 128, 88), torch.float32, [3], r"expected \(F, 2, 64, 44\); resize the frames to 64 x 64"),  # large
        (
            (3, 3, 64, 44),
            torch.float32,
            [3],
            r"expected \(F, 2, 64, 44\); the channels of this network are limb map, joint map",
        ),  # silhouette
        ((1, 3, 2, 64, 44), torch.float32, [3], "concatenate the frames of all sequences"),  # not packed
        ((3, 2, 64, 44), torch.uint8, [3], "uint8, .* divide gray levels by 255"),  # gray levels
    ],
)
def test_wrong_frames_are_refused(shape: tuple[int, ...], dtype: torch.dtype, lengths: list[int], message: str) -> None:
    network = small("skeletongait")
    with pytest.raises(ShapeError, match=message):
        network(torch.zeros(shape, dtype=dtype), lengths)
