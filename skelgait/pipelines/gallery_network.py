"""Network of a gallery, and the settings that all of its embeddings share."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from skelgait.checkpoints.hub import is_hub_name
from skelgait.embeddings import EmbeddingFacts
from skelgait.errors import CheckpointError, DataError, PathLike
from skelgait.evaluation.identification import check_same_checkpoint
from skelgait.pipelines.trained_network import TrainedNetwork, load_trained_network
from skelgait.sampling.fingerprint import differences
from skelgait.settings import Settings
from skelgait.settings.embedding import WithNetwork

log = logging.getLogger(__name__)


def load_gallery_network(
    settings: Settings, config: WithNetwork, gallery: Path, facts: EmbeddingFacts
) -> TrainedNetwork:
    """Load the network of a gallery.

    Args:
        settings: all settings; they give the folder of the run.
        config: section of the command; it gives the checkpoint. Default: the original path of that of the gallery.
        gallery: path of the gallery.
        facts: facts about its embeddings.

    Raises:
        CheckpointError: if there is no such checkpoint, or if it is not that of the gallery.
    """
    if not (config.checkpoint or config.iteration or config.best or settings.train.run_name):
        path = Path(facts.checkpoint)
        if not is_hub_name(path) and not path.is_file():
            expected, hint = f"the checkpoint of {gallery}", "give its path with --checkpoint"
            raise CheckpointError(path, "no such file", expected, hint)
        config = config.model_copy(update={"checkpoint": path})
    trained = load_trained_network(settings, config)
    if trained.sha256() != facts.checkpoint_sha256:
        found, expected = f"not the checkpoint of {gallery}", f"{facts.checkpoint}, unchanged"
        hint = "give the checkpoint of the gallery with --checkpoint, or embed the gallery again"
        raise CheckpointError(trained.location.label, found, expected, hint)
    return trained


def check_same_embedding(gallery: Path, facts: EmbeddingFacts, path: PathLike, other: EmbeddingFacts) -> None:
    """Check that other embeddings can join a gallery: one network, and maps and frames of the same settings.

    Args:
        gallery: path of the gallery.
        facts: facts about its embeddings.
        path: path of the others, for the error.
        other: facts about the others.

    Raises:
        DataError: if they differ.
    """
    check_same_checkpoint([(str(gallery), facts.checkpoint_sha256), (str(path), other.checkpoint_sha256)])
    check_same_drawing(gallery, facts.drawn, path, other.drawn)
    for name, before, now in (
        ("max_frames", facts.max_frames, other.max_frames), ("precision", facts.precision, other.precision),
    ):  # fmt: skip
        if before != now:
            hint = f"embed them with {name}={before}, as by `--set enroll.{name}={before}`"
            raise DataError(path, f"embeddings with {name} {now}", f"{name} {before}, as in {gallery}", hint)


def check_same_drawing(gallery: Path, drawn: Mapping[str, Any], path: PathLike, other: Mapping[str, Any]) -> None:
    """Check that maps were drawn as those of a gallery.

    Args:
        gallery: path of the gallery.
        drawn: settings that its maps were drawn with, as far as known.
        path: path of the other maps, for the error.
        other: settings that these were drawn with, as far as known.

    Raises:
        DataError: if a setting differs.
    """
    changes = differences(drawn, other)
    if changes:
        found, expected = (", ".join(f"{name} {row[i]}" for name, *row in changes) for i in (1, 0))
        hint = "draw the maps with the settings of the gallery, or pass the poses instead"
        raise DataError(path, f"maps drawn with {found}", f"{expected}, as in {gallery}", hint)


def warn_if_drawing_unknown(path: PathLike, drawn: Mapping[str, Any]) -> None:
    """Log a warning if it is unknown how the maps at a path were drawn."""
    if not drawn:
        log.warning("%s: it is unknown how these maps were drawn; draw them with `skelgait heatmap` to be sure", path)
