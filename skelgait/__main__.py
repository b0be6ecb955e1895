"""Entry point of the command `skelgait` and of `python -m skelgait`, so that `torchrun -m skelgait ...` works."""

from __future__ import annotations

from skelgait.runtime.interrupts import stop_at_once_on_interrupt


def main() -> None:
    """Run the command line. Ctrl-C is handled before its modules are imported, which takes a moment."""
    stop_at_once_on_interrupt()
    from skelgait.cli import main as run

    run()


if __name__ == "__main__":
    main()
