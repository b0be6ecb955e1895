"""What the paths in the settings point to: opened sources, the partition, the protocol, the folder of a run."""

from __future__ import annotations

from pathlib import Path

from skelgait.datasets import Dataset, Partition, Protocol, custom_protocol, find, load_partition
from skelgait.errors import SettingsError
from skelgait.settings.schema import Settings
from skelgait.storage import SequenceSource, open_pairs, open_source


def dataset_of(settings: Settings) -> Dataset | None:
    """The dataset that the settings name; None where they name none."""
    return None if settings.dataset is None else find(settings.dataset)


def open_poses(settings: Settings) -> SequenceSource:
    """The pose sequences.

    Raises:
        DataError: there are none.
    """
    dataset = dataset_of(settings)
    return open_source(settings.poses, "pose", dataset.pose_pattern if dataset else "*.pkl")


def open_maps(settings: Settings) -> SequenceSource:
    """The skeleton maps.

    Raises:
        DataError: there are none.
    """
    return open_source(settings.maps, "map")


def silhouette_pattern(settings: Settings) -> str:
    """The pattern of the silhouette file in a sequence folder: given, or the dataset's own."""
    dataset = dataset_of(settings)
    return settings.link.silhouette_pattern or (dataset.silhouette_pattern if dataset else "*.pkl")


def open_silhouettes(settings: Settings) -> SequenceSource:
    """The silhouettes.

    Raises:
        DataError: there are none.
    """
    return open_source(settings.silhouettes, "silhouette", silhouette_pattern(settings))


def open_inputs(settings: Settings, network: str) -> SequenceSource:
    """What `network` takes: maps for skeletongait, pairs for skeletongait++.

    Raises:
        DataError: there are none.
    """
    return open_maps(settings) if network == "skeletongait" else open_pairs(settings.pairs)


def partition_of(settings: Settings) -> Partition:
    """Who is trained on and who is tested: the file given, or the dataset's official partition.

    Raises:
        SettingsError: neither a file nor a dataset is given.
        DataError: the file cannot be used.
    """
    if settings.partition is not None:
        return load_partition(settings.partition)
    dataset = dataset_of(settings)
    if dataset is None:
        mend = "give --dataset for the official partition, or --partition with a JSON file of TRAIN_SET and TEST_SET"
        raise SettingsError("--partition", "nothing", "train and test identities", mend)
    return dataset.partition()


def run_folder(settings: Settings) -> Path:
    """Folder of the training run: as named, or after dataset and network."""
    network = settings.train.network.name
    name = settings.train.run or (f"{settings.dataset}_{network}" if settings.dataset else network)
    return settings.runs / name


def protocol_of(settings: Settings) -> Protocol:
    """How to evaluate: the protocol named, or the dataset's own; `custom` is built of the given patterns.

    Raises:
        SettingsError: no protocol is named and no dataset, or there is none of that name.
    """
    if settings.evaluate.protocol == "custom":
        return custom_protocol(settings.evaluate.gallery, settings.evaluate.probes)
    name = settings.evaluate.protocol or settings.dataset
    if name is None:
        mend = "give --protocol or --dataset; for your own data use --protocol custom with --gallery and --probes"
        raise SettingsError("--protocol", "nothing", "a protocol", mend)
    return find(name).protocol
