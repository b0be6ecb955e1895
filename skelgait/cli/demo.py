"""`skelgait demo`: the whole pipeline on synthetic data, or a comparison of the people in a video."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from skelgait.cli.command import DATA, Json, command
from skelgait.cli.evaluate import show_evaluation
from skelgait.cli.output import show_counts, show_json, show_table, show_text

if TYPE_CHECKING:
    from skelgait.pipelines.demo import DemoReport
    from skelgait.pipelines.demo_video import VideoDemoReport
    from skelgait.settings import Settings
    from skelgait.video.index import IndexedTrack


@command(
    "skelgait demo --quick",
    "skelgait demo --video walk.mp4",
    flags={DATA: ("demo.video", "demo.out", "demo.seed", "demo.quick", "demo.resume", "wait")},
)
def demo(settings: Settings, as_json: Json = False) -> None:
    """Run the whole pipeline on synthetic data; takes a few minutes.

    With --video, find the people in a video and compare them; needs skelgait[video].
    """
    from skelgait.runtime.progress import progress

    announce = partial(show_text, err=True)
    video = settings.demo.video
    if video is not None:
        from skelgait.pipelines.demo_video import run_video_demo

        _show_video(run_video_demo(video, settings, progress, announce), as_json)
        return
    from skelgait.pipelines.demo import run_demo

    _show(run_demo(settings.demo, progress, announce), as_json)


def _show(report: DemoReport, as_json: bool) -> None:
    if as_json:
        evaluations = {network: evaluation.to_dict() for network, evaluation in report.evaluations.items()}
        show_json({"out": report.out, "sheet": report.sheet, "chance": report.chance, "evaluations": evaluations})
        return
    for network, evaluation in report.evaluations.items():
        show_text(f"\n{network}, on identities not used for training", bold=True)
        show_evaluation(evaluation.to_dict())
    show_counts(
        "Output",
        {
            "poses, silhouettes, maps, pairs": report.out,
            "picture of maps and silhouettes": report.sheet,
            "runs, with checkpoints and logs": report.out / "runs",
            "rank-1 by chance, percent": f"{100 * report.chance:.1f}",
            "minutes": f"{report.seconds / 60:.1f}",
        },
    )


def _show_video(report: VideoDemoReport, as_json: bool) -> None:
    people = [(key.view, track) for key, track in report.tracks.items()]
    if as_json:
        tracks = [
            {"person": name, "first_s": track.first_s, "last_s": track.last_s, "quality": track.quality.as_dict()}
            for name, track in people
        ]
        compared = {"compared": [key.view for key in report.compared], "distances": report.distances.tolist()}
        show_json({"out": report.out, "sheet": report.sheet, "network": report.network, "people": tracks, **compared})
        return
    header = ("person", "seconds", "frames", "height", "cycles", "view", "marks")
    show_table("People in the video", header, [(name, *_row(track)) for name, track in people], "--json")
    _show_distances(report)
    show_text(
        "The network has seen synthetic walkers alone, and often confuses real people: it shows the steps, and "
        "identifies nobody. The halves of a walk also share camera, clothes and background."
    )
    files = {"poses, silhouettes": report.out, "picture of skeleton maps": report.sheet, "network": report.network}
    show_counts("Output", {**files, "minutes": f"{report.seconds / 60:.1f}"})


def _row(track: IndexedTrack) -> tuple[str, ...]:
    quality = track.quality
    return (
        f"{track.first_s:.1f} to {track.last_s:.1f}",
        str(quality.frames),
        f"{quality.height_px:.0f} px",
        f"{quality.gait_cycles:.1f}",
        f"{quality.view} ({quality.view_deg:.0f} deg)",
        ", ".join(quality.marks) or "-",
    )


def _show_distances(report: VideoDemoReport) -> None:
    """Print distances between halves; the nearest second half of each first half is marked."""
    names, nearest = [key.view for key in report.compared], report.nearest()
    rows = []
    for key, distances in zip(report.compared, report.distances, strict=True):
        marks = ["*" if other == nearest[key] else "" for other in report.compared]
        rows.append((key.view, *(f"{value:.3f}{mark}" for value, mark in zip(distances, marks, strict=True))))
    header = ("first half of", *(f"second half of {name}" for name in names))
    show_table("Distances (* nearest)", header, rows, "--json", keep=header)
    if len(names) == 1:
        show_text("One person is long enough to be compared, so there is nobody to confuse them with.")
        return
    right = sum(key == other for key, other in nearest.items())
    show_text(f"{right} of {len(names)} first halves are nearest to the second half of the same person.")
