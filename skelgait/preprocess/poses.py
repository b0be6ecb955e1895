"""Poses of a whole raw dataset: one person in each frame, frames in temporal order."""

from __future__ import annotations

from collections.abc import Collection
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

from skelgait.errors import DataError, PathLike, SettingsError
from skelgait.preprocess.build import Destination, build_dataset, recorded_settings
from skelgait.preprocess.build_journal import Journal
from skelgait.preprocess.build_report import BuildReport
from skelgait.preprocess.people import RawPeople, find_targets, inspect_command
from skelgait.preprocess.pose_recipe import FrameFormat, PoseRecipe
from skelgait.preprocess.pose_report import JOURNAL_FILE, REPORT_FILE, is_complete, write_report
from skelgait.raw.poses.layout import RawPoses
from skelgait.raw.poses.person_index import person_index_path
from skelgait.raw.silhouettes.images import SilhouetteImages, find_silhouette_images
from skelgait.runtime.advance import Advance
from skelgait.runtime.cores import usable_cores
from skelgait.settings.schema import PosesSettings
from skelgait.storage import Key
from skelgait.storage.backends import find_backend
from skelgait.storage.lock import lock_folder
from skelgait.storage.metadata import DatasetMetadata

# Certainty of the walker below which a warning names the sequence.
_LOW_CERTAINTY = 0.6
# Fraction of steps that jump, above which a warning names the sequence.
_MAX_JUMPS = 0.01


def collect_poses(
    raw: RawPoses, out: PathLike, config: PosesSettings, *, advance: Advance | None = None
) -> BuildReport:
    """Write all sequences of a raw dataset into `out`, see `skelgait.preprocess.build.build_dataset`.

    Args:
        raw: raw dataset.
        out: folder of the poses, in the storage `config.storage`.
        config: settings of the choice among several people, and of the storage.
        advance: called with the number of finished sequences.

    Returns:
        Report that counts for each sequence `frames`; `no_person`: frames left out because they have no person;
        `without_walker`: frames left out because they have other people only; `several_people`: written frames with
        more than one person, and of these `by_index`, `by_silhouette` and `by_continuity`: how the person was chosen;
        `tracks`: person tracks; `joins`: joins of the track of the walker; `jumps`: steps between neighboring frames
        that move by half a body height or change the height by half; `not_finite`: joints with values that are not
        finite, or are beyond a million pixels, written as 0, 0, 0; `without_joints`: people without joints, dropped;
        `clipped`: confidences outside 0 to 1; and `unreadable_files`: empty or damaged files, each a frame without
        people.

    Raises:
        SettingsError: if `out` is the raw dataset or holds other poses, or if the person index or the silhouettes fit
            no sequence.
        DataError: if `out` cannot be written, or another run writes there. Poses written before are kept.
    """
    out = Path(out)
    if out.resolve() == raw.path.resolve():
        raise SettingsError(out, "the raw dataset itself", "another folder", "choose another folder with --poses")
    images = None
    if config.silhouette_images:
        images = find_silhouette_images(config.silhouette_images, config.names, config.max_megapixels)
    if config.person is not None and config.people == "all":
        raise SettingsError("--person", f"{config.person} and --people all", "one of them", "remove one of them")
    _check_aids(raw, config.person_index, images)
    workers = config.workers or usable_cores()
    frame_format = _first_format(raw) if find_backend(config.storage).has_uniform_frames else None
    people = RawPeople(raw, config.person_index, images, config.person, config.min_frames)
    targets = find_targets(people, config.people, workers)
    settings = {**recorded_settings(config), "layout": raw.layout.name}
    metadata = DatasetMetadata(str(raw.path.resolve()), settings)
    hint = "choose another folder with --poses, or use --overwrite"
    journal = Journal(out / JOURNAL_FILE)
    with lock_folder(out):
        earlier = journal.read()
        report = build_dataset(
            PoseRecipe(people, targets, frame_format, config.force),
            Destination(out, "pose", metadata, config.storage, config.compression, hint=hint, journal=journal),
            workers=workers,
            overwrite=config.overwrite,
            advance=advance,
        )
        whole = _with_unfinished(report, earlier, targets)
        write_report(out, whole, list(targets))
        journal.remove()
    return replace(report, faults=(*report.faults, *_doubts(whole, raw.path, out)))


def _with_unfinished(report: BuildReport, earlier: BuildReport, keys: Collection[Key]) -> BuildReport:
    """Return the report of this run with the sequences that earlier, unfinished runs have written."""
    failed = dict(report.failed)
    others = {
        key: counts
        for key, counts in earlier.made.items()
        if key in keys and key not in failed and is_complete(counts, earlier.details[key])
    }
    details = {key: earlier.details[key] for key in others}
    return replace(report, made={**others, **report.made}, details={**details, **report.details})


def _doubts(report: BuildReport, source: Path, out: Path) -> list[str]:
    """Return a sentence about the sequences whose walker is uncertain, and one about those that jump."""
    hint = f'look at the tracks with "{inspect_command(source)}", and choose with --person'
    uncertain = [key for key, details in report.details.items() if (details["certainty"] or 1.0) < _LOW_CERTAINTY]
    jumping = [
        key for key, counts in report.made.items() if counts["jumps"] > max(_MAX_JUMPS * (counts["frames"] - 1), 1)
    ]
    return [
        f"{out / REPORT_FILE}: found {len(keys)} sequences with {problem}, such as {keys[0]}; {hint}"
        for keys, problem in (
            (uncertain, f"two people of similar prominence (certainty below {_LOW_CERTAINTY})"),
            (jumping, f"more than {100 * _MAX_JUMPS:.0f} % of steps that jump by half a body height"),
        )
        if keys
    ]


def _first_format(raw: RawPoses) -> FrameFormat | None:
    """Return the format of the first frame with a person; None if there is no such frame."""
    for key in raw.keys:
        with suppress(DataError):
            for people in raw.read(key).people:
                if len(people):
                    return FrameFormat(people.shape[1], str(people.dtype))
    return None


def _check_aids(raw: RawPoses, person_index: Path | None, images: SilhouetteImages | None) -> None:
    """Refuse a person index, or silhouettes, that fit no sequence."""
    first, hint = raw.keys[0], "check the folder, and that identities, conditions and views have the same names"
    if person_index is not None and not any(person_index_path(person_index, key).is_file() for key in raw.keys):
        found, expected = "no index of any sequence", f"files such as {person_index_path(person_index, first)}"
        raise SettingsError("--person-index", found, expected, hint)
    if images is not None and not set(images.folders.folders) & set(raw.keys):
        found = f"silhouettes of other sequences, such as {images.folders.keys[0]}"
        raise SettingsError("--silhouette-images", found, f"silhouettes of the poses, such as {first}", hint)
