"""`skelgait export`: a checkpoint in the format of another program."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from skelgait.cli.command import DATA, Json, command
from skelgait.cli.output import show_counts, show_json, show_lines

if TYPE_CHECKING:
    from skelgait.pipelines.export import ExportReport
    from skelgait.settings import Settings

_Checkpoint = Annotated[
    Path, typer.Argument(metavar="CHECKPOINT", help="Checkpoint of skelgait or OpenGait, or hf://OWNER/NAME/FILE.")
]


@command(
    "skelgait export checkpoint-060000.pt --format onnx",
    "skelgait export best.pt --format opengait --out 60000.pt",
    flags={DATA: ("export.format", "export.out", "export.overwrite", "wait")},
)
def export(checkpoint: _Checkpoint, settings: Settings, as_json: Json = False) -> None:
    """Write a network for other programs.

    As ONNX, TorchScript or safetensors, or for OpenGait. The written file is compared with the checkpoint.
    """
    from skelgait.export.check import SHAPES
    from skelgait.pipelines.export import export_checkpoint
    from skelgait.runtime.progress import progress

    config = settings.export
    with progress(len(SHAPES), "Exporting", "comparisons") as advance:
        report = export_checkpoint(checkpoint, config.format, config.out, overwrite=config.overwrite, advance=advance)
    if as_json:
        errors = [
            {"sequences": n_sequences, "frames": n_frames, "error": error}
            for (n_sequences, n_frames), error in report.errors.items()
        ]
        show_json({**asdict(report), "errors": errors})
        return
    show_counts(report.headline(), {str(row["name"]): row["value"] for row in report.rows()})
    if report.format == "opengait":
        _show_use_in_opengait(report)


def _show_use_in_opengait(report: ExportReport) -> None:
    lines = [
        f"evaluator_cfg.restore_hint: {report.path.resolve()}",
        f"model_cfg.SeparateBNNecks.class_num: {report.classes}",
        "to train on: trainer_cfg.restore_hint the same, with optimizer_reset and scheduler_reset: true",
    ]
    show_lines("In OpenGait's YAML file", lines)
