"""Width and height of an image from its header, before it is decoded: PNG, JPEG and BMP."""

from __future__ import annotations

import struct

# Markers of JPEG without a length: TEM, RST0 to RST7, SOI and EOI. Before the size, decoders differ on what follows.
_JPEG_WITHOUT_LENGTH = frozenset({0x00, 0x01, *range(0xD0, 0xDA)})
# Markers of a JPEG segment with the size of the image: SOF0 to SOF15, without the tables DHT, JPG and DAC.
_JPEG_SIZES = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}


def image_size(content: bytes) -> tuple[int, int] | None:
    """Return width and height in pixels; None if the content does not begin as a PNG, JPEG or BMP.

    These are the numbers that the decoder allocates memory by.
    """
    try:
        if content.startswith(b"\x89PNG\r\n\x1a\n") and content[12:16] == b"IHDR":
            return struct.unpack(">II", content[16:24])
        if content.startswith(b"\xff\xd8"):
            return _jpeg_size(content)
        if content.startswith(b"BM"):
            return _bmp_size(content)
    except (struct.error, IndexError):  # the content ends in the header
        return None
    return None


def _jpeg_size(content: bytes) -> tuple[int, int] | None:
    position = 2
    while content[position] == 0xFF:
        marker = content[position + 1]
        if marker in _JPEG_WITHOUT_LENGTH:
            return None
        if marker == 0xFF:  # a fill byte
            position += 1
        elif marker in _JPEG_SIZES:
            height, width = struct.unpack(">HH", content[position + 5 : position + 9])
            return width, height
        else:
            position += 2 + struct.unpack(">H", content[position + 2 : position + 4])[0]
    return None


def _bmp_size(content: bytes) -> tuple[int, int]:
    is_core_header = struct.unpack("<I", content[14:18])[0] == 12
    width, height = struct.unpack("<HH", content[18:22]) if is_core_header else struct.unpack("<ii", content[18:26])
    return abs(width), abs(height)  # rows from top to bottom have a negative height
