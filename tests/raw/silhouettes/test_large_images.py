"""Images whose headers name a size that would not fit into memory."""

from __future__ import annotations

import struct
import zlib
from pathlib import Path

import cv2
import numpy as np
import pytest

from skelgait.cli import app
from skelgait.errors import DataError
from skelgait.raw.silhouettes.image_size import image_size
from skelgait.raw.silhouettes.png import read_silhouette
from tests.commands import cli_runner
from tests.limits import within

SMALL = np.zeros((48, 32), np.uint8)


def png(width: int, height: int) -> bytes:
    """Return the beginning of a PNG of this size, with right checksums and little data."""
    chunks = b"".join(
        struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))
        for name, data in (
            (b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)),
            (b"IDAT", zlib.compress(bytes(100_000))),
            (b"IEND", b""),
        )
    )
    return b"\x89PNG\r\n\x1a\n" + chunks


def jpeg(width: int, height: int) -> bytes:
    content = bytearray(cv2.imencode(".jpg", SMALL)[1].tobytes())
    place = content.index(b"\xff\xc0") + 5
    content[place : place + 4] = struct.pack(">HH", height, width)
    return bytes(content)


def bmp(width: int, height: int) -> bytes:
    content = bytearray(cv2.imencode(".bmp", SMALL)[1].tobytes())
    content[18:26] = struct.pack("<ii", width, height)
    return bytes(content)


@pytest.mark.parametrize("suffix", [".png", ".jpg", ".bmp"])
@pytest.mark.parametrize("channels", [1, 3])
def test_size_in_the_header_is_that_of_the_decoded_image(suffix: str, channels: int) -> None:
    shape = (48, 32) if channels == 1 else (48, 32, 3)
    assert image_size(cv2.imencode(suffix, np.zeros(shape, np.uint8))[1].tobytes()) == (32, 48)


@pytest.mark.parametrize("content", [png(30_000, 30_000), jpeg(30_000, 30_000), bmp(30_000, -30_000), png(2**31, 1)])
def test_image_beyond_the_limit_is_refused_before_it_is_decoded(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "1.png"
    path.write_bytes(content)
    with within(1), pytest.raises(DataError, match=r"1\.png: found an image of \d+ x \d+ pixels, expected at most 64 "):
        read_silhouette(path)


@pytest.mark.parametrize("marker", [0x00, 0x01, *range(0xD0, 0xDA)])
def test_jpeg_whose_size_two_decoders_read_differently_is_refused(tmp_path: Path, marker: int) -> None:
    content = b"\xff\xd8\xff" + bytes([marker]) + jpeg(30_000, 30_000)[2:]
    (tmp_path / "1.png").write_bytes(content)
    with within(1), pytest.raises(DataError, match=r"1\.png: found no image of the kind"):
        read_silhouette(tmp_path / "1.png")


@pytest.mark.parametrize(
    "content", [b"", b"BM", b"\xff\xd8", b"\xff\xd8" + b"\xff" * 9, b"\x89PNG\r\n\x1a\n", b"GIF89a"]
)
def test_image_that_ends_in_its_header_has_no_size(content: bytes) -> None:
    assert image_size(content) is None


def test_limit_is_a_setting(tmp_path: Path) -> None:
    folder = tmp_path / "images" / "001" / "nm-01" / "000"
    folder.mkdir(parents=True)
    cv2.imwrite(str(folder / "1.png"), np.full((1100, 1000), 255, np.uint8))
    command = ["silhouettes", str(tmp_path / "images"), "--silhouettes", str(tmp_path / "out"), "--workers", "1"]
    result = cli_runner().invoke(app, [*command, "--max-megapixels", "1"])
    assert result.exit_code == 1
    assert "1.png: found an image of 1000 x 1100 pixels, expected at most 1 megapixels" in result.stderr
    result = cli_runner().invoke(app, [*command, "--max-megapixels", "2"])
    assert result.exit_code == 0, result.stderr
