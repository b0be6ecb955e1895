"""Shared style of all plots: colors, literal text, legends, and PNG output."""

from __future__ import annotations

import io
import math
import textwrap
import warnings
from collections.abc import Sequence
from typing import Any, Literal

from skelgait.display import printable
from skelgait.errors import SettingsError

# Color-blind safe palette (Okabe and Ito). More lines repeat the colors, dashed and then dotted.
_COLORS = ("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#56b4e9", "#e69f00", "#000000")
_STYLES = ("-", "--", ":")
_MARKERS = ("D", "s", "^")
_DPI = 150
_LEGEND_LINE_INCHES = 0.2
# Upper estimate of the average character width, in units of the font size.
_CHARACTER_WIDTH = 0.62
_MAX_ENTRY_CHARACTERS = 70

POINTS = 9
"""Font size in points."""


def require_matplotlib(flag: str) -> None:
    """Check that matplotlib is installed.

    Args:
        flag: flag that asks for the picture, for the message.

    Raises:
        SettingsError: if it is not.
    """
    try:
        import matplotlib  # noqa: F401
    except ImportError as error:
        hint = 'pip install "skelgait[plots]"'
        raise SettingsError(flag, "no package matplotlib", "the package matplotlib", hint) from error


def new_figure(width: float, height: float, layout: Literal["constrained", "compressed"] = "constrained") -> Any:
    """Return an empty matplotlib figure with automatic layout.

    Args:
        width: width in inches.
        height: height in inches.
        layout: layout engine of matplotlib.
    """
    # pyplot would keep a reference to the figure and choose a backend by the machine.
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(width, height), layout=layout)
    FigureCanvasAgg(figure)
    return figure


def to_png(figure: Any) -> bytes:
    """Return a matplotlib figure as the content of a PNG file."""
    file = io.BytesIO()
    with warnings.catch_warnings():
        # Names may have characters that the font lacks; matplotlib draws them as boxes.
        warnings.filterwarnings("ignore", message="Glyph .* missing")
        figure.savefig(file, format="png", dpi=_DPI, bbox_inches="tight", pad_inches=0.08)
    return file.getvalue()


def line_style(i: int) -> dict[str, Any]:
    """Return color and style of the i-th line, the same in all panels."""
    style = _STYLES[i // len(_COLORS) % len(_STYLES)]
    return {"color": _COLORS[i % len(_COLORS)], "linestyle": style, "linewidth": 1.4}


def marker_style(i: int) -> dict[str, Any]:
    """Return the marker style of single points of the i-th line."""
    shape = _MARKERS[i // len(_COLORS) % len(_MARKERS)]
    return {"marker": shape, "markersize": 5, "markerfacecolor": "white", "markeredgewidth": 1.3}


def set_literal_text(artist: Any, text: str) -> None:
    """Set the text of a matplotlib text artist literally, so that `$` starts no formula."""
    artist.set_parse_math(False)
    artist.set_text("\n".join(map(printable, text.split("\n"))))


def text_inches(characters: int, points: float = POINTS) -> float:
    """Return the approximate width of a text in inches, from its number of characters."""
    return characters * points * _CHARACTER_WIDTH / 72


def wrap(text: str, inches: float, points: float = POINTS) -> str:
    """Return the text with line breaks that keep it within a width in inches."""
    return textwrap.fill(text, max(8, int(inches / text_inches(1, points))))


def set_title(axes: Any, text: str, inches: float) -> int:
    """Set the title of a panel, wrapped to a width in inches, and return its number of lines."""
    lines = wrap(text, inches)
    set_literal_text(axes.set_title("", fontsize=POINTS, loc="left"), lines)
    return lines.count("\n") + 1


def style_axes(axes: Any) -> None:
    """Style axes with small tick labels, a pale grid, and no box."""
    axes.tick_params(labelsize=POINTS - 1)
    axes.spines[["top", "right"]].set_visible(False)
    axes.grid(color="0.9")
    axes.set_axisbelow(True)


class Legend:
    """Legend in columns below a figure.

    Args:
        handles: matplotlib lines.
        names: name of each line; long names are wrapped.
        width: width of the figure in inches.

    Attributes:
        inches: height of the legend in inches.
    """

    def __init__(self, handles: Sequence[Any], names: Sequence[str], width: float) -> None:
        self._handles = handles
        longest = min(_MAX_ENTRY_CHARACTERS, int((width - 0.8) / text_inches(1)))
        self._names = [textwrap.fill(name, longest) for name in names]
        characters = max(len(line) for name in self._names for line in name.split("\n"))
        self._columns = max(1, min(len(names), int(width / (0.7 + text_inches(characters)))))
        rows = math.ceil(len(names) / self._columns)
        # matplotlib fills a legend column by column.
        columns = [self._names[start : start + rows] for start in range(0, len(names), rows)]
        self.inches = 0.15 + _LEGEND_LINE_INCHES * max(sum(n.count("\n") + 1 for n in names) for names in columns)

    def draw(self, figure: Any) -> None:
        """Draw the legend into a figure."""
        legend = figure.legend(
            self._handles,
            ["-"] * len(self._handles),
            loc="outside lower left",
            ncols=self._columns,
            frameon=False,
            fontsize=POINTS,
        )
        for text, name in zip(legend.get_texts(), self._names, strict=True):
            # Set afterwards, because matplotlib drops names that begin with "_".
            set_literal_text(text, name)
