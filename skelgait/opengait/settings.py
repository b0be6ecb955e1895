"""Translation of OpenGait's YAML settings to those of skelgait.

Keys without a counterpart are ignored, with a warning that gives the reason.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from difflib import get_close_matches
from pathlib import Path
from typing import Any, NamedTuple

from skelgait.errors import SettingsError

_OPENGAIT_SECTIONS = {
    "data_cfg", "model_cfg", "trainer_cfg", "evaluator_cfg", "loss_cfg", "optimizer_cfg", "scheduler_cfg",
    "coco18tococo17_args", "padkeypoints_args", "norm_args", "heatmap_generator_args", "align_args",
}  # fmt: skip

_NETWORKS = {"DeepGaitV2": "skeletongait", "SkeletonGait": "skeletongait", "SkeletonGaitPP": "skeletongait++"}

_RENAMED: dict[str, str] = {
    "data_cfg.dataset_name": "dataset",
    "data_cfg.num_workers": "train.num_workers",
    "model_cfg.Backbone.layers": "train.network.blocks",
    "model_cfg.Backbone.blocks": "train.network.blocks",
    "model_cfg.Backbone.channels": "train.network.channels",
    "optimizer_cfg.lr": "train.optimizer.learning_rate",
    "optimizer_cfg.momentum": "train.optimizer.momentum",
    "optimizer_cfg.weight_decay": "train.optimizer.weight_decay",
    "scheduler_cfg.gamma": "train.optimizer.gamma",
    "scheduler_cfg.milestones": "train.optimizer.milestones",
    "trainer_cfg.total_iter": "train.iterations",
    "trainer_cfg.log_iter": "train.log_every",
    "trainer_cfg.save_iter": "train.save_every",
    "trainer_cfg.with_test": "train.eval_during_training",
    "trainer_cfg.save_name": "train.run_name",
    "trainer_cfg.sampler.sample_type": "train.sampling.frames",
    "trainer_cfg.sampler.frames_num_fixed": "train.sampling.clip_len",
    "trainer_cfg.sampler.frames_skip_num": "train.sampling.skip",
    "trainer_cfg.sampler.frames_all_limit": "train.sampling.max_frames",
    "evaluator_cfg.sampler.frames_all_limit": "evaluate.max_frames",
    "norm_args.heatmap_image_height": "heatmap.canvas_px",
    "heatmap_generator_args.sigma": "heatmap.sigma_px",
    "heatmap_generator_args.use_score": "heatmap.use_score",
    "align_args.align": "heatmap.align",
    "align_args.final_img_size": "heatmap.size_px",
    "align_args.offset": "heatmap.offset_px",
}

_CONVERTED: dict[str, Callable[[Any], dict[str, object]]] = {
    "model_cfg.Backbone.C": lambda value: {"train.network.channels": [factor * value for factor in (32, 64, 128, 256)]},
    "model_cfg.model": lambda value: {"train.network.name": _choice("model_cfg.model", value, _NETWORKS)},
    "model_cfg.use_emb2": lambda value: {"train.network.test_embedding": 2 if value else 1},
    "evaluator_cfg.metric": lambda value: {
        "evaluate.distance": _choice("evaluator_cfg.metric", value, {"euc": "euclidean", "cos": "cosine"})
    },
    "trainer_cfg.sampler.batch_size": lambda value: _batch(value),
    "padkeypoints_args.pad_method": lambda value: {
        "heatmap.fill": _choice("padkeypoints_args.pad_method", value, {"knn": "knn", "simple": "mean"})
    },
}

_FIXED_PARTS = "the other parts of the network follow from blocks and channels"
_IGNORED = {
    "data_cfg.test_dataset_name": "training and evaluation use the same dataset",
    "data_cfg.data_in_use": "files are found by the pattern of the dataset",
    "data_cfg.remove_no_gallery": "unmatched probes are counted and reported",
    "evaluator_cfg.enable_float16": "embeddings are computed in float32; --set evaluate.precision=fp16 changes that",
    "evaluator_cfg.restore_ckpt_strict": "checkpoints are always loaded strictly",
    "evaluator_cfg.restore_hint": "the newest checkpoint of the run is evaluated; use --iteration for another one",
    "evaluator_cfg.save_name": "the name of the run is trainer_cfg.save_name or --run-name",
    "evaluator_cfg.eval_func": "the protocol follows from the dataset",
    "evaluator_cfg.sampler.*": "the result is the same at any batch size and order",
    "evaluator_cfg.transform": "the columns to cut follow from the width of the data",
    "model_cfg.SeparateBNNecks.class_num": "the number of classes follows from the data",
    "model_cfg.SeparateBNNecks.*": _FIXED_PARTS,
    "model_cfg.SeparateFCs.*": _FIXED_PARTS,
    "model_cfg.Backbone.in_channels": _FIXED_PARTS,
    "model_cfg.Backbone.mode": _FIXED_PARTS,
    "model_cfg.*": _FIXED_PARTS,
    "optimizer_cfg.solver": "the optimizer is SGD",
    "scheduler_cfg.scheduler": "the learning rate falls at the milestones",
    "trainer_cfg.enable_float16": "precision auto is fp16 on CUDA",
    "trainer_cfg.fix_BN": "batch norm is trained",
    "trainer_cfg.sync_BN": "batch norm is always synchronized over processes",
    "trainer_cfg.find_unused_parameters": "every parameter is used",
    "trainer_cfg.restore_ckpt_strict": "checkpoints are always loaded strictly",
    "trainer_cfg.restore_hint": "training starts from scratch; use --resume to resume a run",
    "trainer_cfg.optimizer_reset": "--resume restores the optimizer",
    "trainer_cfg.scheduler_reset": "--resume restores the scheduler",
    "trainer_cfg.sampler.*": "batches are always P x K and shuffled",
    "coco18tococo17_args.*": "the skeleton format follows from the number of joints in the file",
    "padkeypoints_args.use_conf": "confidences are always read",
    "norm_args.use_conf": "confidences are always read",
    "norm_args.pose_format": "poses are converted to COCO-17 first",
    "heatmap_generator_args.img_h": "the canvas is norm_args.heatmap_image_height",
    "heatmap_generator_args.img_w": "the canvas is norm_args.heatmap_image_height",
    "heatmap_generator_args.*": "limbs and joints are always drawn at this scale",
    "align_args.heatmap_image_size": "the canvas is norm_args.heatmap_image_height",
}

_MISSPELLED = {"loss_term_weights": "loss_term_weight"}


class _Warning(NamedTuple):
    """Warning about a key; it is minor if ignoring the key changes nothing."""

    line: str
    is_minor: bool = False


def is_opengait_dialect(content: Mapping[str, Any]) -> bool:
    """Return True if the content of a settings file has sections of OpenGait."""
    return bool(_OPENGAIT_SECTIONS & set(content))


def translate(content: Mapping[str, Any], where: str) -> tuple[dict[str, Any], list[str]]:
    """Translate settings of OpenGait.

    Args:
        content: content of the YAML file.
        where: name of the file.

    Returns:
        Values by dotted key of skelgait, and a warning for each misspelled or ignored key, important ones first.

    Raises:
        SettingsError: if a value has the wrong type, or ignoring it would change results.
    """
    settings: dict[str, Any] = {}
    warnings: list[_Warning] = []
    for key, value in _leaves(content):
        try:
            settings |= _settings_of(key, value, where, warnings)
        except (TypeError, ValueError, AttributeError, LookupError) as error:
            found = f"a value of the wrong type ({error})"
            raise SettingsError(f"{where}: {key}", found, "OpenGait settings", "correct the value") from error
    return settings, [warning.line for warning in sorted(warnings, key=lambda warning: warning.is_minor)]


def _settings_of(key: str, value: Any, where: str, warnings: list[_Warning]) -> dict[str, Any]:
    if key in _RENAMED:
        return {_RENAMED[key]: value}
    if key in _CONVERTED:
        return _CONVERTED[key](value)
    if key == "loss_cfg":
        return _losses(value, where, warnings)
    if key == "trainer_cfg.transform":
        return _augmentation(value)
    if key == "data_cfg.dataset_root":
        return dict.fromkeys(("paths.maps", "paths.pairs"), _existing(value, where) or Path(value))
    if key == "data_cfg.dataset_partition":
        return _partition(str(value), where, warnings)
    _check_ignorable(key, value, where)
    warnings.append(_ignored(key, value, where))
    return {}


def _leaves(content: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, Any]]:
    for key, value in content.items():
        if isinstance(value, Mapping):
            yield from _leaves(value, f"{prefix}{key}.")
        else:
            yield f"{prefix}{key}", value


def _choice(key: str, value: object, known: Mapping[str, str]) -> str:
    if value not in known:
        raise SettingsError(key, str(value), f"one of {', '.join(known)}", "choose one of these, or remove the key")
    return known[str(value)]


def _batch(value: object) -> dict[str, object]:
    if not isinstance(value, list) or len(value) != 2:
        expected = "[identities, sequences per identity]"
        raise SettingsError("trainer_cfg.sampler.batch_size", str(value), expected, "write for example [8, 16]")
    identities, sequences = value
    return {"train.sampling.identities_per_batch": identities, "train.sampling.sequences_per_identity": sequences}


def _losses(entries: list[dict[str, Any]], where: str, warnings: list[_Warning]) -> dict[str, object]:
    names = {
        "TripletLoss": {"loss_term_weight": "triplet.weight", "margin": "triplet.margin"},
        "CrossEntropyLoss": {
            "loss_term_weight": "cross_entropy.weight", "scale": "cross_entropy.scale",
            "label_smooth": "cross_entropy.label_smoothing",
        },
    }  # fmt: skip
    settings: dict[str, object] = {}
    for entry in entries:
        kind = str(entry.get("type"))
        known = names[_choice("loss_cfg.type", kind, {name: name for name in names})]
        for key, value in entry.items():
            if key in _MISSPELLED:
                correct = _MISSPELLED[key]
                line = f"{where}: loss_cfg.{key} is misspelled and ignored, also by OpenGait: did you mean {correct}?"
                warnings.append(_Warning(line))
            elif key == "label_smooth":
                # A switch in OpenGait, with a strength of 0.1.
                settings["train.losses.cross_entropy.label_smoothing"] = 0.1 if value else 0.0
            elif key in known:
                settings[f"train.losses.{known[key]}"] = float(value)
            elif key not in ("type", "log_prefix", "log_accuracy"):
                warnings.append(_Warning(f"{where}: loss_cfg.{key} is ignored: {kind} has no such setting"))
    return settings


def _augmentation(entries: list[dict[str, Any]]) -> dict[str, object]:
    names = {"RandomPerspective": "perspective", "RandomHorizontalFlip": "mirror", "RandomRotate": "rotation"}
    plain = {"Compose", "BaseSilTransform", "BaseSilCuttingTransform"}
    shares = dict.fromkeys(names.values(), 0.0)
    degrees = {}
    steps = [step for entry in entries for step in (entry.get("trf_cfg") or [entry])]
    for step in steps:
        kind = _choice("trainer_cfg.transform.type", step.get("type"), {name: name for name in (*names, *plain)})
        if kind in names:
            shares[names[kind]] = float(step.get("prob", 0.5))
        if "degree" in step:
            degrees = {"train.augmentation.rotation_deg": float(step["degree"])}
    return {**{f"train.augmentation.{name}": share for name, share in shares.items()}, **degrees}


def _partition(value: str, where: str, warnings: list[_Warning]) -> dict[str, object]:
    path = _existing(value, where)
    if path:
        return {"partition": path}
    line = f"{where}: data_cfg.dataset_partition: no file {value}; the official partition is used"
    warnings.append(_Warning(line))
    return {}


def _existing(value: str, where: str) -> Path | None:
    # OpenGait resolves paths from the working folder.
    return next((path for path in (Path(value), Path(where).parent / value) if path.exists()), None)


def _check_ignorable(key: str, value: object, where: str) -> None:
    """Raise an error if ignoring the key would change results."""
    hints = {
        ("padkeypoints_args.use_conf", False): "set heatmap_generator_args.use_score to false",
        ("norm_args.use_conf", False): "set heatmap_generator_args.use_score to false",
        ("trainer_cfg.fix_BN", True): "remove it; batch norm is always trained",
    }
    hint = hints.get((key, value)) if isinstance(value, bool) else None
    if key == "heatmap_generator_args.scaling" and value not in (1, 1.0):
        hint = "remove it; it does not work in OpenGait either"
    if hint:
        raise SettingsError(f"{where}: {key}", str(value), "its default", hint)


def _ignored(key: str, value: object, where: str) -> _Warning:
    section, _, last = key.rpartition(".")
    reason = _IGNORED.get(key) or _IGNORED.get(f"{section}.*")
    is_minor = reason is not None and not (last == "restore_hint" and value)
    return _Warning(f"{where}: {key} is ignored: {reason or _nearest(key)}", is_minor)


def _nearest(key: str) -> str:
    near = get_close_matches(key, [*_RENAMED, *_CONVERTED, *_IGNORED], n=1, cutoff=0.8)
    return f"did you mean {near[0]}?" if near else "unknown key"
