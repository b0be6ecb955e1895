"""What is known of a dataset."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from skelgait.datasets.partition import Partition
from skelgait.datasets.protocol import Protocol


@dataclass(frozen=True)
class Layout:
    """How a dataset spells its folders and files: what a synthetic twin of it is written with.

    Attributes:
        conditions: spellings of a plain condition (`normal`, `bag`, `coat`), one a repeat.
        views: spellings of the views.
        angles_deg: the camera's angle round the walker in each view, 0 from the front.
        pose_file: name of the pose file, without its suffix; {view} stands for the view.
        silhouette_file: name of the silhouette file likewise.
        skeleton_joints: V of its poses.
        leading_values: whether poses are rows (T, 2 + 3 V) with two leading values.
        unnamed: condition of the probes whose names only a server knows, by the identity that stands for all of them;
            their view is the name of a video.
    """

    conditions: Mapping[str, tuple[str, ...]]
    views: tuple[str, ...]
    angles_deg: tuple[float, ...]
    pose_file: str = "{view}"
    silhouette_file: str = "{view}"
    skeleton_joints: int = 17
    leading_values: bool = False
    unnamed: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Dataset:
    """What is known of a dataset.

    Attributes:
        name: its name, as in presets.
        partition: expands the official partition.
        protocol: its evaluation.
        layout: how it spells folders and files.
        pose_pattern: pattern of the pose file in a sequence folder.
        silhouette_pattern: pattern of the silhouette file in a sequence folder.
        aliases: other spellings of its name.
        keys: regular expression of identity/condition/view, as its users name them.
    """

    name: str
    partition: Callable[[], Partition]
    protocol: Protocol
    layout: Layout
    pose_pattern: str = "*.pkl"
    silhouette_pattern: str = "*.pkl"
    aliases: tuple[str, ...] = field(default=())
    keys: str = ".*"
