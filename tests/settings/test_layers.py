"""Settings from files, environment and flags, and their errors."""

from __future__ import annotations

from pathlib import Path

import pytest

from skelgait.errors import SettingsError
from skelgait.settings import explain, load_settings, parse_assignment, preset_names


def load(tmp_path: Path, yaml: str = "", **more: object) -> object:
    (tmp_path / "s.yaml").write_text(yaml)
    return load_settings(**{"file": tmp_path / "s.yaml", "environ": {}, **more})  # type: ignore[arg-type]


def test_defaults_without_any_source(tmp_path: Path) -> None:
    resolved = load(tmp_path)
    assert resolved.settings.heatmap.sigma_px == 8.0  # type: ignore[attr-defined]
    assert resolved.origins == {}  # type: ignore[attr-defined]


def test_later_source_wins_key_by_key(tmp_path: Path) -> None:
    yaml = "dataset: GREW\ntrain:\n  seed: 1\n  iterations: 11\n  nproc: 2\n"
    environ = {"SKELGAIT_TRAIN__SEED": "2", "SKELGAIT_TRAIN__ITERATIONS": "12", "OTHER": "x"}
    resolved = load(tmp_path, yaml, environ=environ, flags={"train.seed": 3})
    train = resolved.settings.train  # type: ignore[attr-defined]
    assert (train.seed, train.iterations, train.nproc) == (3, 12, 2)
    assert train.network.blocks == (1, 4, 4, 1)
    origins = resolved.origins  # type: ignore[attr-defined]
    assert origins["train.seed"] == "flag"
    assert origins["train.iterations"] == "SKELGAIT_TRAIN__ITERATIONS"
    assert origins["train.nproc"].endswith("s.yaml")
    assert origins["train.network.blocks"] == "preset skeletongait_GREW"


@pytest.mark.parametrize(
    ("yaml", "more", "channels"),
    [
        ("", {"preset": "skeletongait_tiny"}, 16),
        ("preset: skeletongait_tiny", {}, 16),
        ("preset: skeletongait_CCPG", {"environ": {"SKELGAIT_PRESET": "skeletongait++_tiny"}}, 16),
        ("dataset: ccpg", {}, 64),  # follows from the dataset
    ],
)
def test_preset_from_flag_file_environment_or_dataset(
    tmp_path: Path, yaml: str, more: dict[str, object], channels: int
) -> None:
    assert load(tmp_path, yaml, **more).settings.train.network.channels[0] == channels  # type: ignore[attr-defined]


def test_5e_4_is_a_number(tmp_path: Path) -> None:
    settings = load(tmp_path, "train:\n  optimizer:\n    weight_decay: 5e-4\n").settings  # type: ignore[attr-defined]
    assert settings.train.optimizer.weight_decay == 5e-4
    assert parse_assignment("train.optimizer.milestones=[1, 2]") == ("train.optimizer.milestones", [1, 2])
    assert parse_assignment("a=5e-4") == ("a", 5e-4)


def test_empty_section_sets_nothing(tmp_path: Path) -> None:
    assert load(tmp_path, "train:\n").origins == {}  # type: ignore[attr-defined]


def test_relative_paths_are_relative_to_the_file(tmp_path: Path) -> None:
    settings = load(tmp_path, "paths: {maps: drawn, poses: /abs}\n").settings  # type: ignore[attr-defined]
    assert (settings.paths.maps, settings.paths.poses) == (tmp_path / "drawn", Path("/abs"))


@pytest.mark.parametrize(
    ("given", "expected"), [("mine/p.yaml", "{}/mine/p.yaml"), ("/p.yml", "/p.yml"), ("custom", "custom")]
)
def test_relative_protocol_file_is_relative_to_the_settings_file(tmp_path: Path, given: str, expected: str) -> None:
    patterns = "gallery: [a], probes: {B: [b]}"
    settings = load(tmp_path, f"evaluate: {{protocol: {given}, {patterns}}}\n").settings  # type: ignore[attr-defined]
    assert settings.evaluate.protocol == expected.format(tmp_path)
    flag = load(tmp_path, flags={"evaluate.protocol": "mine/p.yaml"}).settings  # type: ignore[attr-defined]
    assert flag.evaluate.protocol == "mine/p.yaml"


def test_all_problems_are_reported_at_once(tmp_path: Path) -> None:
    yaml = (
        "dataset: CCPQ\nsigma_px: 3\ntrain:\n  optimiser: {lr: 1}\n  iterations: many\n"
        "  optimizer:\n    milestones: [3, 2]\n"
    )
    with pytest.raises(SettingsError) as caught:
        load(tmp_path, yaml, flags={"train.seeds": 1})
    where = tmp_path / "s.yaml"
    assert sorted(str(caught.value).splitlines()) == sorted(
        [
            f"{where}: dataset: should be one of CCPG, OUMVLP, SUSTech1K, Gait3D, GREW, CASIA-B; "
            "did you mean CCPG? (found 'CCPQ')",
            f"{where}: sigma_px: no such setting; did you mean heatmap.sigma_px?",
            f"{where}: train.optimiser: no such setting; did you mean train.optimizer?",
            f"{where}: train.iterations: should be a valid integer (found 'many')",
            f"{where}: train.optimizer.milestones: should increase from each to the next (found [3, 2])",
            "flag: train.seeds: no such setting; did you mean train.seed?",
        ]
    )


@pytest.mark.parametrize(
    ("yaml", "message"),
    [
        ("- a\n", "found a list, expected a mapping of keys"),
        ("a: 1\na: 2\n", "the key a twice"),
        ("a: [\n", "found invalid YAML"),
        ("a: !!python/object/apply:os.system ['true']\n", "found invalid YAML"),  # nothing is executed
        ("evaluate:\n  protocol: custom\n", "protocol custom needs condition patterns"),
        ("run: 2026-13-45\n", "found invalid YAML"),
        ("train:\n  optimizer: {learning_rate: .inf}\n", "should be a finite number"),
        ("train:\n  network: {blocks: [1, 0, 1, 1]}\n", r"blocks\.1: should be greater than or equal to 1"),
        ("loss_cfg: 3\n", "loss_cfg: found a value of the wrong type"),
        ("evaluate:\n  gallery: [nm-01]\n", "protocol custom needs condition patterns"),
        ("poses: mine\n", r"poses: should be a section of keys \(found 'mine'\); did you mean paths\.poses\?"),
        ("preset: skeletongait_tin\n", r"did you mean skeletongait_tiny\?"),
    ],
)
def test_invalid_file_is_refused(tmp_path: Path, yaml: str, message: str) -> None:
    with pytest.raises(SettingsError, match=message):
        load(tmp_path, yaml)


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("heatmap.canvas_px", 7),
        ("heatmap.canvas_px", 4097),
        ("heatmap.sigma_px", 0.09),
        ("heatmap.sigma_px", 1001.0),
        ("heatmap.offset_px", -1),
        ("heatmap.offset_px", 4097),
        ("heatmap.size_px", 0),
        ("heatmap.size_px", 4097),
        ("heatmap.workers", 0),
        ("heatmap.workers", 1025),
        ("train.network.blocks", [1, 1, 1, 10**6]),
        ("train.network.channels", [0, 1, 1, 1]),
        ("train.network.strips", 10**6),
        ("train.sampling.clip_len", 10**9 + 1),
        ("train.sampling.skip", -1),
        ("train.sampling.skip", 10**9 + 1),
        ("train.sampling.max_frames", 10**9 + 1),
        ("train.augmentation.rotation_deg", 361.0),
        ("train.optimizer.momentum", 1.0),
        ("train.optimizer.milestones", [0, 3]),
        ("train.iterations", 10**30),
        ("train.seed", -1),
        ("train.seed", 2**63),
        ("train.nproc", 0),
        ("train.num_workers", -1),
        ("evaluate.batch_size", 10**9 + 1),
        ("evaluate.iteration", 0),
        ("synth.people", 10**9 + 1),
        ("synth.frames", 10**9 + 1),
        ("synth.noise_px", 1001.0),
        ("synth.seed", 2**63),
        ("demo.seed", 2**63),
    ],
)
def test_number_out_of_range_is_refused_in_one_line(tmp_path: Path, key: str, value: object) -> None:
    with pytest.raises(SettingsError, match=rf"^flag: {key}[.\d]*: should be \w+ than .*\(found .*\)$"):
        load(tmp_path, flags={key: value})


@pytest.mark.parametrize(
    ("flags", "message"),
    [
        ({"train.iteration": 7}, "flag: train.iteration: is the iteration to resume from: pass --resume too"),
        ({"evaluate.checkpoint": "F", "evaluate.iteration": 7}, "pass only one of --checkpoint and --iteration"),
        ({"evaluate.protocol": "Custom"}, r"CASIA-B, custom, verification, open-set; did you mean custom\?"),
    ],
)
def test_contradicting_flags_are_refused(tmp_path: Path, flags: dict[str, object], message: str) -> None:
    with pytest.raises(SettingsError, match=message):
        load(tmp_path, flags=flags)


def test_iteration_to_resume_from_is_accepted_with_resume(tmp_path: Path) -> None:
    train = load(tmp_path, flags={"train.resume": True, "train.iteration": 7}).settings.train  # type: ignore[attr-defined]
    assert train.iteration == 7


@pytest.mark.parametrize(
    ("key", "value", "expected"),
    [
        ("poses.person", "the tall one", "a track id of the file, such as 7, or p1, p2, ... by prominence"),
        ("poses.person", "p٣", "a track id of the file, such as 7, or p1, p2, ... by prominence"),
        ("poses.image_size", "1920", "width x height in pixels, such as 1920x1080"),
        ("poses.image_size", "0x1080", "width x height in pixels, such as 1920x1080"),
        ("link.frame_offset", "one", "auto or a whole number, such as 1"),
    ],
)
def test_text_without_the_pattern_is_refused_in_plain_words(
    tmp_path: Path, key: str, value: str, expected: str
) -> None:
    with pytest.raises(SettingsError) as caught:
        load_settings(flags={key: value})
    assert str(caught.value) == f"flag: {key}: should be {expected} (found {value!r})"


def test_sections_are_merged_key_by_key(tmp_path: Path) -> None:
    environ = {"SKELGAIT_TRAIN": "{seed: 4, network: {strips: 8}}", "SKELGAIT_TRAIN__NETWORK": "{embedding_width: 32}"}
    flags = dict([parse_assignment("train={seed: 5}")])
    resolved = load(tmp_path, "train:\n  iterations: 11\n", environ=environ, flags=flags)
    train, origins = resolved.settings.train, resolved.origins  # type: ignore[attr-defined]
    assert (train.iterations, train.seed, train.network.strips, train.network.embedding_width) == (11, 5, 8, 32)
    assert origins["train.seed"] == "flag"
    assert origins["train.network.strips"] == "SKELGAIT_TRAIN"
    assert origins["train.network.embedding_width"] == "SKELGAIT_TRAIN__NETWORK"


def test_assignment_without_value_is_refused() -> None:
    with pytest.raises(SettingsError, match=r"--set: found train\.seed, expected key=value"):
        parse_assignment("train.seed")


def test_explain_lists_settings_of_one_command(tmp_path: Path) -> None:
    rows = explain(load(tmp_path, "dataset: CCPG\n"), "heatmap")  # type: ignore[arg-type]
    keys = [key for key, _, _ in rows]
    assert {"dataset", "paths.poses", "heatmap.sigma_px"} <= set(keys)
    assert not [key for key in keys if key.startswith("train")]
    with pytest.raises(SettingsError, match="found heatmaps, expected one of poses, "):
        explain(load(tmp_path), "heatmaps")  # type: ignore[arg-type]


PUBLISHED = {
    "skeletongait_CCPG": ((1, 1, 1, 1), 8, 16, "fixed_ordered", 30, 60000, (20000, 30000, 40000), 2, 10000),
    "skeletongait_OUMVLP": ((1, 1, 1, 1), 32, 8, "fixed_ordered", 30, 120000, (60000, 80000, 100000), 1, 20000),
    "skeletongait_SUSTech1K": ((1, 1, 1, 1), 8, 8, "fixed_unordered", 10, 50000, (20000, 30000, 40000), 1, 10000),
    "skeletongait_Gait3D": ((1, 4, 4, 1), 32, 4, "fixed_ordered", 30, 60000, (20000, 30000, 40000), 1, 10000),
    "skeletongait_GREW": ((1, 4, 4, 1), 32, 4, "fixed_ordered", 30, 180000, (80000, 120000, 150000), 1, 30000),
    "skeletongait++_CCPG": ((1, 1, 1, 1), 8, 16, "fixed_ordered", 30, 60000, (20000, 30000, 40000), 1, 10000),
    "skeletongait++_SUSTech1K": ((1, 1, 1, 1), 8, 8, "fixed_ordered", 10, 50000, (20000, 30000, 40000), 1, 10000),
    "skeletongait++_Gait3D": ((1, 4, 4, 1), 32, 4, "fixed_ordered", 30, 60000, (20000, 30000, 40000), 1, 10000),
    "skeletongait++_GREW": ((1, 4, 4, 1), 32, 4, "fixed_ordered", 30, 180000, (80000, 120000, 150000), 1, 30000),
}


@pytest.mark.parametrize("name", preset_names())
def test_preset_has_published_values(name: str) -> None:
    settings = load_settings(preset=name, environ={}, default_file=None).settings
    train = settings.train
    assert train.network.name == name.split("_")[0]
    if name in PUBLISHED:
        sampling = train.sampling
        found = (
            train.network.blocks, sampling.identities_per_batch, sampling.sequences_per_identity, sampling.frames,
            sampling.clip_len, train.iterations, train.optimizer.milestones, train.network.test_embedding,
            train.save_every,
        )  # fmt: skip
        assert found == PUBLISHED[name]
        assert train.network.channels == (64, 128, 256, 512)
        assert settings.dataset == name.split("_")[1]
        augmentation = train.augmentation
        shares = (augmentation.perspective, augmentation.mirror, augmentation.rotation)
        assert shares == ((0, 0.5, 0) if name.endswith("OUMVLP") else (0.2, 0.2, 0.2))
        assert train.eval_during_training == (name == "skeletongait_SUSTech1K")


def test_every_published_preset_exists() -> None:
    assert {*PUBLISHED, "skeletongait_tiny", "skeletongait++_tiny"} <= set(preset_names())
