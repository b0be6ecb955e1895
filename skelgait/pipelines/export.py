"""Export of a checkpoint to another format, with a check of the written file."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import torch

from skelgait.checkpoints.checkpoint import Checkpoint, load_checkpoint
from skelgait.checkpoints.describe import weights_not_finite
from skelgait.checkpoints.hub import file_sha256, is_hub_name, local_checkpoint
from skelgait.display import Row, Tabular
from skelgait.errors import CheckpointError, DataError, PathLike
from skelgait.export.check import TOLERANCE, Errors, largest_errors, walker
from skelgait.export.graph import ExportGraph
from skelgait.export.metadata import metadata_json
from skelgait.export.to_onnx import onnx_bytes, open_onnx
from skelgait.export.to_opengait import opengait_bytes
from skelgait.export.to_safetensors import safetensors_bytes
from skelgait.export.to_torchscript import open_torchscript, torchscript_bytes
from skelgait.pipelines.open_network import ONNX_SUFFIX, network_facts
from skelgait.runtime.advance import Advance, no_progress
from skelgait.settings.exporting import ExportFormat
from skelgait.storage.atomic import atomic_write
from skelgait.storage.lock import lock_file

SUFFIXES: dict[ExportFormat, str] = {
    "onnx": ONNX_SUFFIX,
    "torchscript": ".torchscript.pt",
    "safetensors": ".safetensors",
    "opengait": ".opengait.pt",
}
"""End of the default file name of each format."""

# Formats of weights alone, which are compared bit by bit.
_WEIGHTS = ("safetensors", "opengait")


@dataclass(frozen=True, repr=False)
class ExportReport(Tabular):
    """Summary of an exported file.

    Attributes:
        path: written file.
        format: its format.
        network: name of the network.
        classes: number of training identities.
        size_bytes: size of the file in bytes.
        errors: largest error of the embeddings relative to their largest value, for each number of sequences and
            frames that was compared; empty for files of weights, which are equal bit by bit.
    """

    path: Path
    format: ExportFormat
    network: str
    classes: int
    size_bytes: int
    errors: Errors

    def headline(self) -> str:
        """Return network and format."""
        return f"{self.network} as {self.format}"

    def rows(self) -> list[Row]:
        """Return one row for each property and each comparison."""
        rows: list[Row] = [
            {"name": "file", "value": str(self.path)},
            {"name": "network", "value": self.network},
            {"name": "size (bytes)", "value": self.size_bytes},
        ]
        for (n_sequences, n_frames), error in self.errors.items():
            rows.append({"name": f"error, {n_sequences} x {n_frames} frames", "value": f"{error:.1e}"})
        return rows if self.errors else [*rows, {"name": "weights", "value": "equal to those of the checkpoint"}]


def export_checkpoint(
    checkpoint: PathLike,
    format: ExportFormat,  # noqa: A002 - name of the flag
    out: PathLike | None = None,
    *,
    overwrite: bool = False,
    advance: Advance | None = None,
) -> ExportReport:
    """Write a checkpoint in another format, and compare the file with the checkpoint.

    Networks as ONNX and TorchScript take uint8 gray levels and return both embeddings, see
    `skelgait.export.graph.ExportGraph`. They are compared with the network on synthetic walkers of 1 to 720 frames.

    Args:
        checkpoint: checkpoint of skelgait or OpenGait, or its name on a hub.
        format: `onnx`, `torchscript`, `safetensors` or `opengait`.
        out: file to write; default: beside the checkpoint, or in the working folder if it is on a hub, with the suffix
            of the format.
        overwrite: replace an existing file.
        advance: called with the number of comparisons finished since the last call; `skelgait.export.check.SHAPES` has
            all of them.

    Raises:
        CheckpointError: if the checkpoint cannot be read or has weights that are not finite, or if the exported network
            differs from it.
        SettingsError: if a package is missing, or if the format cannot hold the network.
        DataError: if the file exists, is a folder or the checkpoint itself, has no suffix `.onnx` although the format
            is `onnx`, or cannot be written.
    """
    source = local_checkpoint(checkpoint)
    folder = Path() if is_hub_name(checkpoint) else source.parent
    path = Path(out) if out is not None else folder / (source.stem + SUFFIXES[format])
    loaded = load_checkpoint(source)
    _check_finite(source, loaded)
    _check_path(path, source, format)
    with lock_file(path):
        if path.exists() and not overwrite:
            raise DataError(path, "a file that exists", "a new file", "pass --overwrite, or another file with --out")
        with atomic_write(path) as partial:
            facts = network_facts(loaded)
            if not facts.checkpoint_sha256:
                facts = facts.model_copy(update={"checkpoint_sha256": file_sha256(source)})
            metadata = metadata_json(facts, loaded.settings, source.name)
            partial.write_bytes(_content(loaded, format, metadata))
            errors = _errors(partial, format, loaded, path, advance or no_progress)
    architecture = loaded.architecture
    size = path.stat().st_size
    return ExportReport(path, format, architecture.name, architecture.classes, size, errors)


def _check_finite(source: Path, checkpoint: Checkpoint) -> None:
    if names := weights_not_finite(checkpoint.weights):
        found = f"{len(names)} weights that are not finite (the training has diverged)"
        raise CheckpointError(source, found, "finite weights", "use an earlier checkpoint")


def _check_path(path: Path, source: Path, format: ExportFormat) -> None:  # noqa: A002
    if path.is_dir():
        raise DataError(path, "a folder", "a file", "pass a file with --out")
    if path.resolve() == source.resolve():
        raise DataError(path, "the checkpoint itself", "another file", "pass another file with --out")
    if format == "onnx" and path.suffix.lower() != ONNX_SUFFIX:
        hint = f"pass --out {path.with_name(path.name + ONNX_SUFFIX)}"
        raise DataError(path, f"a name without {ONNX_SUFFIX}", "a name that ends in it, as commands expect", hint)


def _content(checkpoint: Checkpoint, format: ExportFormat, metadata: str) -> bytes:  # noqa: A002
    if format == "safetensors":
        return safetensors_bytes(checkpoint, metadata)
    if format == "opengait":
        return opengait_bytes(checkpoint)
    graph = ExportGraph(checkpoint.network())
    examples = tuple(map(torch.from_numpy, walker(2, 5, graph.network.modalities)))
    write = onnx_bytes if format == "onnx" else torchscript_bytes
    return write(graph, metadata, examples)


def _errors(
    partial: Path,
    format: ExportFormat,  # noqa: A002
    checkpoint: Checkpoint,
    path: Path,
    advance: Advance,
) -> Errors:
    """Compare a written file with its checkpoint: weights bit by bit, networks by their embeddings."""
    if format in _WEIGHTS:
        weights = load_checkpoint(partial).weights
        if any(not torch.equal(weights[name], weight) for name, weight in checkpoint.weights.items()):
            raise CheckpointError(path, "other weights", "those of the checkpoint", "report this as a bug")
        return {}
    run = open_onnx(partial) if format == "onnx" else open_torchscript(partial)
    errors = largest_errors(run, checkpoint.network(), advance)
    if not max(errors.values()) <= TOLERANCE:
        found, expected = f"an error of {max(errors.values()):.1e} of its embeddings", f"at most {TOLERANCE:.0e}"
        raise CheckpointError(path, found, expected, "use another version of torch or onnxruntime")
    return errors
