"""YAML files: what people write is read, and files that attack are refused at once."""

from __future__ import annotations

from pathlib import Path

import pytest

from skelgait.errors import SettingsError
from skelgait.raw.poses import read_options
from skelgait.settings import load_settings, read_protocol
from skelgait.storage.yaml_files import parse_value, read_yaml
from tests.limits import within


def aliases(levels: int, width: int = 9) -> str:
    """Return YAML whose last value stands for width ** levels values."""
    lines = [f"k0: &k0 [{', '.join(['x'] * width)}]"]
    lines += [f"k{n}: &k{n} [{', '.join([f'*k{n - 1}'] * width)}]" for n in range(1, levels)]
    return "\n".join(lines)


ATTACKS: dict[str, tuple[str | bytes, str]] = {
    "aliases": (aliases(10), "more than 10000 values"),
    "recursive alias": ("a: &a [*a]", "the alias a inside what it stands for"),
    "many keys": ("".join(f"key{n}: 1\n" for n in range(10_000)), "more than 10000 values"),
    "brackets": ("[" * 100_000, "invalid YAML"),
    "braces": ("{a: " * 100_000, "more than 50 levels"),
    "dashes": ("- " * 100_000, "more than 50 levels"),
    "long integer": (f"seed: {'9' * 5000}", "which is no int in line 1"),
    "long hexadecimal integer": (f"seed: 0x{'f' * 5000}", "which is no int in line 1"),
    "long sexagesimal integer": (f"seed: 1{':1' * 100_000}", "which is no int in line 1"),
    "no boolean": ("a: !!bool x", "'x', which is no bool in line 1"),
    "no time": ("a: !!timestamp x", "'x', which is no timestamp in line 1"),
    "no date": ("\na: 2026-13-45", "'2026-13-45', which is no timestamp in line 2"),
    "no number": ("a: !!float ''", "'', which is no float in line 1"),
    "no base64": ("a: !!binary x", "failed to decode base64 data"),
    "no set": ("a: !!set x", "invalid YAML"),
    "no mapping": ("a: !!map [1]", "invalid YAML"),
    "object": ("a: !!python/object/apply:os.system [id]", "could not determine a constructor"),
    "merge": ("a: &a {b: 1}\nc: {<<: *a}", "a key <<, which merges mappings, instead of a name in line 2"),
    "key that is a list": ("? [1]\n: 2", "a key that is a list or mapping"),
    "key twice": ("a: 1\na: 2", "the key a twice in line 2"),
    "NUL": ("a: \0", "unacceptable character"),
    "half of a character": ('a: "\\ud800"', "Unicode"),
    "not a mapping": ("3", "found a int"),
    "two documents": ("a: 1\n---\nb: 2", "another document in line 2"),
    "large": (f"a: {'x' * (1 << 20)}", "more than 1048576 bytes"),
    "UTF-16": ("a: 1".encode("utf-16"), "'utf-8' codec can't decode"),
    "Latin-1": ("a: é".encode("latin-1"), "'utf-8' codec can't decode"),
}


@pytest.mark.parametrize("name", ATTACKS)
def test_attack_is_refused_with_the_file_at_once(tmp_path: Path, name: str) -> None:
    content, message = ATTACKS[name]
    path = tmp_path / "attack.yaml"
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    for read in (read_yaml, read_protocol, lambda path: load_settings(file=path), lambda path: read_options(str(path))):
        with within(), pytest.raises(SettingsError) as error:
            read(path)
        assert str(error.value).startswith(f"{path}: found ")
        assert message in str(error.value)
        assert len(str(error.value)) < 500 + len(str(path))
        assert "\n" not in str(error.value)


def test_thousands_of_unknown_keys_are_counted_not_listed(tmp_path: Path) -> None:
    path = tmp_path / "skelgait.yaml"
    path.write_text("".join(f"key{n}: 1\n" for n in range(4000)))
    with within(), pytest.raises(SettingsError) as error:
        load_settings(file=path)
    assert len(str(error.value).splitlines()) == 21
    assert str(error.value).endswith("... and 3980 more problems")
    with within(), pytest.raises(SettingsError) as error:
        read_protocol(path)
    assert "more problems" in str(error.value)
    assert len(str(error.value).splitlines()) < 50


def test_long_value_is_shortened_in_messages(tmp_path: Path) -> None:
    path = tmp_path / "skelgait.yaml"
    path.write_text(f"train: {{seed: {'x' * 100_000}}}\n{'y' * 1000}: 1\n")
    with pytest.raises(SettingsError) as error:
        load_settings(file=path)
    assert len(str(error.value)) < 2000


def test_what_people_write_is_read(tmp_path: Path) -> None:
    path = tmp_path / "some.yaml"
    text = "\ufeffshared: &shared [64, 128]\na: *shared\nb: {rate: 5e-4, on: yes, day: 2026-11-30}\nc: !!str 3\n"
    path.write_text(text, encoding="utf-8")
    content = read_yaml(path)
    assert content["a"] == [64, 128]
    assert (content["b"]["rate"], content["c"]) == (5e-4, "3")


@pytest.mark.parametrize("text", [aliases(10), f"0x{'f' * 5000}", "!!bool x", "!!map [1]", "9" * 5000])
def test_flag_that_attacks_is_text(text: str) -> None:
    with within():
        assert parse_value(text) == text
