"""Embeddings of sequences in memory, in one call."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray
from pydantic import ValidationError

from skelgait.embeddings.extraction import InferenceOptions
from skelgait.errors import CheckpointError, DataError, PathLike, SettingsError, ShapeError
from skelgait.maps import skeleton_maps
from skelgait.pipelines.open_network import open_checkpoint, open_network
from skelgait.preprocess.maps import DRAWING_SETTINGS
from skelgait.sampling.inputs import cut_columns, stack_modalities
from skelgait.settings.schema import HeatmapSettings

if TYPE_CHECKING:
    from skelgait.checkpoints.checkpoint import Checkpoint

_POSES = "poses (T, V, 3)"
_MAPS = "skeleton maps (T, 2, 64, 64 or 44) of uint8"
_PAIR = "a tuple (skeleton maps, silhouettes (T, 64, 64 or 44) of uint8)"


class Embedder:
    """Trained network that turns sequences in memory into embeddings.

    Poses are drawn as the maps that the network was trained on. If the checkpoint does not tell how these were drawn,
    as checkpoints of OpenGait, the defaults of `skelgait heatmap` apply. The embeddings are bit-identical to those that
    `skelgait embed` writes for the same sequences with the same options; another batch size changes their rounding.

        embedder = skelgait.Embedder("runs/CCPG_skeletongait/checkpoints/CCPG_skeletongait-60000.pt")
        embedding = embedder(poses)  # (T, 17, 3) -> (1, D, S)
        embeddings = embedder([poses, other_poses])  # (2, D, S)

    Args:
        checkpoint: path of a checkpoint of skelgait or OpenGait; path of an ONNX file of `skelgait export`, which needs
            no torch; or a loaded checkpoint.
        device: `auto` (default: CUDA, then MPS, then CPU), `cuda`, `mps` or `cpu`.
        embedding: 1: before the batch norm neck; 2: after it; default: the test embedding of the checkpoint, or 1.
        options: precision, batch size and maximum number of frames; workers are not used.

    Attributes:
        facts: facts about the network in the file.
        device: name of the device of the network.
        embedding: 1 or 2.

    Raises:
        CheckpointError: if the file cannot be used.
        SettingsError: if the machine has no such device, if `embedding` is neither 1 nor 2, or if a package is missing.
    """

    def __init__(
        self,
        checkpoint: PathLike | Checkpoint,
        *,
        device: str = "auto",
        embedding: int | None = None,
        options: InferenceOptions | None = None,
    ) -> None:
        if embedding not in (None, 1, 2):
            raise SettingsError("embedding", str(embedding), "1 or 2", "1 is before the batch norm neck, 2 after it")
        self._options = options or InferenceOptions()
        precision = self._options.precision
        if isinstance(checkpoint, str | os.PathLike):
            self.facts, self._model = open_network(Path(checkpoint), device, precision)
        else:
            self.facts, self._model = open_checkpoint(checkpoint, device, precision)
        self.device = self._model.device
        self.embedding = embedding or self.facts.test_embedding or 1
        self._drawing = _drawing_options(self.facts.data)

    def __call__(self, sequences: Any) -> NDArray[np.float32]:
        """Return the embeddings of one sequence or of a list of sequences.

        A sequence is one of:

        * poses (T, V, 3): x px, y px and confidence, as `skeleton_maps` takes them (for networks of maps);
        * skeleton maps (T, 2, 64, 64) uint8 (for networks of maps);
        * a tuple of skeleton maps and silhouettes (T, 64, 64) uint8 (for networks of maps and silhouettes).

        Maps and silhouettes may be 44 columns wide. Arrays may be NumPy arrays or tensors, poses also nested lists.
        Sequences of a list may have different lengths T.

        Args:
            sequences: a sequence, or a list of sequences.

        Returns:
            Embeddings (N, D, S) float32, with N = 1 for a single sequence.

        Raises:
            ShapeError: if an array has the wrong shape or type.
            DataError: if a sequence has no frames or no body, or a coordinate or confidence is impossible.
            CheckpointError: if an embedding is not finite.
        """
        items = _list_of_sequences(sequences)
        if not items:
            raise DataError("sequences", "an empty list", "at least one sequence", "pass a sequence or a list of them")
        size = self._options.batch_size
        rows = [self._embed(items[start : start + size], start) for start in range(0, len(items), size)]
        # The memory layout of embedding files: the D numbers of a strip are contiguous.
        return np.concatenate(rows).swapaxes(1, 2)

    def __repr__(self) -> str:
        name, iteration = self.facts.network, self.facts.iteration
        return f"<Embedder: {name}, iteration {iteration}, embedding {self.embedding}, on {self.device}>"

    def _embed(self, items: Sequence[Any], start: int) -> NDArray[np.float32]:
        """Return embeddings (n, S, D) of one batch; `start` is the index of its first sequence."""
        clips = [self._frames(item, f"sequence {start + i}") for i, item in enumerate(items)]
        rows = self._model.embed(np.concatenate(clips), [len(clip) for clip in clips])[self.embedding - 1]
        is_finite = np.isfinite(rows).all(axis=(1, 2))
        if not is_finite.all():
            where = f"sequence {start + int((~is_finite).argmax())}"
            raise CheckpointError(where, "an embedding with NaN or infinity", "finite numbers", "use float32")
        return rows

    def _frames(self, sequence: Any, where: str) -> NDArray[np.uint8]:
        """Return the frames (T, C, 64, 44) of a sequence as the network takes them."""
        modalities = self.facts.modalities
        takes_pairs = modalities == ("map", "silhouette")
        expected = _PAIR if takes_pairs else f"{_POSES} or {_MAPS}"
        arrays = [_as_array(array, where) for array in (sequence if isinstance(sequence, tuple) else (sequence,))]
        is_poses = len(arrays) == 1 and arrays[0].ndim == 3 and arrays[0].shape[2] == 3
        if is_poses and not takes_pairs:
            arrays = [skeleton_maps(arrays[0], name=where, **self._drawing).maps]
        dimensions = (4, 3)[: len(arrays)]
        fits = (
            len(arrays) == len(modalities)
            and all(array.dtype == np.uint8 and array.ndim == n for array, n in zip(arrays, dimensions, strict=True))
            and arrays[0].shape[1] == 2
        )
        if not fits:
            found = " and ".join(f"{array.shape} of {array.dtype}" for array in arrays)
            hint = "pass several sequences as a list" if not isinstance(sequence, tuple) else "check the arrays"
            raise ShapeError(where, found, f"{expected} for {self.facts.network}", hint)
        if len({len(array) for array in arrays}) > 1:
            found = f"{len(arrays[0])} maps and {len(arrays[1])} silhouettes"
            raise ShapeError(where, found, "as many maps as silhouettes", "keep the frames that both have")
        if not len(arrays[0]):
            raise DataError(where, "no frames", "at least one frame", "leave out empty sequences")
        if not any(array.any() for array in arrays):
            raise DataError(where, "only empty frames", "a body", "leave out empty sequences")
        arrays = [array[: self._options.max_frames] for array in arrays]
        return np.ascontiguousarray(cut_columns(stack_modalities(arrays, where), where))


def _list_of_sequences(sequences: Any) -> list[Any]:
    """Return a list of sequences; a single sequence becomes a list of one."""
    if isinstance(sequences, tuple):
        return [sequences]
    if isinstance(sequences, list) and (not sequences or isinstance(sequences[0], tuple)):
        return sequences
    shape = _outer_shape(sequences)
    is_single = len(shape) <= 3 or (len(shape) == 4 and shape[-1] != 3)
    return [sequences] if is_single else list(sequences)


def _outer_shape(array: Any) -> tuple[int, ...]:
    """Return the shape of an array or of nested lists, from the first item of each list."""
    if isinstance(array, list):
        return (len(array), *(_outer_shape(array[0]) if array else ()))
    return tuple(getattr(array, "shape", None) or np.shape(array))


def _as_array(array: Any, where: str) -> NDArray[Any]:
    """Return an array, a tensor or nested lists as an array."""
    if hasattr(array, "detach"):  # a tensor, without importing torch
        array = array.detach().cpu().numpy()
    try:
        return np.asarray(array)
    except ValueError as error:
        found = "items of different shapes"
        raise ShapeError(where, found, "one array", "pass several sequences as a list of arrays") from error


def _drawing_options(data: Mapping[str, Any]) -> dict[str, Any]:
    """Return the arguments of `skeleton_maps` that the training maps were drawn with."""
    drawn = data.get("drawn") or {}
    known = {name: value for name, value in drawn.items() if name in DRAWING_SETTINGS}
    try:
        return HeatmapSettings.model_validate(known).model_dump(include=DRAWING_SETTINGS)
    except ValidationError as error:
        found = f"unknown settings of the training maps ({error.errors()[0]['msg']})"
        raise CheckpointError("checkpoint", found, "settings of `skelgait heatmap`", "train it again") from error
