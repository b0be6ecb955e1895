"""Command line: reads flags, calls the library and prints the report. Only this package prints."""

from skelgait.cli.app import app, main

__all__ = ["app", "main"]
