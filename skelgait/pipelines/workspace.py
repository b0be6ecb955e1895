"""Sequence sources, partition, protocol and run folder that settings name."""

from __future__ import annotations

from pathlib import Path

from skelgait.datasets import (
    Dataset,
    Partition,
    Protocol,
    all_sequences_protocol,
    custom_protocol,
    find_dataset,
    load_partition,
    open_set_protocol,
    verification_protocol,
)
from skelgait.errors import SettingsError
from skelgait.models.inputs import Modality
from skelgait.settings import Settings, load_settings, read_protocol
from skelgait.settings.evaluation import GENERIC_PROTOCOLS
from skelgait.storage import SequenceSource, open_pairs, open_source
from skelgait.storage.metadata import METADATA_FILE


def dataset_of(settings: Settings) -> Dataset | None:
    """Return the dataset of the settings; None if they have none."""
    return None if settings.dataset is None else find_dataset(settings.dataset)


def open_poses(settings: Settings) -> SequenceSource:
    """Open the pose sequences.

    Raises:
        DataError: if there are none.
    """
    dataset = dataset_of(settings)
    return open_source(
        settings.paths.poses, "pose", _pattern_in(settings.paths.poses, dataset.pose_pattern if dataset else None)
    )


def open_maps(settings: Settings) -> SequenceSource:
    """Open the skeleton maps.

    Raises:
        DataError: if there are none.
    """
    return open_source(settings.paths.maps, "map")


def silhouette_pattern(settings: Settings) -> str:
    """Return the file pattern of silhouettes in a sequence folder: from the settings, or that of the dataset."""
    if settings.link.silhouette_pattern:
        return settings.link.silhouette_pattern
    dataset = dataset_of(settings)
    return _pattern_in(settings.paths.silhouettes, dataset.silhouette_pattern if dataset else None)


def _pattern_in(folder: Path, dataset_pattern: str | None) -> str:
    """Return the file pattern of the dataset, or `*.pkl` for trees that skelgait has written."""
    return "*.pkl" if dataset_pattern is None or (folder / METADATA_FILE).is_file() else dataset_pattern


def open_silhouettes(settings: Settings) -> SequenceSource:
    """Open the silhouettes.

    Raises:
        DataError: if there are none.
    """
    return open_source(settings.paths.silhouettes, "silhouette", silhouette_pattern(settings))


def open_inputs(settings: Settings, modalities: tuple[Modality, ...]) -> SequenceSource:
    """Open the sequences that a network takes: maps, or pairs of maps and silhouettes.

    Args:
        settings: settings; they give the paths.
        modalities: input of the network.

    Raises:
        DataError: if there are none.
    """
    if modalities == ("map",):
        return open_maps(settings)
    return open_pairs(settings.paths.pairs)


def partition_of(settings: Settings) -> Partition:
    """Return the training and test identities.

    They come from the partition file, or are the official partition of the dataset or of the protocol's dataset.

    Raises:
        SettingsError: if the settings have neither a partition file nor a dataset.
        DataError: if the file cannot be used.
    """
    if settings.partition is not None:
        return load_partition(settings.partition)
    dataset = dataset_of(settings) or _dataset_of_protocol(settings)
    if dataset is None:
        hint = "give --dataset for the official partition, or --partition with a JSON file of TRAIN_SET and TEST_SET"
        raise SettingsError("--partition", "nothing", "train and test identities", hint)
    return dataset.partition()


def has_partition(settings: Settings) -> bool:
    """Check whether the settings give a partition: by its file, a dataset, or the protocol of a dataset."""
    return bool(settings.partition or dataset_of(settings) or _dataset_of_protocol(settings))


def run_folder(settings: Settings) -> Path:
    """Return the folder of the training run.

    Its name is `train.run_name`, or DATASET_NETWORK. Without a dataset it is NETWORK; if this folder does not exist and
    the protocol is that of a dataset, it is DATASET_NETWORK.
    """
    runs, network = settings.paths.runs, settings.train.network.name
    if settings.train.run_name:
        return runs / settings.train.run_name
    dataset = dataset_of(settings)
    if dataset is None and not (runs / network).is_dir():
        dataset = _dataset_of_protocol(settings)
    return runs / (f"{dataset.name}_{network}" if dataset else network)


def protocol_of(settings: Settings) -> Protocol:
    """Return the evaluation protocol: `evaluate.protocol`, or that of the dataset.

    `custom` uses the patterns in the settings. `verification` and `open-set` use these, or else the groups of the
    dataset, or else compare all sequences of an embedding file.

    Raises:
        SettingsError: if the settings have neither a protocol nor a dataset, or if the protocol file cannot be used.
    """
    config = settings.evaluate
    if config.protocol_file:
        return read_protocol(config.protocol_file)
    if config.protocol == "verification":
        return verification_protocol(_protocol_to_derive_from(settings))
    if config.protocol == "open-set":
        return open_set_protocol(_protocol_to_derive_from(settings), config.not_enrolled, config.draws)
    if config.is_custom:
        return custom_protocol(config.gallery, config.probes)
    name = config.protocol or settings.dataset
    if name is None:
        hint = "give --protocol or --dataset; for your own data give --gallery and --probes"
        raise SettingsError("--protocol", "nothing", "a protocol", hint)
    return find_dataset(name).protocol


def _protocol_to_derive_from(settings: Settings) -> Protocol:
    config = settings.evaluate
    if config.gallery:
        return custom_protocol(config.gallery, config.probes)
    if settings.dataset:
        return find_dataset(settings.dataset).protocol
    if config.embeddings:
        return all_sequences_protocol()
    hint = "give --dataset; for your own data give --gallery and --probes, or --embeddings"
    raise SettingsError(f"--protocol {config.protocol}", "no dataset", "the probes and the gallery", hint)


def _dataset_of_protocol(settings: Settings) -> Dataset | None:
    """Return the dataset that has the protocol of the settings; None if no dataset has it."""
    config = settings.evaluate
    if config.protocol is None or config.protocol in GENERIC_PROTOCOLS or config.protocol_file:
        return None
    return find_dataset(config.protocol)


def test_embedding_of(settings: Settings, network: str) -> int:
    """Return the test embedding of a network whose checkpoint does not give it, from the settings or its preset.

    Args:
        settings: settings.
        network: name of the network.
    """
    dataset = dataset_of(settings) or _dataset_of_protocol(settings)
    if dataset is None or (settings.dataset and network == settings.train.network.name):
        return settings.train.network.test_embedding
    flags = {"dataset": dataset.name, "train.network.name": network}
    return load_settings(flags=flags, environ={}, default_file=None).settings.train.network.test_embedding
