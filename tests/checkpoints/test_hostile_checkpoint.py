"""Checkpoints that read differently in Python and in torch, or that grow far beyond their size."""

from __future__ import annotations

import struct
import zipfile
from collections.abc import Callable
from pathlib import Path
from zipfile import ZIP_DEFLATED, ZIP_STORED, ZipFile

import pytest
import torch

from skelgait.checkpoints.file import read_checkpoint_file
from skelgait.errors import CheckpointError
from tests.storage.pickle_attacks import text


def _name(name: str) -> bytes:
    module, _, attribute = name.rpartition(".")
    return f"c{module}\n{attribute}\n".encode()


def _integer(number: int) -> bytes:
    return b"\x8a\x08" + struct.pack("<q", number)


def _tensor(size: int = 1, stride: int = 1, key: bytes = text("0"), count: int = 1) -> bytes:
    identity = b"(" + text("storage") + _name("torch.FloatStorage") + key + text("cpu") + _integer(count) + b"tQ"
    shape = b"(" + _integer(size) + b"t(" + _integer(stride) + b"t\x89"
    rebuild = _name("torch._utils._rebuild_tensor_v2")
    return rebuild + b"(" + identity + b"K\x00" + shape + _name("collections.OrderedDict") + b")RtR"


def _pickle(extra: bytes = b"", tensor: bytes | None = None) -> bytes:
    model = text("model") + b"}" + text("x") + (tensor or _tensor()) + b"s"
    return b"\x80\x02}(" + model + (text("z") + extra if extra else b"") + b"u."


def _archive(path: Path, data: bytes, values: bytes = bytes(4), compression: int = ZIP_STORED) -> bytes:
    with ZipFile(path, "w") as archive:
        archive.writestr("a/data.pkl", data)
        archive.writestr("a/byteorder", "little")
        archive.writestr("a/data/0", values, compression)
        archive.writestr("a/version", "3\n")
    return path.read_bytes()


def _refused(path: Path, found: str) -> None:
    with pytest.raises(CheckpointError, match=rf"{path.name}: found .*{found}") as error:
        read_checkpoint_file(path)
    assert "\n" not in str(error.value)


ENCODE, COUNTER, ORDERED = _name("_codecs.encode"), _name("collections.Counter"), _name("collections.OrderedDict")
ARRAY = _name("builtins.bytearray") + _integer(10**9) + b"\x85R"
LATIN = ENCODE + b"(" + text("x" * 1000) + b"q\x01" + text("latin1") + b"tR"
DOUBLED = b"](](K\x01K\x02eq\x01" + b"".join(b"](h%ch%ceq%c" % (n, n, n + 1) for n in range(1, 60)) + b"e"
DOUBLED_TUPLES = b")q\x01" + b"".join(b"h%ch%c\x86q%c" % (n, n, n + 1) for n in range(1, 60))
ATTACKS = {
    "bytearray": (ENCODE + b"(" + ARRAY + text("hex") + b"tR", "code: builtins.bytearray"),
    "codec": (ENCODE + b"(" + text("abc") + text("hex") + b"tR", "_codecs.encode with unknown arguments"),
    "set": (_name("builtins.set") + b"]\x85R", "code: builtins.set"),
    "counter of text": (COUNTER + text("abc") + b"\x85R", "Counter with unknown arguments"),
    "counter of shared values": (b"]q\x01" + COUNTER + b"h\x01\x85R\x86", "Counter with unknown arguments"),
    "text encoded again and again": (
        b"](" + LATIN + (ENCODE + b"(h\x01" + text("latin1") + b"tR") * 9000 + b"e",
        "made from the same values again and again",
    ),
    "ordered dictionary of values": (ORDERED + b"]\x85R", "OrderedDict with arguments"),
    "storage that allocates": (_name("torch.storage.UntypedStorage") + _integer(10**10) + b"\x85R", "save plain tens"),
    "tensor type that allocates": (_name("torch.FloatTensor") + _integer(10**10) + b"\x85R", "save plain tensors"),
    "shared lists": (DOUBLED, "refer to each other again and again"),
    "shared lists in an ordered dictionary": (ORDERED + b")R" + text("a") + DOUBLED + b"s", "refer to each other"),
    "shared tuples as a key": (b"}" + DOUBLED_TUPLES + b"Ns", "tuples in tuples"),
    "nested tuples": (b")" + b"\x85" * 10_000, "tuples in tuples"),
    "nested lists": (b"]" * 5000 + b"a" * 4999, "nested too deeply"),
    "marks": (b"(" * 1000, "containers in each other"),
    "empty lists": (b"](" + b"]" * 300_000 + b"e", "more lists, tuples and dictionaries"),
    "list that contains itself": (b"]q\x01h\x01a", "contains itself"),
    "number as a key of data": (_tensor(key=b"K\x00"), "unknown reference to data"),
    "large text number": (b"I" + b"9" * 5000 + b"\n", "it is damaged|INT"),
    "name of an unknown codec by stack": (text("_codecs") + text("encode") + b"\x93", "operation STACK_GLOBAL"),
}


@pytest.mark.parametrize("attack", ATTACKS)
def test_pickle_that_grows_is_refused_before_torch_reads_it(tmp_path: Path, attack: str) -> None:
    extra, found = ATTACKS[attack]
    _archive(tmp_path / "a.pt", _pickle(extra))
    _refused(tmp_path / "a.pt", found)


@pytest.mark.parametrize(
    ("tensor", "found"),
    [
        (_tensor(10**9, 0), r"a tensor \(1000000000,\) that repeats 4 bytes of data; save it with \.contiguous"),
        (_tensor(2, 0), r"a tensor \(2,\) that repeats 4 bytes"),
        (_tensor(count=10**9), "a tensor of 1000000000 values, more than the file holds"),
        (_tensor(10**9), "(Trying to resize|a file that cannot be read)"),
    ],
)
def test_tensor_beyond_its_data_is_refused(tmp_path: Path, tensor: bytes, found: str) -> None:
    _archive(tmp_path / "a.pt", _pickle(tensor=tensor))
    _refused(tmp_path / "a.pt", found)


def test_old_file_without_zip_is_checked_too(tmp_path: Path) -> None:
    path = tmp_path / "a.pt"
    torch.save({"model": {"x": torch.zeros(3)}}, path, _use_new_zipfile_serialization=False)
    assert read_checkpoint_file(path).weights["x"].shape == (3,)
    torch.save({"model": {"x": torch.zeros(3)}, "z": bytearray(3)}, path, _use_new_zipfile_serialization=False)
    _refused(path, "code: ")


def _split(archive: bytes) -> tuple[bytes, bytes, bytes]:
    """Return the records, their list, and the end record."""
    end = archive.rindex(b"PK\x05\x06")
    size, start = struct.unpack_from("<LL", archive, end + 12)
    return archive[:start], archive[start : start + size], archive[end:]


def _two_lists(path: Path) -> bytes:
    """Return a zip file with two lists of records, whose data torch and Python take from different records."""
    bomb, bomb_list, end = _split(_archive(path, _pickle(), bytes(10**6), ZIP_DEFLATED))
    records, record_list, _ = _split(_archive(path, _pickle()))
    return bomb + bomb_list + records + record_list + end


def _insert_before_list(archive: bytes) -> bytes:
    records, *others = _split(archive)
    return b"".join((records, b"x", *others))


def _move(archive: bytes, name: bytes, offset: int) -> bytes:
    changed = bytearray(archive)
    struct.pack_into("<L", changed, archive.rindex(name) - 4, offset)
    return bytes(changed)


LAYOUTS: dict[str, tuple[Callable[[bytes, Path], bytes], str]] = {
    "bytes after the end": (lambda data, _: data + bytes(10), "bytes after the end"),
    "end far from the end": (lambda data, _: data + bytes(66_000), "a truncated file"),
    "comment": (lambda data, _: data[:-2] + b"\x03\x00abc", "bytes after the end"),
    "two lists of records": (lambda _, path: _two_lists(path), "a list of records that ends at"),
    "bytes before the list": (
        lambda data, _: b"".join((*_split(data)[:1], b"x", *_split(data)[1:])),
        "list of records",
    ),
    "record twice": (lambda data, _: data.replace(b"a/version", b"A/data/0\0"), "several records"),
    "record without header": (lambda data, _: _move(data, b"a/data/0", 1), "no record 'a/data/0' at its position 1"),
    "record with the header of another": (lambda data, _: _move(data, b"a/data/0", 0), "records that overlap"),
    "no pickle": (lambda data, _: data.replace(b"a/data.pkl", b"a/data.pkx"), r"no record 'a/data\.pkl'"),
}


@pytest.mark.parametrize("layout", LAYOUTS)
def test_zip_file_that_readers_disagree_on_is_refused(tmp_path: Path, layout: str) -> None:
    change, found = LAYOUTS[layout]
    path = tmp_path / "a.pt"
    path.write_bytes(change(_archive(path, _pickle()), tmp_path / "b.pt"))
    _refused(path, found)


def test_archive_with_64_bit_sizes_is_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "a.pt"
    monkeypatch.setattr(zipfile, "ZIP64_LIMIT", 3)
    archive = _archive(path, _pickle())
    assert archive.count(b"PK\x06\x06") == 1
    try:
        torch.load(path, weights_only=True)
    except RuntimeError:
        pytest.skip("this version of torch reads no archives with 64-bit sizes")
    assert read_checkpoint_file(path).weights["x"].tolist() == [0]
    path.write_bytes(archive.replace(b"PK\x06\x06", b"PK\x06\x00"))
    _refused(path, "two ends of the zip file|truncated|cannot be read")


def test_checkpoint_of_a_real_training_is_read(tmp_path: Path) -> None:
    network = torch.nn.Sequential(torch.nn.Linear(600, 600), torch.nn.BatchNorm1d(600), torch.nn.Linear(600, 3))
    optimizer = torch.optim.SGD(network.parameters(), 0.1, momentum=0.9)
    scheduler = torch.optim.lr_scheduler.MultiStepLR(optimizer, [2, 4, 4])
    network(torch.ones(2, 600)).sum().backward()
    optimizer.step()
    scheduler.step()
    states = {"optimizer": optimizer.state_dict(), "scheduler": scheduler.state_dict(), "iteration": 7}
    content = {"model": network.state_dict(), **states}
    for is_zip in (True, False):
        torch.save(content, tmp_path / "c.pt", _use_new_zipfile_serialization=is_zip)
        assert (tmp_path / "c.pt").stat().st_size > 2_000_000
        file = read_checkpoint_file(tmp_path / "c.pt")
        assert all(torch.equal(file.weights[name], weight) for name, weight in network.state_dict().items())
        assert file.scheduler["milestones"] == {2: 1, 4: 2}
        momentum = file.optimizer["state"][0]["momentum_buffer"]
        assert torch.equal(momentum, optimizer.state_dict()["state"][0]["momentum_buffer"])
    torch.save(content, tmp_path / "c.pt")
    assert b"FB" in (tmp_path / "c.pt").read_bytes()[:200]  # padding, which aligns the data
