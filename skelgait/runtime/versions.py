"""Versions of Python and of the installed libraries that skelgait uses."""

from __future__ import annotations

import platform
from importlib.metadata import PackageNotFoundError, version

LIBRARIES = (
    "torch",
    "numba",
    "llvmlite",
    "numpy",
    "opencv-python",
    "opencv-python-headless",
    "opencv-contrib-python",
    "opencv-contrib-python-headless",
    "h5py",
    "hdf5plugin",
    "pillow",
    "pydantic",
    "pyyaml",
    "safetensors",
    "typer",
    "click",
    "rich",
    "onnx",
    "onnxruntime",
    "onnxruntime-gpu",
    "huggingface-hub",
    "tensorboard",
    "matplotlib",
    "mediapipe",
    "rtmlib",
)
"""Packages on PyPI: those that skelgait requires, those of its extras, and others that contain the same modules."""


def installed_versions() -> dict[str, str]:
    """Return the versions of skelgait, Python, the system and the installed packages of `LIBRARIES`, by name."""
    from skelgait import __version__

    versions = {"skelgait": __version__, "python": platform.python_version(), "system": platform.platform()}
    for name in LIBRARIES:
        try:
            versions[name] = version(name)
        except PackageNotFoundError:
            continue
    return versions


def numeric_versions() -> dict[str, str]:
    """Return the versions of the libraries whose rounding a training depends on, by name."""
    import cv2
    import numpy as np
    import torch

    return {"torch": torch.__version__, "numpy": np.__version__, "opencv": cv2.__version__}
