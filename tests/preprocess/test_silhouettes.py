"""`skelgait silhouettes`: from trees of PNG images to arrays, in either storage."""

from __future__ import annotations

import json
import os
import re
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from skelgait.cli import app
from skelgait.errors import SettingsError
from skelgait.preprocess.align import align_silhouette
from skelgait.preprocess.silhouettes import align_dataset
from skelgait.raw.silhouettes import find_image_folders
from skelgait.settings.schema import SilhouettesSettings
from skelgait.storage import Key, SequenceSource, open_source
from tests.commands import cli_runner
from tests.raw.silhouettes import png_trees
from tests.raw.silhouettes.png_trees import Walks, blobs, make_walks, write_folder, write_png

KEYS = {
    "casia_b": [Key("001", "bg-01", "000"), Key("001", "nm-02", "090"), Key("002", "nm-02", "090")],
    "gait3d": [Key("0000", "camid0_videoid2", "seq0"), Key("0001", "camid3_videoid1", "seq1")],
    "oumvlp": [Key("00001", "00", "000"), Key("00001", "01", "000"), Key("00003", "00", "270")],
    "grew": [
        Key("00001", "01", "f1"),
        Key("00001", "02", "f2"),
        Key("00005train", "00", "1rfa"),
        Key("probe", "03", "video7"),
    ],
}
NAMES = {
    "casia_b": ["001-bg-01-000-001", "001-bg-01-000-002", "001-bg-01-000-003"],
    "gait3d": ["human_crop_f9999", "human_crop_f10000", "human_crop_f10001"],
    "oumvlp": ["0020", "0021", "0022"],
    "grew": ["00001", "00002", "00003"],
}
TREES: dict[str, Callable[[Path, Walks], Path]] = {
    "casia_b": png_trees.casia_b,
    "gait3d": png_trees.gait3d,
    "oumvlp": png_trees.oumvlp,
    "grew": png_trees.grew,
}


def call(*args: object) -> tuple[int, str, str]:
    """Return exit code, stdout and stderr of `skelgait silhouettes` with one worker."""
    result = cli_runner().invoke(app, ["silhouettes", *map(str, args), "--workers", "1"])
    return result.exit_code, result.stdout, result.stderr


def report_of(*args: object, code: int = 0) -> dict[str, Any]:
    """Return the report of `skelgait silhouettes`."""
    exit_code, out, err = call(*args, "--json")
    assert exit_code == code, err
    report: dict[str, Any] = json.loads(out)
    return report


def content(folder: Path) -> dict[str, bytes]:
    return {str(p.relative_to(folder)): p.read_bytes() for p in sorted(folder.rglob("*")) if p.is_file()}


def opened(out: str = "silhouettes") -> SequenceSource:
    return open_source(Path(out), "silhouette")


def aligned(masks: np.ndarray) -> list[np.ndarray]:
    return [image for image in map(align_silhouette, masks) if image is not None]


@pytest.fixture(autouse=True)
def workspace(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    for name in [name for name in os.environ if name.startswith("SKELGAIT_")]:
        monkeypatch.delenv(name)
    return tmp_path


def test_empty_folder_is_refused_and_nothing_is_written(workspace: Path) -> None:
    (workspace / "raw").mkdir()
    code, out, err = call("raw")
    assert (code, out) == (1, "")
    assert "Error: raw: found no file, expected folders of PNG images" in err
    assert [path.name for path in workspace.iterdir()] == ["raw"]


@pytest.mark.parametrize("storage", ["pkl", "hdf5"])
@pytest.mark.parametrize("dataset", TREES)
def test_trees_of_all_datasets_are_aligned(dataset: str, storage: str) -> None:
    walks = make_walks(*KEYS[dataset])
    TREES[dataset](Path("raw"), walks)
    report = report_of("raw", "--storage", storage)
    assert report["made"] == [{"sequence": str(key), "frames": 3, "empty": 0} for key in KEYS[dataset]]
    source = opened()
    assert list(source.keys) == KEYS[dataset]
    for key, masks in walks.items():
        np.testing.assert_array_equal(source.read(key)[0], aligned(masks))
    assert source.frame_names(KEYS[dataset][0]) == NAMES[dataset]


def test_subfolder_of_grew_is_recognized() -> None:
    png_trees.grew(Path("raw"), make_walks(*KEYS["grew"]))
    report_of("raw/test/gallery")
    assert list(opened().keys) == [Key("00001", "01", "f1"), Key("00001", "02", "f2")]


def rearranged_grew(root: Path, walks: Walks) -> Path:
    """Write GREW as OpenGait rearranges it: identity, condition and sequence."""
    for key, masks in walks.items():
        write_folder(root.joinpath(*key), masks, "{:05d}.png")
    return root


@pytest.mark.parametrize("write", [png_trees.grew, rearranged_grew])
def test_aligned_frames_of_grew_are_kept(write: Callable[[Path, Walks], Path]) -> None:
    walks = make_walks(*KEYS["grew"], size_hw=(64, 64))
    for masks in walks.values():
        masks[1] = 0
    write(Path("raw"), walks)
    report = report_of("raw", "--silhouettes", "kept")
    assert (report["frames"], report["empty"]) == (12, 0)
    for key, masks in walks.items():
        np.testing.assert_array_equal(opened("kept").read(key)[0], masks)
    report = report_of("raw", "--silhouettes", "smaller", "--size-px", 32)
    assert (report["frames"], report["empty"]) == (8, 4)
    png_trees.casia_b(Path("other"), {KEYS["casia_b"][0]: walks[KEYS["grew"][0]]})
    assert report_of("other", "--silhouettes", "aligned")["empty"] == 1


@pytest.mark.parametrize("storage", ["pkl", "hdf5"])
def test_empty_frames_are_left_out_and_counted(storage: str) -> None:
    walks = make_walks(*KEYS["casia_b"], frames=5)
    first, second, third = KEYS["casia_b"]
    walks[first][[0, 3]] = 0
    walks[second][:] = 0
    png_trees.casia_b(Path("raw"), walks)
    code, out, err = call("raw", "--storage", storage)
    assert code == 1
    assert "001/nm-02/090: raw/001/nm-02/090: found 5 empty images, expected a silhouette" in err
    assert re.search(r"empty frames, left out +2 *\n", out)
    assert re.search(r"sequences that cannot be aligned +1 *\n", out)
    assert list(opened().keys) == [first, third]
    np.testing.assert_array_equal(opened().read(first)[0], aligned(walks[first]))
    assert opened().frame_names(first) == [f"001-bg-01-000-{number:03d}" for number in (2, 3, 5)]


@pytest.mark.parametrize("storage", ["pkl", "hdf5"])
def test_damaged_image_fails_only_its_sequence(storage: str) -> None:
    png_trees.casia_b(Path("raw"), make_walks(*KEYS["casia_b"]))
    bad = Path("raw/001/nm-02/090/001-nm-02-090-002.png")
    good = bad.read_bytes()
    bad.write_bytes(good[:100])
    report = report_of("raw", "--storage", storage, code=1)
    assert report["sequences"] == 2
    (failed,) = report["failed"]
    assert failed["sequence"] == "001/nm-02/090"
    assert str(bad) in failed["reason"]
    bad.write_bytes(good)
    report = report_of("raw", "--storage", storage)
    assert (report["sequences"], report["skipped"], report["failed"]) == (1, 2, [])


def test_masks_of_0_and_1_give_the_same_silhouettes() -> None:
    walks = make_walks(*KEYS["casia_b"])
    png_trees.casia_b(Path("bytes"), walks)
    png_trees.casia_b(Path("bits"), {key: masks // 255 for key, masks in walks.items()})
    for name in ("bytes", "bits"):
        report_of(name, "--silhouettes", f"{name}-aligned")
    for key in walks:
        np.testing.assert_array_equal(opened("bits-aligned").read(key)[0], opened("bytes-aligned").read(key)[0])


@pytest.mark.parametrize("storage", ["pkl", "hdf5"])
def test_existing_silhouettes_are_skipped_and_changed_ones_aligned_again(storage: str) -> None:
    png_trees.gait3d(Path("raw"), make_walks(*KEYS["gait3d"]))
    report_of("raw", "--storage", storage)
    before = content(Path("silhouettes"))
    report = report_of("raw", "--storage", storage)
    assert (report["sequences"], report["frames"], report["skipped"], report["made"]) == (0, 0, 2, [])
    assert content(Path("silhouettes")) == before
    assert report_of("raw", "--storage", storage, "--overwrite")["sequences"] == 2
    assert content(Path("silhouettes")) == before
    folder = Path("raw", "2D_Silhouettes", *KEYS["gait3d"][1])
    (folder / "human_crop_f9999.png").unlink()
    os.utime(folder, (time.time() + 5, time.time() + 5))
    assert report_of("raw", "--storage", storage)["made"] == [
        {"sequence": str(KEYS["gait3d"][1]), "frames": 2, "empty": 0}
    ]
    assert opened().frame_names(KEYS["gait3d"][1]) == ["human_crop_f10000", "human_crop_f10001"]


@pytest.mark.parametrize("storage", ["pkl", "hdf5"])
def test_output_is_independent_of_workers(storage: str) -> None:
    png_trees.grew(Path("raw"), make_walks(*KEYS["grew"]))
    for workers in (1, 2):
        settings = SilhouettesSettings(storage=storage, workers=workers)
        align_dataset(find_image_folders(Path("raw")), Path(str(workers)), settings)
    assert content(Path("1")) == content(Path("2"))


def test_size_is_applied_and_other_sizes_are_refused() -> None:
    walks = make_walks(*KEYS["casia_b"])
    png_trees.casia_b(Path("raw"), walks)
    report_of("raw", "--size-px", 128)
    key = KEYS["casia_b"][0]
    np.testing.assert_array_equal(opened().read(key)[0], [align_silhouette(mask, 128) for mask in walks[key]])
    assert (
        "silhouettes: found sequences made with size_px 128, expected size_px 64; choose another folder"
        in call("raw")[2]
    )
    assert "silhouettes.size_px: should be less than or equal to 512" in call("raw", "--size-px", 513)[2]


def test_settings_file_sets_names_and_size() -> None:
    write_folder(Path("raw/cam1/anna-bag/mask"), blobs(0, 3))
    write_folder(Path("raw/cam2/anna-bag/mask"), blobs(1, 3))
    names = "{view}/{identity}-{condition}/*"
    report_of("raw", "--names", names)
    expected = [Key("anna", "bag", "cam1"), Key("anna", "bag", "cam2")]
    assert list(opened().keys) == expected
    Path("skelgait.yaml").write_text(f"paths:\n  silhouettes: other\nsilhouettes:\n  names: '{names}'\n  size_px: 32\n")
    report_of("raw")
    assert opened("other").read(expected[0])[0].shape == (3, 32, 32)


def test_folder_of_the_images_is_refused() -> None:
    write_png(Path("silhouettes/anna/1.png"), blobs(0, 1)[0])
    before = content(Path("silhouettes"))
    for overwrite in ([], ["--overwrite"]):
        code, _, err = call("silhouettes", *overwrite)
        assert code == 1
        assert (
            "Error: silhouettes: found the folder of the images, expected another folder; choose another folder" in err
        )
    assert content(Path("silhouettes")) == before
    with pytest.raises(SettingsError, match="--silhouettes"):
        align_dataset(find_image_folders(Path("silhouettes")), Path("silhouettes"), SilhouettesSettings())


def test_folder_with_images_and_earlier_silhouettes_is_read(workspace: Path) -> None:
    write_folder(workspace / "anna", blobs(0, 3))
    for expected in (1, 0):
        assert report_of(".", "--names", "{identity}")["sequences"] == expected
