"""Model bundle of MediaPipe's pose landmark task: in the cache, fetched once, or made from a wheel of MediaPipe."""

from __future__ import annotations

import hashlib
import urllib.request
import zipfile
from pathlib import Path
from typing import Any

from skelgait.errors import DataError, reading, reason_of
from skelgait.storage.atomic import atomic_write
from skelgait.storage.cache import cache_folder

URL = (
    "https://storage.googleapis.com/mediapipe-models/pose_landmarker/pose_landmarker_full/float16/1/"
    "pose_landmarker_full.task"
)
SHA256 = "5134a3aad27a58b93da0088d431f366da362b44e3ccfbe3462b3827a839011b1"
"""Checksum of the bundle at `URL`."""
_SECONDS = 30
_EXPECTED = "a .task bundle, or a wheel of MediaPipe 0.10.14 to 0.10.21"
_OFFLINE = (
    "connect to the internet, or run: pip download --no-deps --python-version 3.11 --only-binary :all: "
    "mediapipe==0.10.21 and pass the wheel with --model"
)
# Model in a wheel, with its name in the bundle, and mean and deviation of the pixels that it takes.
_MODELS = (
    ("mediapipe/modules/pose_detection/pose_detection.tflite", "pose_detector.tflite", 127.5, 127.5),
    ("mediapipe/modules/pose_landmark/pose_landmark_full.tflite", "pose_landmarks_detector.tflite", 0.0, 255.0),
)


def find_bundle(model: Path | None) -> Path:
    """Return the file of the bundle.

    A bundle made from a wheel is kept in the cache, under the checksum of the wheel.

    Args:
        model: `.task` bundle, or wheel of MediaPipe with models; None: the official bundle, fetched on first use.

    Raises:
        DataError: if the file has no such models, or the bundle cannot be fetched.
    """
    if model is None:
        return _official_bundle(cache_folder() / "pose_landmarker_full.task")
    if model.suffix != ".whl":
        with reading(model, _EXPECTED, "check --model", also=(zipfile.BadZipFile,)), zipfile.ZipFile(model) as bundle:
            if not {name for _, name, _, _ in _MODELS} <= set(bundle.namelist()):
                raise DataError(model, "other files in the bundle", _EXPECTED, "check --model")
        return model
    with reading(model, _EXPECTED, "check --model"), model.open("rb") as file:
        digest = hashlib.sha256(file.read()).hexdigest()
    path = cache_folder() / f"pose_landmarker_{digest[:16]}.task"
    if not path.is_file():
        bundle_from_wheel(model, path)
    return path


def bundle_from_wheel(wheel: Path, path: Path) -> None:
    """Make a bundle from the models in a wheel of MediaPipe.

    Raises:
        DataError: if the wheel has no models, or the bundle cannot be written.
    """
    from mediapipe.tasks.python.metadata.metadata_writers.model_asset_bundle_utils import create_model_asset_bundle

    problems = (zipfile.BadZipFile, KeyError)
    with reading(wheel, _EXPECTED, _OFFLINE, "no models", also=problems), zipfile.ZipFile(wheel) as archive:
        models = {name: _with_pixel_range(archive.read(file), mean, std) for file, name, mean, std in _MODELS}
    with atomic_write(path) as partial:
        create_model_asset_bundle(models, str(partial))


def _official_bundle(path: Path) -> Path:
    if path.is_file():
        return path
    try:
        with urllib.request.urlopen(URL, timeout=_SECONDS) as response:
            content: bytes = response.read()
    except OSError as error:
        found = f"no file, and no connection to fetch it ({reason_of(error)})"
        raise DataError(path, found, f"the bundle of {URL}", _OFFLINE) from error
    if hashlib.sha256(content).hexdigest() != SHA256:
        raise DataError(URL, "content of another checksum", f"SHA-256 {SHA256}", _OFFLINE)
    with atomic_write(path) as partial:
        partial.write_bytes(content)
    return path


def _with_pixel_range(model: bytes, mean: float, std: float) -> bytes:
    """Return a model with the metadata that the task needs: mean and deviation of its pixels.

    MediaPipe's own writer of metadata cannot be imported in its recent wheels, which lack a module that it needs.
    """
    import flatbuffers
    from mediapipe.tasks.metadata import schema_py_generated as schema

    content = schema.ModelT.InitFromObj(schema.Model.GetRootAsModel(model, 0))
    buffer, entry = schema.BufferT(), schema.MetadataT()
    buffer.data = list(_metadata(mean, std))
    entry.name, entry.buffer = "TFLITE_METADATA", len(content.buffers)
    content.buffers.append(buffer)
    content.metadata = [*(content.metadata or []), entry]
    builder = flatbuffers.Builder(0)
    builder.Finish(content.Pack(builder), b"TFL3")
    return bytes(builder.Output())


def _metadata(mean: float, std: float) -> bytes:
    import flatbuffers
    from mediapipe.tasks.metadata import metadata_schema_py_generated as schema

    options, unit, properties = schema.NormalizationOptionsT(), schema.ProcessUnitT(), schema.ImagePropertiesT()
    options.mean, options.std = [mean], [std]
    unit.optionsType, unit.options = schema.ProcessUnitOptions.NormalizationOptions, options
    properties.colorSpace = schema.ColorSpaceType.RGB
    content, tensor = schema.ContentT(), schema.TensorMetadataT()
    content.contentPropertiesType, content.contentProperties = schema.ContentProperties.ImageProperties, properties
    tensor.name, tensor.content, tensor.processUnits = "image", content, [unit]
    graph: Any = schema.SubGraphMetadataT()
    graph.inputTensorMetadata = [tensor]
    model = schema.ModelMetadataT()
    model.subgraphMetadata = [graph]
    builder = flatbuffers.Builder(0)
    builder.Finish(model.Pack(builder), b"M001")
    return bytes(builder.Output())
