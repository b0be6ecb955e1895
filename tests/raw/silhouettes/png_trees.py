"""Builders of small silhouette trees that imitate the datasets."""

from __future__ import annotations

import struct
import zlib
from collections.abc import Mapping
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from skelgait.storage import Key

Walks = Mapping[Key, NDArray[np.uint8]]
"""Masks of each sequence, (T, H, W), 0 or 255."""


def make_walks(*keys: Key, frames: int = 3, size_hw: tuple[int, int] = (120, 160)) -> dict[Key, NDArray[np.uint8]]:
    """Return sequences of blobs that move to the right."""
    return {key: blobs(n, frames, size_hw) for n, key in enumerate(keys)}


def blobs(seed: int, frames: int, size_hw: tuple[int, int] = (120, 160)) -> NDArray[np.uint8]:
    """Return masks (frames, H, W) of a body with an arm on one side, different in each frame."""
    rng = np.random.default_rng(seed)
    height, width = size_hw
    masks = np.zeros((frames, height, width), np.uint8)
    for t, mask in enumerate(masks):
        x, y = round(width * (0.3 + 0.3 * t / frames)), height // 2
        cv2.ellipse(mask, (x, y), (width // 9, int(rng.integers(height // 4, height // 2))), 0, 0, 360, 255, -1)
        cv2.line(mask, (x, y), (x + int(rng.integers(width // 8, width // 4)), y), 255, 3)
    return masks


def write_png(path: Path, image: NDArray[np.generic], *options: int) -> Path:
    """Write an image."""
    path.parent.mkdir(parents=True, exist_ok=True)
    encoded = cv2.imencode(".png", image, options)[1]
    path.write_bytes(encoded.tobytes())
    return path


def write_folder(folder: Path, masks: NDArray[np.uint8], name: str = "{:03d}.png", start: int = 1) -> None:
    """Write the frames of a sequence, numbered from `start`."""
    for number, mask in enumerate(masks, start=start):
        write_png(folder / name.format(number), mask)


def casia_b(root: Path, walks: Walks) -> Path:
    """Write a tree in which frame names repeat the path; one folder is empty."""
    for key, masks in walks.items():
        write_folder(root.joinpath(*key), masks, f"{'-'.join(key)}-{{:03d}}.png")
    root.joinpath("005", "bg-01", "000").mkdir(parents=True)
    return root


def gait3d(root: Path, walks: Walks) -> Path:
    """Write a tree with frame numbers without leading zeros, of four and five digits."""
    for key, masks in walks.items():
        write_folder(root.joinpath("2D_Silhouettes", *key), masks, "human_crop_f{}.png", start=9999)
    return root


def oumvlp(root: Path, walks: Walks) -> Path:
    """Write a tree with view and sequence above the identity."""
    for (identity, condition, view), masks in walks.items():
        write_folder(root / f"Silhouette_{view}-{condition}" / identity, masks, "{:04d}.png", start=20)
    return root


def grew(root: Path, walks: Walks) -> Path:
    """Write train, gallery and probe, with poses next to the frames and gait energy images next to the folders."""
    for (identity, condition, view), masks in walks.items():
        if identity == "probe":
            folder = root / "test" / "probe" / view
        elif condition == "00":
            folder = root / "train" / identity.removesuffix("train") / view
        else:
            folder = root / "test" / "gallery" / identity / view
        write_folder(folder, masks, "{:05d}.png")
        folder.joinpath("00001_2d_pose.txt").write_text("1080,1920\n")
        write_png(folder.with_name(f"{view}_gei.png"), masks.mean(axis=0).astype(np.uint8))
    return root


def palette_png(indices: NDArray[np.uint8]) -> bytes:
    """Encode a PNG with a palette of black (0) and white (1), which OpenCV cannot write."""
    height, width = indices.shape
    lines = b"".join(b"\0" + line.tobytes() for line in indices)
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        _chunk(kind, data)
        for kind, data in (
            (b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 3, 0, 0, 0)),
            (b"PLTE", bytes([0, 0, 0, 255, 255, 255])),
            (b"IDAT", zlib.compress(lines)),
            (b"IEND", b""),
        )
    )


def _chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
