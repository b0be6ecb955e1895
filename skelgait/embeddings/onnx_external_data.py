"""Search for weights that an ONNX file takes from other files, which onnxruntime would read, wherever they are.

The file is a message of protocol buffers, see https://github.com/onnx/onnx/blob/main/onnx/onnx.proto. Only the fields
that lead to weights are followed.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

# Fields that are messages, by message and number of the field.
_MESSAGES: Mapping[str, Mapping[int, str]] = {
    "Model": {7: "Graph", 20: "TrainingInfo", 25: "Function"},
    "TrainingInfo": {1: "Graph", 2: "Graph"},
    "Function": {7: "Node"},
    "Graph": {1: "Node", 5: "Tensor", 15: "SparseTensor"},
    "Node": {5: "Attribute"},
    "Attribute": {5: "Tensor", 6: "Graph", 10: "Tensor", 11: "Graph", 22: "SparseTensor", 23: "SparseTensor"},
    "SparseTensor": {1: "Tensor", 2: "Tensor"},
}
_EXTERNAL_DATA, _DATA_LOCATION = 13, 14
_VARINT, _FIXED_64, _BYTES, _FIXED_32 = 0, 1, 2, 5


def has_external_data(content: memoryview) -> bool:
    """Return True if an ONNX file has weights in other files.

    Args:
        content: bytes of the file.

    Raises:
        ValueError: if it is no message of protocol buffers.
    """
    messages = [("Model", content)]
    while messages:
        kind, message = messages.pop()
        for number, value in _fields(message):
            if kind == "Tensor" and number in (_EXTERNAL_DATA, _DATA_LOCATION) and value != 0:
                return True
            nested = _MESSAGES.get(kind, {}).get(number)
            if nested and isinstance(value, memoryview):
                messages.append((nested, value))
    return False


def _fields(message: memoryview) -> Iterator[tuple[int, int | memoryview]]:
    """Yield number and value of each field; numbers of fixed size are left out."""
    position = 0
    while position < len(message):
        tag, position = _varint(message, position)
        number, wire_type = tag >> 3, tag & 7
        if wire_type == _VARINT:
            value, position = _varint(message, position)
            yield number, value
        elif wire_type == _BYTES:
            size, position = _varint(message, position)
            if size > len(message) - position:
                raise ValueError(f"field {number} is cut off")
            yield number, message[position : position + size]
            position += size
        elif wire_type in (_FIXED_32, _FIXED_64):
            position += 4 if wire_type == _FIXED_32 else 8
        else:
            raise ValueError(f"field {number} of the unknown type {wire_type}")


def _varint(message: memoryview, position: int) -> tuple[int, int]:
    """Return a number of seven bits a byte, and the position behind it."""
    value = 0
    for shift in range(0, 70, 7):
        if position >= len(message):
            raise ValueError("a number is cut off")
        byte = message[position]
        position += 1
        value |= (byte & 0x7F) << shift
        if byte < 0x80:
            return value, position
    raise ValueError("a number of more than ten bytes")
