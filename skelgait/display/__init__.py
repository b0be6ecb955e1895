"""Text, rows and HTML of report objects, for consoles and notebooks."""

from skelgait.display.tabular import Row, Tabular
from skelgait.display.text import printable

__all__ = ["Row", "Tabular", "printable"]
