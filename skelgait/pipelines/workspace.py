"""What the paths in the settings point to: opened sources, the partition, the protocol, the folder of a run."""

from __future__ import annotations

from pathlib import Path

from skelgait.datasets import (
    Dataset,
    Partition,
    Protocol,
    custom_protocol,
    find,
    load_partition,
    verification_protocol,
)
from skelgait.errors import SettingsError
from skelgait.models import network_class
from skelgait.settings import Settings, load_settings, read_protocol
from skelgait.settings.evaluation import GENERIC_PROTOCOLS
from skelgait.storage import SequenceSource, open_pairs, open_source
from skelgait.storage.metadata import METADATA_FILE


def dataset_of(settings: Settings) -> Dataset | None:
    """The dataset that the settings name; None where they name none."""
    return None if settings.dataset is None else find(settings.dataset)


def open_poses(settings: Settings) -> SequenceSource:
    """The pose sequences.

    Raises:
        DataError: there are none.
    """
    dataset = dataset_of(settings)
    return open_source(
        settings.paths.poses, "pose", _pattern_in(settings.paths.poses, dataset.pose_pattern if dataset else None)
    )


def open_maps(settings: Settings) -> SequenceSource:
    """The skeleton maps.

    Raises:
        DataError: there are none.
    """
    return open_source(settings.paths.maps, "map")


def silhouette_pattern(settings: Settings) -> str:
    """The pattern of the silhouette file in a sequence folder: given, or the dataset's own."""
    if settings.link.silhouette_pattern:
        return settings.link.silhouette_pattern
    dataset = dataset_of(settings)
    return _pattern_in(settings.paths.silhouettes, dataset.silhouette_pattern if dataset else None)


def _pattern_in(folder: Path, dataset_s: str | None) -> str:
    """The dataset's own pattern, but for trees that skelgait has written: there are no other files in those."""
    return "*.pkl" if dataset_s is None or (folder / METADATA_FILE).is_file() else dataset_s


def open_silhouettes(settings: Settings) -> SequenceSource:
    """The silhouettes.

    Raises:
        DataError: there are none.
    """
    return open_source(settings.paths.silhouettes, "silhouette", silhouette_pattern(settings))


def open_inputs(settings: Settings, network: str) -> SequenceSource:
    """Open the sequences that `network` takes: maps, or pairs of maps and silhouettes.

    Raises:
        DataError: if there are none.
    """
    if network_class(network).modalities == ("map",):
        return open_maps(settings)
    return open_pairs(settings.paths.pairs)


def partition_of(settings: Settings) -> Partition:
    """Who is trained on and who is tested: the file given, or the official partition of the dataset or the protocol's.

    Raises:
        SettingsError: neither a file nor a dataset is given.
        DataError: the file cannot be used.
    """
    if settings.partition is not None:
        return load_partition(settings.partition)
    dataset = dataset_of(settings) or _dataset_of_protocol(settings)
    if dataset is None:
        hint = "give --dataset for the official partition, or --partition with a JSON file of TRAIN_SET and TEST_SET"
        raise SettingsError("--partition", "nothing", "train and test identities", hint)
    return dataset.partition()


def run_folder(settings: Settings) -> Path:
    """Folder of the training run: as named, or after dataset and network.

    Without a dataset it is the network's, or, where there is no such folder, that of the protocol's dataset.
    """
    runs, network = settings.paths.runs, settings.train.network.name
    if settings.train.run_name:
        return runs / settings.train.run_name
    dataset = dataset_of(settings)
    if dataset is None and not (runs / network).is_dir():
        dataset = _dataset_of_protocol(settings)
    return runs / (f"{dataset.name}_{network}" if dataset else network)


def protocol_of(settings: Settings) -> Protocol:
    """How to evaluate: the protocol named, or the dataset's own.

    `custom` is built of the given patterns; `verification` of these, or else of the groups that the dataset has.

    Raises:
        SettingsError: neither a protocol nor a dataset is named, or the protocol's file cannot be used.
    """
    if settings.evaluate.protocol_file:
        return read_protocol(settings.evaluate.protocol_file)
    gallery, probes = settings.evaluate.gallery, settings.evaluate.probes
    if settings.evaluate.is_custom:
        return custom_protocol(gallery, probes)
    is_verification = settings.evaluate.protocol == "verification"
    if is_verification and gallery:
        return verification_protocol(custom_protocol(gallery, probes))
    name = settings.dataset if is_verification else settings.evaluate.protocol or settings.dataset
    if name is None:
        hint = "give --protocol or --dataset; for your own data give --gallery and --probes"
        raise SettingsError("--protocol", "nothing", "a protocol", hint)
    protocol = find(name).protocol
    return verification_protocol(protocol) if is_verification else protocol


def _dataset_of_protocol(settings: Settings) -> Dataset | None:
    """The dataset whose protocol is named; None where none is."""
    chosen = settings.evaluate
    if chosen.protocol is None or chosen.protocol in GENERIC_PROTOCOLS or chosen.protocol_file:
        return None
    return find(chosen.protocol)


def test_embedding_of(settings: Settings, network: str) -> int:
    """The embedding to test `network` at where its checkpoint does not say: the settings', or its own preset's."""
    dataset = dataset_of(settings) or _dataset_of_protocol(settings)
    if dataset is None or (settings.dataset and network == settings.train.network.name):
        return settings.train.network.test_embedding
    flags = {"dataset": dataset.name, "train.network.name": network}
    return load_settings(flags=flags, environ={}, default_file=None).settings.train.network.test_embedding
