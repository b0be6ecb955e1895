"""What the plots of a report share: colors, text as it stands, legends, and how a figure becomes a PNG."""

from __future__ import annotations

import io
import math
import textwrap
import warnings
from collections.abc import Sequence
from typing import Any, Literal

from skelgait.display import printable
from skelgait.errors import SettingsError

# Told apart by color-blind readers too (Okabe and Ito); after them, the same ones dashed and dotted.
_COLOURS = ("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#56b4e9", "#e69f00", "#000000")
_STYLES = ("-", "--", ":")
_MARKERS = ("D", "s", "^")
_DPI = 150
_LEGEND_LINE_INCHES = 0.2
# Width of an average letter in units of the font's size; rather too wide.
_LETTER = 0.62
_LONGEST_ENTRY = 70

POINTS = 9
"""Size of letters."""


def require_matplotlib(flag: str) -> None:
    """Check that matplotlib is installed.

    Args:
        flag: flag that asks for the picture, for the message.

    Raises:
        SettingsError: it is not installed.
    """
    try:
        import matplotlib  # noqa: F401
    except ImportError as error:
        hint = 'pip install "skelgait[plots]"'
        raise SettingsError(flag, "no package matplotlib", "the package matplotlib", hint) from error


def new_figure(width: float, height: float, layout: Literal["constrained", "compressed"] = "constrained") -> Any:
    """An empty matplotlib figure of so many inches, whose parts make room for each other."""
    # No pyplot: it would keep the figure, and choose a backend by the machine.
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(width, height), layout=layout)
    FigureCanvasAgg(figure)
    return figure


def png_of(figure: Any) -> bytes:
    """The figure as a PNG file."""
    file = io.BytesIO()
    with warnings.catch_warnings():
        # Names may be in a script that the font lacks; they are boxes then.
        warnings.filterwarnings("ignore", message="Glyph .* missing")
        figure.savefig(file, format="png", dpi=_DPI, bbox_inches="tight", pad_inches=0.08)
    return file.getvalue()


def look(i: int) -> dict[str, Any]:
    """Color and style of the i-th line, the same in all panels."""
    style = _STYLES[i // len(_COLOURS) % len(_STYLES)]
    return {"color": _COLOURS[i % len(_COLOURS)], "linestyle": style, "linewidth": 1.4}


def mark(i: int) -> dict[str, Any]:
    """How single points of the i-th line are marked."""
    shape = _MARKERS[i // len(_COLOURS) % len(_MARKERS)]
    return {"marker": shape, "markersize": 5, "markerfacecolor": "white", "markeredgewidth": 1.3}


def write(text: Any, words: str) -> None:
    """Set the words of a matplotlib text as they stand: it would read formulas between $."""
    text.set_parse_math(False)
    text.set_text("\n".join(map(printable, words.split("\n"))))


def inches_of(letters: int, points: float = POINTS) -> float:
    """About how wide so many letters are."""
    return letters * points * _LETTER / 72


def wrapped(words: str, inches: float, points: float = POINTS) -> str:
    """Words on as many lines as they need within a width."""
    return textwrap.fill(words, max(8, int(inches / inches_of(1, points))))


def title(axes: Any, words: str, inches: float) -> int:
    """Set the title of a panel within its width; returns the lines that it takes."""
    lines = wrapped(words, inches)
    write(axes.set_title("", fontsize=POINTS, loc="left"), lines)
    return lines.count("\n") + 1


def plain_axes(axes: Any) -> None:
    """Small numbers, a pale grid, and no box."""
    axes.tick_params(labelsize=POINTS - 1)
    axes.spines[["top", "right"]].set_visible(False)
    axes.grid(color="0.9")
    axes.set_axisbelow(True)


class Legend:
    """The names of lines, in columns below a figure.

    Args:
        handles: a line for each.
        names: what each stands for; long ones take several lines.
        width: of the figure, in inches.

    Attributes:
        inches: the height that it takes.
    """

    def __init__(self, handles: Sequence[Any], names: Sequence[str], width: float) -> None:
        self._handles = handles
        longest = min(_LONGEST_ENTRY, int((width - 0.8) / inches_of(1)))
        self._names = [textwrap.fill(name, longest) for name in names]
        letters = max(len(line) for name in self._names for line in name.split("\n"))
        self._columns = max(1, min(len(names), int(width / (0.7 + inches_of(letters)))))
        rows = math.ceil(len(names) / self._columns)
        # Filled column by column.
        columns = [self._names[start : start + rows] for start in range(0, len(names), rows)]
        self.inches = 0.15 + _LEGEND_LINE_INCHES * max(sum(n.count("\n") + 1 for n in names) for names in columns)

    def draw(self, figure: Any) -> None:
        """Draw it."""
        legend = figure.legend(
            self._handles,
            ["-"] * len(self._handles),
            loc="outside lower left",
            ncols=self._columns,
            frameon=False,
            fontsize=POINTS,
        )
        for text, name in zip(legend.get_texts(), self._names, strict=True):
            # Set afterwards: matplotlib leaves out what begins with _.
            write(text, name)
