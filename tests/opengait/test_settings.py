"""Translation of OpenGait's YAML settings."""

from __future__ import annotations

from pathlib import Path

import pytest

from skelgait.errors import SettingsError
from skelgait.settings import load_settings

TRAINING = """
data_cfg: {dataset_name: CCPG, dataset_root: some/maps, dataset_partition: ./none.json, num_workers: 3}
evaluator_cfg: {metric: cos, sampler: {batch_size: 4, frames_all_limit: 500}, restore_hint: 60000}
loss_cfg:
  - {loss_term_weights: 1.0, margin: 0.3, type: TripletLoss, log_prefix: triplet}
  - {loss_term_weight: 0.5, scale: 15, type: CrossEntropyLoss, label_smooth: true, log_accuracy: true}
model_cfg:
  model: DeepGaitV2
  Backbone: {in_channels: 2, mode: p3d, layers: [1, 4, 4, 1], channels: [64, 128, 256, 512]}
  SeparateBNNecks: {class_num: 100}
  use_emb2: true
optimizer_cfg: {lr: 0.05, momentum: 0.9, solver: SGD, weight_decay: 5e-4}
scheduler_cfg: {gamma: 0.1, milestones: [10, 20], scheduler: MultiStepLR}
trainer_cfg:
  enable_float16: true
  restore_hint: 90000
  total_iter: 30
  sampler: {batch_size: [6, 2], frames_num_fixed: 20, frames_skip_num: 3, sample_type: fixed_ordered}
  transform:
    - type: Compose
      trf_cfg: [{type: RandomPerspective, prob: 0.1}, {type: BaseSilCuttingTransform}, {type: RandomRotate, prob: 0.3}]
"""
HEATMAP = """
coco18tococo17_args: {transfer_to_coco17: false}
padkeypoints_args: {pad_method: simple, use_conf: true}
norm_args: {pose_format: coco, heatmap_image_height: 256}
heatmap_generator_args: {sigma: 16.0, use_score: false, img_h: 256, img_w: 256, with_limb: null}
align_args: {align: true, final_img_size: 128, offset: 2}
"""
FIXED_PARTS = "is ignored: the other parts of the network follow from blocks and channels"


def read(tmp_path: Path, yaml: str) -> object:
    (tmp_path / "old.yaml").write_text(yaml)
    return load_settings(file=tmp_path / "old.yaml", environ={})


def test_training_settings_are_translated(tmp_path: Path) -> None:
    resolved = read(tmp_path, TRAINING)
    settings = resolved.settings  # type: ignore[attr-defined]
    train = settings.train
    assert (settings.dataset, train.network.name, train.network.test_embedding) == ("CCPG", "skeletongait", 2)
    assert train.network.blocks == (1, 4, 4, 1)
    assert (train.sampling.identities_per_batch, train.sampling.sequences_per_identity) == (6, 2)
    assert (train.sampling.clip_len, train.sampling.skip, train.iterations) == (20, 3, 30)
    assert (train.losses.triplet.margin, train.losses.cross_entropy.scale, train.losses.cross_entropy.weight) == (
        0.3,
        15.0,
        0.5,
    )
    assert (train.augmentation.perspective, train.augmentation.mirror, train.augmentation.rotation) == (0.1, 0, 0.3)
    assert (train.optimizer.learning_rate, train.optimizer.milestones) == (0.05, (10, 20))
    assert (settings.evaluate.distance, settings.evaluate.max_frames) == ("cosine", 500)
    assert settings.paths.maps == Path("some/maps")


@pytest.mark.parametrize(
    "warning",
    [
        "loss_cfg.loss_term_weights is misspelled and ignored, also by OpenGait: did you mean loss_term_weight?",
        "trainer_cfg.restore_hint is ignored: training starts from scratch; use --resume to resume a run",
        "model_cfg.SeparateBNNecks.class_num is ignored: the number of classes follows from the data",
        "evaluator_cfg.sampler.batch_size is ignored: the result is the same at any batch size and order",
        f"model_cfg.Backbone.mode {FIXED_PARTS}",
        f"model_cfg.Backbone.in_channels {FIXED_PARTS}",
        "data_cfg.dataset_partition: no file ./none.json; the official partition is used",
    ],
)
def test_ignored_keys_give_a_warning_with_the_reason(tmp_path: Path, warning: str) -> None:
    resolved = read(tmp_path, TRAINING)
    assert f"{tmp_path / 'old.yaml'}: {warning}" in resolved.warnings  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    ("there", "found"),
    [
        ((), "data/maps"),  # as given, from the working folder
        (("yaml/data/maps",), "yaml/data/maps"),
        (("data/maps", "yaml/data/maps"), "data/maps"),
    ],
)
def test_data_paths_are_relative_to_the_working_folder_or_the_yaml_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, there: tuple[str, ...], found: str
) -> None:
    monkeypatch.chdir(tmp_path)
    for folder in ("yaml", *there):
        Path(folder).mkdir(parents=True, exist_ok=True)
    settings = read(Path("yaml"), "data_cfg: {dataset_root: data/maps}").settings  # type: ignore[attr-defined]
    assert (settings.paths.maps, settings.paths.pairs) == (Path(found), Path(found))


def test_backbone_of_skeletongait_plus_is_translated(tmp_path: Path) -> None:
    yaml = "model_cfg: {model: SkeletonGaitPP, Backbone: {in_channels: 3, blocks: [1, 4, 4, 1], C: 2}}"
    network = read(tmp_path, yaml).settings.train.network  # type: ignore[attr-defined]
    assert (network.name, network.blocks) == ("skeletongait++", (1, 4, 4, 1))
    assert network.channels == (64, 128, 256, 512)


def test_important_warnings_come_first(tmp_path: Path) -> None:
    yaml = """
model_cfg: {bin_num: [16]}
evaluator_cfg: {restore_hint: 0}
optimizer_cfg: {learn: 1, momentun: 0.8}
trainer_cfg: {fix_BN: false, restore_hint: 5}
loss_cfg: [{loss_term_weights: 1.0, type: TripletLoss}]
"""
    warnings = read(tmp_path, yaml).warnings  # type: ignore[attr-defined]
    assert [line.split(": ")[1].split()[0] for line in warnings] == [
        "optimizer_cfg.learn",
        "optimizer_cfg.momentun",
        "trainer_cfg.restore_hint",
        "loss_cfg.loss_term_weights",
        "model_cfg.bin_num",
        "evaluator_cfg.restore_hint",
        "trainer_cfg.fix_BN",
    ]


def test_heatmap_settings_are_translated(tmp_path: Path) -> None:
    resolved = read(tmp_path, HEATMAP)
    heatmap = resolved.settings.heatmap  # type: ignore[attr-defined]
    assert (heatmap.canvas_px, heatmap.sigma_px, heatmap.size_px, heatmap.offset_px) == (256, 16.0, 128, 2)
    assert (heatmap.fill, heatmap.use_score, heatmap.align) == ("mean", False, True)
    assert any("transfer_to_coco17 is ignored" in line for line in resolved.warnings)  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    ("yaml", "message"),
    [
        ("norm_args: {use_conf: false}", "norm_args.use_conf: found False, expected its default"),
        ("model_cfg: {model: GaitSet}", "found GaitSet, expected one of DeepGaitV2, SkeletonGait, SkeletonGaitPP"),
        ("padkeypoints_args: {pad_method: linear}", "found linear, expected one of knn, simple"),
        ("evaluator_cfg: {metric: l1}", "found l1, expected one of euc, cos"),
        (
            "trainer_cfg: {sampler: {batch_size: 4}}",
            r"trainer_cfg.sampler.batch_size: found 4, expected .identities, sequences per identity",
        ),
        (
            "trainer_cfg: {sampler: {batch_size: [4]}}",
            r"batch_size: found \[4\], expected .identities, sequences per identity",
        ),
    ],
)
def test_keys_that_would_change_results_raise_settings_error(tmp_path: Path, yaml: str, message: str) -> None:
    with pytest.raises(SettingsError, match=message):
        read(tmp_path, yaml)
