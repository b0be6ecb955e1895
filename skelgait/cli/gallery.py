"""`skelgait gallery`: list, remove, merge and check the enrolled people."""

from __future__ import annotations

import shlex
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from skelgait.cli.command import Json, command
from skelgait.cli.output import show_facts, show_json, show_lines, show_table, warn
from skelgait.cli.similarities import similarities_as_json, similarity_warnings
from skelgait.cli.thresholds import show_threshold, threshold_warnings
from skelgait.errors import SettingsError

if TYPE_CHECKING:
    from skelgait.embeddings.gallery import GalleryThreshold
    from skelgait.pipelines.gallery import GalleryChange
    from skelgait.settings import Settings

_Action = Annotated[
    str, typer.Argument(metavar="ACTION", help="list, check, remove or merge.", autocompletion=lambda: list(_ACTIONS))
]
_File = Annotated[Path, typer.Argument(metavar="GALLERY", help="Gallery of `skelgait enroll`, or embedding file.")]
_Items = Annotated[
    list[str] | None,
    typer.Argument(metavar="ITEM...", help="People or sequences to remove, or galleries to merge into GALLERY."),
]


@command(
    "skelgait gallery check gallery.h5 --false-accept 0.01",
    "skelgait gallery remove gallery.h5 anna",
    flags={
        "Check": ("identify.false_accept", "identify.distance", "identify.memory_mb"),
        "Input and output": ("wait",),
    },
)
def gallery(action: _Action, path: _File, settings: Settings, items: _Items = None, as_json: Json = False) -> None:
    """List, check, remove or merge enrolled people.

    check learns the threshold between known and unknown people from the gallery, and stores it there.
    """
    if action not in _ACTIONS:
        hint = f"run `skelgait gallery list {shlex.quote(str(path))}`"
        raise SettingsError("ACTION", action, "list, check, remove or merge", hint)
    if items and action in ("list", "check"):
        hint = f"run `skelgait gallery {action} {shlex.quote(str(path))}`"
        raise SettingsError(f"gallery {action}", " ".join([str(path), *items]), "one gallery", hint)
    _ACTIONS[action](settings, path, items or [], as_json)


def _list(settings: Settings, path: Path, items: list[str], as_json: bool) -> None:  # noqa: ARG001
    from skelgait.embeddings.gallery import open_gallery

    content = open_gallery(path)
    rows, facts, threshold = content.rows, content.facts, content.threshold
    entries = list(zip(rows.keys, rows.frames, rows.origins, strict=True))
    if as_json:
        sequences = [{"sequence": str(key), "frames": n, **asdict(origin)} for key, n, origin in entries]
        report = {"gallery": str(path), **asdict(facts), "threshold": threshold and asdict(threshold)}
        show_json({**report, "sequences": sequences})
        return
    cells = [[str(key), str(n), origin.enrolled, origin.sha256[:12], origin.source] for key, n, origin in entries]
    show_table(str(path), ["sequence", "frames", "enrolled", "SHA-256", "from"], cells, more="use --json")
    people = {key.identity for key in rows.keys}
    network = f"{facts.network}, iteration {facts.iteration}, SHA-256 {facts.checkpoint_sha256[:12]}"
    summary = {"people": len(people), "sequences": len(entries), "network": network, "checkpoint": facts.checkpoint}
    show_facts("Gallery", {**summary, "threshold": describe_threshold(threshold)})


def describe_threshold(threshold: GalleryThreshold | None) -> str:
    """Return the threshold of a gallery with the false accept rate that it was chosen for."""
    if threshold is None:
        return "none since the last change; run `skelgait gallery check`"
    target = f"chosen for a false accept rate of {100 * threshold.target:g} %"
    measured = f"measured {100 * threshold.false_accepts:.2f} % of {threshold.n_impostors} sequences"
    return f"{threshold.distance} distance {threshold.value:.4f}, {target} ({measured}), {threshold.learned}"


def _remove(settings: Settings, path: Path, items: list[str], as_json: bool) -> None:  # noqa: ARG001
    from skelgait.pipelines.gallery import remove_from_gallery

    _show_change("Removed", remove_from_gallery(path, items), as_json)


def _merge(settings: Settings, path: Path, items: list[str], as_json: bool) -> None:
    from skelgait.pipelines.gallery import merge_galleries
    from skelgait.runtime.progress import progress

    _show_change("Added", merge_galleries(settings, path, list(map(Path, items)), progress), as_json)


def _show_change(title: str, change: GalleryChange, as_json: bool) -> None:
    names = list(map(str, change.sequences))
    if as_json:
        known = list(map(str, change.known))
        facts = {name: value for name, value in vars(change).items() if name != "similar"}
        show_json({**facts, "sequences": names, "known": known, **similarities_as_json(change.similar)})
        return
    show_lines(title, names or ["nothing"])
    show_facts(str(change.gallery), {"people": change.n_people, "sequences": change.n_sequences})
    notes = [f"{name} is in both galleries, and is taken for one person" for name in change.shared_names]
    if change.known:
        notes.append(f"{len(change.known)} sequences are enrolled already, and were left out")
    warn([*notes, *similarity_warnings(change.gallery, change.similar)])


def _check(settings: Settings, path: Path, items: list[str], as_json: bool) -> None:  # noqa: ARG001
    from skelgait.pipelines.gallery import check_gallery
    from skelgait.runtime.progress import progress

    result = check_gallery(settings, path, progress)
    if as_json:
        facts = {name: value for name, value in asdict(result).items() if name != "similar"}
        show_json({**facts, **similarities_as_json(result.similar)})
        return
    show_threshold(result.learned, "the gallery, one sequence left out")
    show_facts(str(path), {"people": result.n_people, "threshold": describe_threshold(result.threshold)})
    notes = threshold_warnings(result.learned, settings.identify.false_accept, "gallery sequences")
    if result.threshold.value < 0:
        notes.append("at this threshold everyone is unknown: two people have equal embeddings; remove one of them")
    if result.single:
        names = f"{', '.join(result.single[:5])}{', ...' if result.single[5:] else ''}"
        notes.append(f"{len(result.single)} people have one walk, so that their match is not tested: {names}")
    warn([*notes, *similarity_warnings(path, result.similar)])


_ACTIONS: dict[str, Callable[[Settings, Path, list[str], bool], None]] = {
    "list": _list,
    "check": _check,
    "remove": _remove,
    "merge": _merge,
}
