"""The command line: reads flags, calls the library, shows its report. Only this package prints."""

from skelgait.cli.app import app, main

__all__ = ["app", "main"]
