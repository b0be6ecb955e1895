"""Picture of the person tracks of a video: position and height over time."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from skelgait.storage.atomic import atomic_write
from skelgait.storage.lock import lock_file
from skelgait.viz.plot_style import Legend, line_style, new_figure, set_title, style_axes, to_png

_WIDTH = 9.0
_PANEL_HEIGHT = 2.4
_OTHERS = {"color": "0.7", "linestyle": "-", "linewidth": 1.0}


class PlottedTrack(NamedTuple):
    """Person track to draw.

    Attributes:
        name: name in the legend; empty: gray, among the others.
        frames: (N,) indices of the frames with the person.
        x_px: (N,) horizontal position.
        height_px: (N,) height of the body.
    """

    name: str
    frames: NDArray[np.int_]
    x_px: NDArray[np.float64]
    height_px: NDArray[np.float64]


def save_track_plot(path: Path, title: str, tracks: Sequence[PlottedTrack], n_frames: int) -> None:
    """Draw person tracks over time, with lines that are interrupted where the person is not seen.

    Args:
        path: PNG file.
        title: title of the picture.
        tracks: tracks; the first is drawn with a thick line.
        n_frames: number of frames of the video.

    Raises:
        DataError: if the file cannot be written.
    """
    named = [track for track in tracks if track.name]
    others = [track for track in tracks if not track.name]
    styles = [*([_OTHERS] * len(others)), *({**line_style(n), "linewidth": 1.4 + (n == 0)} for n in range(len(named)))]
    handles: list[Any] = []
    figure = new_figure(_WIDTH, 2 * _PANEL_HEIGHT)
    panels = figure.subplots(2, 1, sharex=True)
    for axes, label in zip(panels, ("x (px)", "height (px)"), strict=True):
        style_axes(axes)
        axes.set_ylabel(label)
        axes.set_xlim(0, max(n_frames - 1, 1))
        handles = [_draw(axes, track, label, style) for track, style in zip([*others, *named], styles, strict=True)]
    panels[1].set_xlabel("frame")
    set_title(panels[0], title, _WIDTH)
    names = [track.name for track in named] + ([f"{len(others)} other tracks"] if others else [])
    if names:
        legend = Legend([*handles[len(others) :], *handles[: len(others)][:1]], names, _WIDTH)
        figure.set_size_inches(_WIDTH, 2 * _PANEL_HEIGHT + legend.inches)
        legend.draw(figure)
    with lock_file(path), atomic_write(path) as partial:
        partial.write_bytes(to_png(figure))


def _draw(axes: Any, track: PlottedTrack, label: str, style: dict[str, Any]) -> Any:
    """Draw one track, with gaps; return its line. Single frames are dots."""
    values = track.x_px if label.startswith("x") else track.height_px
    gaps = np.flatnonzero(np.diff(track.frames) > 1) + 1
    frames = np.insert(track.frames.astype(np.float64), gaps, np.nan)
    (line,) = axes.plot(frames, np.insert(values, gaps, np.nan), marker=".", markersize=3, **style)
    return line
