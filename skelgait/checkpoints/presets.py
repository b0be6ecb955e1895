"""Which presets an architecture is that of."""

from __future__ import annotations

from dataclasses import dataclass

from skelgait.checkpoints.architecture import Architecture
from skelgait.datasets import find
from skelgait.settings import load_settings, preset_names


@dataclass(frozen=True)
class PresetFit:
    """A preset with the network, blocks, channels, embedding width and strips of an architecture.

    Attributes:
        preset: its name.
        dataset: its dataset; None where it is for anyone's own data.
        classes: identities that its dataset has in training; None where it is for anyone's own data.
        test_embedding: the embedding that it tests at, 1 or 2.
        fits: whether the classes are as many as the architecture's, or may be any.
    """

    preset: str
    dataset: str | None
    classes: int | None
    test_embedding: int
    fits: bool


def fitting_presets(architecture: Architecture) -> list[PresetFit]:
    """The presets that an architecture fits, and those that it fits but for the number of classes."""
    return [fit for name in preset_names() if (fit := _fit(architecture, name)) is not None]


def _fit(architecture: Architecture, preset: str) -> PresetFit | None:
    # What the surroundings set is not the preset's.
    settings = load_settings(preset=preset, environ={}, default_file=None).settings
    network = settings.train.network
    sizes = network.model_dump(exclude={"test_embedding"})
    if Architecture(classes=architecture.classes, **sizes) != architecture:
        return None
    if settings.dataset is None or settings.evaluate.is_custom:
        return PresetFit(preset, None, None, network.test_embedding, fits=True)
    classes = len(find(settings.dataset).partition().train)
    return PresetFit(preset, settings.dataset, classes, network.test_embedding, fits=classes == architecture.classes)
