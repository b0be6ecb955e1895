"""`skelgait checkpoint`: description of a checkpoint file."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from textwrap import shorten
from typing import TYPE_CHECKING, Annotated

import typer

from skelgait.cli.command import Json, command
from skelgait.cli.output import show_facts, show_json, show_lines, show_table, show_text, warn

if TYPE_CHECKING:
    from skelgait.checkpoints.describe import CheckpointReport, WeightsReport
    from skelgait.checkpoints.mismatch import Shape, WeightMismatches

_KINDS = {
    "skelgait": "a checkpoint of skelgait",
    "opengait": "a checkpoint of OpenGait",
    "weights": "weights only",
}
_MAX_ROWS = 20

_Path = Annotated[
    Path,
    typer.Argument(metavar="PATH", help="Checkpoint of skelgait or OpenGait, weights only, or hf://OWNER/NAME/FILE."),
]


@command(
    "skelgait checkpoint runs/CCPG_skeletongait/checkpoints/checkpoint-060000.pt",
    "skelgait checkpoint SkeletonGait-60000.pt --json",
)
def checkpoint(path: _Path, as_json: Json = False) -> None:
    """Describe a checkpoint: network, presets, missing weights.

    The exit code is 1 if the checkpoint cannot be loaded.
    """
    from skelgait.checkpoints.describe import describe_checkpoint

    report = describe_checkpoint(path)
    if as_json:
        show_json({**asdict(report), "loadable": report.weights.is_loadable})
    else:
        _show(report)
    warn(report.warnings)
    if not report.weights.is_loadable:
        raise typer.Exit(1)


def _show(report: CheckpointReport) -> None:
    weights = report.weights
    facts = {**_network_facts(weights), **_training_facts(report)}
    title = f"{report.path}: {_KINDS[report.kind]}"
    show_facts(title, {_plain(name): _plain(value) for name, value in facts.items()})
    show_lines("Presets", _preset_lines(weights))
    if report.remarks:
        show_lines("Remarks", report.remarks)
    if weights.is_loadable:
        show_lines("Next", [report.next_command])
    else:
        _show_mismatches(weights.mismatches)
        show_lines("Cannot be loaded", [report.hint])


def _show_mismatches(mismatches: WeightMismatches) -> None:
    # Missing weights come last, because there may be many of them.
    kinds = {
        "of wrong shape": [
            (name, _shape(shape), _shape(expected)) for name, (shape, expected) in mismatches.wrong_shape.items()
        ],
        "of wrong type": [(name, dtype, expected) for name, (dtype, expected) in mismatches.wrong_dtype.items()],
        "unexpected": [(name, _shape(shape), "-") for name, shape in mismatches.unexpected.items()],
        "missing": [(name, "-", _shape(expected)) for name, expected in mismatches.missing.items()],
    }
    counts = ", ".join(f"{len(rows)} {kind}" for kind, rows in kinds.items() if rows)
    rows = [(_plain(name), kind, found, expected) for kind, rows in kinds.items() for name, found, expected in rows]
    show_table(f"Mismatched weights: {counts}", ("weight", "problem", "found", "expected"), rows[:_MAX_ROWS])
    if len(rows) > _MAX_ROWS:
        show_text(f"... and {len(rows) - _MAX_ROWS} more (use --json to see all)")


def _network_facts(weights: WeightsReport) -> dict[str, object]:
    architecture = weights.architecture
    facts: dict[str, object] = {
        "network": architecture.name,
        "channels": " ".join(map(str, architecture.channels)),
        "blocks": " ".join(map(str, architecture.blocks)),
        "strips": architecture.strips,
        "embedding_width": architecture.embedding_width,
        "classes": architecture.classes,
    }
    for name in weights.unknown_sizes:
        facts[name] = "unknown" if name == "classes" else f"{facts[name]} (a guess: not in the weights)"
    millions = f"{weights.parameters:,} ({weights.parameters / 1e6:.2f} million)"
    return {name.replace("_", " "): value for name, value in facts.items()} | {"parameters": millions}


def _training_facts(report: CheckpointReport) -> dict[str, object]:
    facts: dict[str, object] = {
        "iteration": "unknown" if report.iteration is None else report.iteration,
        "test embedding": report.test_embedding or "from the settings",
        "also contains": ", ".join(report.states) or "nothing",
        "can be resumed": _resumption(report),
    }
    if report.version is not None:
        facts["skelgait"] = report.version
    facts |= dict(report.settings)
    facts |= {f"data: {name}": value for name, value in report.data.items()}
    facts |= {"size": f"{report.size_bytes / 1e6:.1f} MB", "SHA-256": report.sha256}
    return facts | ({"hub": report.hub_name} if report.hub_name else {})


def _resumption(report: CheckpointReport) -> str:
    if report.resumable:
        return "yes"
    return "no; use `skelgait train --init` to start from its weights" if report.weights.is_loadable else "no"


def _preset_lines(weights: WeightsReport) -> list[str]:
    fitting = [preset.preset for preset in weights.presets if preset.is_exact]
    if fitting:
        return [f"matches {', '.join(fitting)}"]
    classes = "unknown" if "classes" in weights.unknown_sizes else weights.architecture.classes
    near = [
        f"matches {preset.preset} except for the classes: {classes}, not {preset.classes}" for preset in weights.presets
    ]
    return near or ["none matches"]


def _shape(shape: Shape) -> str:
    return f"({', '.join('classes' if size is None else str(size) for size in shape)})"


def _plain(value: object) -> str:
    """Return text on one line, without control characters: a file may contain anything."""
    from skelgait.display import printable

    return printable(shorten(str(value), 100))
