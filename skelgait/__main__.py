"""Entry point of the command `skelgait` and of `python -m skelgait`, so that `torchrun -m skelgait ...` works."""

from __future__ import annotations

import _signal  # type: ignore[import-not-found] # `signal` itself imports other modules
import os


def main() -> None:
    """Run the command line. Ctrl-C is handled before its modules are imported, which takes a moment."""
    if _signal.getsignal(_signal.SIGINT) != _signal.SIG_IGN:
        _signal.signal(_signal.SIGINT, _stop)
    from skelgait.runtime.interrupts import stop_at_once_on_interrupt

    stop_at_once_on_interrupt()
    from skelgait.cli import main as run

    run()


def _stop(*_: object) -> None:
    os.write(2, b"Stopped.\n")
    os._exit(130)


if __name__ == "__main__":
    main()
