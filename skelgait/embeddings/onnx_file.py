"""Checked ONNX file of `skelgait export`: its metadata, its inputs and outputs, and a session that runs it."""

from __future__ import annotations

import io
import json
import logging
import os
from contextlib import redirect_stdout
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from pydantic import ValidationError

from skelgait.embeddings.model import NetworkFacts
from skelgait.embeddings.onnx_external_data import has_external_data
from skelgait.errors import CheckpointError, SettingsError, reason_of
from skelgait.models.inputs import Modality
from skelgait.runtime.cores import usable_cores
from skelgait.storage.format_version import check_format

if TYPE_CHECKING:
    from onnxruntime import InferenceSession

log = logging.getLogger(__name__)

METADATA_KEY = "skelgait"
FORMAT = 1
OUTPUTS = ("embedding_1", "embedding_2")
INPUTS: dict[tuple[Modality, ...], dict[str, int]] = {
    ("map",): {"maps": 5},
    ("map", "silhouette"): {"maps": 5, "silhouettes": 4},
}
"""Name and number of axes of each input, by the modalities of the network."""

_EXPECTED = "an ONNX file of `skelgait export --format onnx`"
_HINT = "export the checkpoint again"
_PROVIDERS = {"cuda": "CUDAExecutionProvider", "cpu": "CPUExecutionProvider"}


class OnnxFile(NamedTuple):
    """Opened ONNX file.

    Attributes:
        path: path of the file.
        session: session on the device.
        facts: facts about the network, which `skelgait export` writes under the key `skelgait`.
        device: `cpu` or `cuda`.
    """

    path: Path
    session: InferenceSession
    facts: NetworkFacts
    device: str


def open_onnx_file(path: Path, device: str, precision: str) -> OnnxFile:
    """Open an ONNX file of `skelgait export`, and check that it is one.

    Args:
        path: path of the file.
        device: `cpu`; `cuda`, if onnxruntime can use it; or `auto`: the best of these.
        precision: float32.

    Raises:
        CheckpointError: if the file is missing, damaged, or has other inputs, outputs or metadata.
        SettingsError: if onnxruntime is missing, or cannot use the device or the precision.
    """
    if precision != "float32":
        hint = "leave out the setting, or use the checkpoint instead of the ONNX file"
        raise SettingsError("precision", f"{precision} with {path}", "float32, as exported", hint)
    is_wanted, device = device == "cuda", _pick_provider(path, device)
    if not path.is_file():
        raise CheckpointError(path, "no such file", _EXPECTED, "check the path")
    _check_alone(path)
    try:
        session = _session(path, device)
    except Exception as error:  # a damaged or hostile file can raise anything
        found = f"a file that onnxruntime cannot open ({reason_of(error)})"
        raise CheckpointError(path, found, _EXPECTED, _HINT) from error
    if _PROVIDERS[device] not in session.get_providers():  # it runs on the CPU instead
        device = _without_cuda(path, is_wanted=is_wanted)
    facts = _read_facts(path, session)
    _check_tensors(path, session, facts)
    return OnnxFile(path, session, facts, device)


def _check_alone(path: Path) -> None:
    """Refuse weights in other files: a hostile ONNX file could name any file of the machine."""
    try:
        is_alone = not has_external_data(memoryview(path.read_bytes()))
    except (OSError, ValueError) as error:
        raise CheckpointError(path, f"a damaged file ({reason_of(error)})", _EXPECTED, _HINT) from error
    if not is_alone:
        raise CheckpointError(path, "weights in other files", _EXPECTED, _HINT)


def _pick_provider(path: Path, device: str) -> str:
    """Return `cpu` or `cuda`, as onnxruntime can use it."""
    try:
        from onnxruntime import get_available_providers
    except ImportError as error:
        hint = "run `pip install onnxruntime`"
        raise SettingsError(path, "no onnxruntime", "onnxruntime, which runs ONNX files", hint) from error
    present = set(get_available_providers())
    available = [name for name, provider in _PROVIDERS.items() if provider in present]
    if device == "auto":
        return available[0]
    if device not in available:
        hint = "use --device cpu" if device != "cuda" else "run `pip install onnxruntime-gpu`, or use --device cpu"
        raise SettingsError("--device", f"{device} with {path}", f"{' or '.join(available)} for ONNX files", hint)
    return device


def _without_cuda(path: Path, *, is_wanted: bool) -> str:
    """Return `cpu`, with a warning; refuse it if CUDA is wanted."""
    expected, hint = "the libraries of CUDA and cuDNN", "run `pip install 'onnxruntime-gpu[cuda,cudnn]'`"
    error = SettingsError("--device", f"cuda with {path}, which onnxruntime cannot start", expected, hint)
    if is_wanted:
        raise error
    log.warning("%s; the CPU is used", error)
    return "cpu"


def threads() -> int:
    """Return the number of threads: OMP_NUM_THREADS as for torch, or the number of usable cores."""
    text = os.environ.get("OMP_NUM_THREADS", "")
    return int(text) if text.isdigit() and int(text) else usable_cores()


def _session(path: Path, device: str) -> InferenceSession:
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads()
    options.inter_op_num_threads = 1
    options.log_severity_level = 4  # errors are raised
    provider_options = {}
    if device == "cuda":
        provider_options = {"use_tf32": "0"}  # by default it computes with 10 bits instead of 23
        if hasattr(onnxruntime, "preload_dlls"):
            with redirect_stdout(io.StringIO()):  # it prints what it does not find
                onnxruntime.preload_dlls()
    return onnxruntime.InferenceSession(path, options, [(_PROVIDERS[device], provider_options)])


def _read_facts(path: Path, session: InferenceSession) -> NetworkFacts:
    text = session.get_modelmeta().custom_metadata_map.get(METADATA_KEY)
    if text is None:
        raise CheckpointError(path, f"no metadata {METADATA_KEY}", _EXPECTED, _HINT)
    try:
        content = json.loads(text)
        if isinstance(content, dict):
            check_format(path, content.get("format"), FORMAT)
        # From JSON, strict validation accepts a list for a tuple.
        return NetworkFacts.model_validate_json(text)
    except ValidationError as error:
        problem = error.errors()[0]
        found = f"metadata with {'.'.join(map(str, problem['loc'])) or 'no entries'}: {problem['msg']}"
        raise CheckpointError(path, found, _EXPECTED, _HINT) from error
    except (ValueError, RecursionError) as error:
        raise CheckpointError(path, f"metadata that is no JSON ({reason_of(error)})", _EXPECTED, _HINT) from error


def _check_tensors(path: Path, session: InferenceSession, facts: NetworkFacts) -> None:
    """Check names, types and numbers of axes of inputs and outputs."""
    inputs = {(tensor.name, tensor.type, len(tensor.shape)) for tensor in session.get_inputs()}
    axes = INPUTS.get(facts.modalities, {})
    expected = {(name, "tensor(uint8)", n_axes) for name, n_axes in axes.items()}
    if inputs != expected or not expected:
        found = f"inputs {_texts(inputs)}"
        raise CheckpointError(path, found, f"{_texts(expected)} for {facts.network}", _HINT)
    outputs = {(tensor.name, tensor.type, len(tensor.shape)) for tensor in session.get_outputs()}
    expected = {(name, "tensor(float)", 3) for name in OUTPUTS}
    if not expected <= outputs:
        raise CheckpointError(path, f"outputs {_texts(outputs)}", _texts(expected), _HINT)


def _texts(tensors: set[tuple[str, str, int]]) -> str:
    return ", ".join(f"{name} {kind} of {n} axes" for name, kind, n in sorted(tensors)) or "none"
