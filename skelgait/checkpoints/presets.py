"""Presets that match an architecture."""

from __future__ import annotations

from dataclasses import dataclass

from skelgait.checkpoints.architecture import Architecture
from skelgait.datasets import find_dataset
from skelgait.settings import load_settings, preset_names


@dataclass(frozen=True)
class PresetMatch:
    """Preset with the same network, blocks, channels, embedding width and strips as an architecture.

    Attributes:
        preset: name of the preset.
        dataset: dataset of the preset; None: any data.
        classes: number of training identities of the dataset; None: any number.
        test_embedding: embedding that the preset compares in evaluation, 1 or 2.
        is_exact: True if the number of classes is the same too, or may be any.
    """

    preset: str
    dataset: str | None
    classes: int | None
    test_embedding: int
    is_exact: bool


def matching_presets(architecture: Architecture) -> list[PresetMatch]:
    """Return the presets with this architecture, including those with another number of classes."""
    return [match for name in preset_names() if (match := _match(architecture, name)) is not None]


def _match(architecture: Architecture, preset: str) -> PresetMatch | None:
    # Without the environment and the settings file of the user, which are not part of the preset.
    settings = load_settings(preset=preset, environ={}, default_file=None).settings
    network = settings.train.network
    sizes = network.model_dump(exclude={"test_embedding"})
    if Architecture(classes=architecture.classes, **sizes) != architecture:
        return None
    if settings.dataset is None or settings.evaluate.is_custom:
        return PresetMatch(preset, None, None, network.test_embedding, is_exact=True)
    classes = len(find_dataset(settings.dataset).partition().train)
    is_exact = classes == architecture.classes
    return PresetMatch(preset, settings.dataset, classes, network.test_embedding, is_exact)
