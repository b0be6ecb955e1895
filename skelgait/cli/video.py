"""`skelgait video`: poses and silhouettes of everybody in videos."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from skelgait.cli.command import DATA, Json, command
from skelgait.cli.output import show_counts, show_json, show_table, warn

if TYPE_CHECKING:
    from skelgait.pipelines.video import VideoReport
    from skelgait.pipelines.video_folders import VideoFolders
    from skelgait.settings import Settings

_Videos = Annotated[
    list[str],
    typer.Argument(metavar="VIDEO...", help="Video files, folders of videos or images, a camera number, a stream URL."),
]


@command(
    "skelgait video walk.mp4",
    "skelgait video recordings --names '{identity}/{condition}/{view}' --preview",
    flags={
        DATA: ("video.out", "video.names", "video.preview", "video.overwrite", "wait"),
        "Pose estimation": ("video.estimator", "video.model", "video.max_people"),
        "Quality": ("video.min_frames", "video.min_height"),
    },
)
def video(videos: _Videos, settings: Settings, as_json: Json = False) -> None:
    """Turn people in videos into poses and silhouettes.

    Needs skelgait[video]. People are tracked, and numbered by prominence: view 00-p1, 00-p2, ...
    """
    from pathlib import Path

    from skelgait.pipelines.video import read_videos
    from skelgait.pipelines.video_folders import VideoFolders
    from skelgait.runtime.progress import progress
    from skelgait.video.registry import load_estimator
    from skelgait.video.sources import find_videos

    config, paths = settings.video, settings.paths
    folders = VideoFolders(paths.poses, paths.silhouettes, Path("previews"))
    if config.out is not None:
        folders = VideoFolders(*(config.out / name for name in ("poses", "silhouettes", "previews")))
    found = find_videos(videos, config.names)
    estimator = load_estimator(config.estimator, config.model, config.max_people)
    report = read_videos(found, folders, config, estimator, progress=progress)
    warn([*report.warnings, *(f"{key}: {reason}" for key, reason in report.failed)])
    _show(report, folders, as_json)
    if report.failed:
        raise typer.Exit(1)


def _show(report: VideoReport, folders: VideoFolders, as_json: bool) -> None:
    counts = {"videos": report.videos, "frames": report.frames, "skipped": report.skipped}
    if as_json:
        sequences = [{"sequence": str(key), **facts} for key, facts in report.sequences.items()]
        failed = [{"video": str(key), "reason": reason} for key, reason in report.failed]
        times = {"stages": report.stages, "seconds": report.seconds}
        more = {"sequences": sequences, "failed": failed, "warnings": report.warnings, **times}
        show_json({**folders._asdict(), **counts, "short_tracks": report.short_tracks, **more})
        return
    if report.sequences:
        header = ("sequence", "seconds", "frames", "whole body", "confidence", "height", "cycles", "view", "marks")
        rows = [(str(key), *_row(facts)) for key, facts in report.sequences.items()]
        show_table(f"People in {folders.poses}", header, rows, "--json")
    show_counts(
        "Videos",
        {
            "videos read": report.videos,
            "frames": report.frames,
            "sequences written": len(report.sequences),
            "people in fewer than 5 frames, left out": report.short_tracks,
            "videos skipped (finished before)": report.skipped,
            "videos without a sequence": len(report.failed),
            "frames per second": round(report.frames / report.seconds, 1) if report.seconds else 0,
            "seconds": round(report.seconds, 1),
        },
    )


def _row(facts: dict[str, object]) -> tuple[str, ...]:
    quality = facts["quality"]
    assert isinstance(quality, dict)
    return (
        f"{facts['first_s']} to {facts['last_s']}",
        f"{quality['frames']}",
        f"{100 * quality['whole_body']:.0f} %",
        f"{quality['confidence']:.2f}",
        f"{quality['height_px']:.0f} px",
        f"{quality['gait_cycles']:.1f}",
        f"{quality['view']} ({quality['view_deg']:.0f} deg)",
        ", ".join(quality["marks"]) or "-",
    )
