"""Damaged files for every reader: flips and truncations, then files that atheris makes.

Each reader runs in a process of its own, with limits on memory and time. A file that ends with anything but a
`SkelgaitError` is a find: it is written to `build/fuzz`. Move it to `tests/fuzz/cases/READER/`, where tests replay it.

Run: python -m tests.fuzz [--seconds 600] [--tries 2000] [--only TEXT]
"""

from __future__ import annotations

import argparse
import io
import json
import multiprocessing
import tempfile
import time
from contextlib import redirect_stderr
from dataclasses import dataclass, field
from pathlib import Path

import atheris

from tests.paths import ROOT

with redirect_stderr(io.StringIO()), atheris.instrument_imports(include=["skelgait"]):
    from tests.fuzz.child import read_damaged
    from tests.fuzz.readers import READERS

FINDS = ROOT / "build" / "fuzz"
PATIENCE_S = 60


@dataclass
class Outcome:
    """Tries and finds of a reader; finds by their description, with the content of the first file."""

    tries: int = 0
    finds: dict[str, bytes] = field(default_factory=dict)

    def add(self, find: str, content: bytes) -> None:
        """Add a find; the same error in the same line counts once."""
        description = find.partition(": ")[0]
        if description not in self.finds:
            self.finds[description] = content
            print(f"  {find}", flush=True)


def run_reader(name: str, mode: str, outcome: Outcome, tries: int, seconds: float) -> None:
    """Read damaged files; start again after a file on which the process crashes or hangs."""
    end, first = time.monotonic() + seconds, 0
    is_over = False
    while not is_over and (left := end - time.monotonic()) > 0:
        with tempfile.TemporaryDirectory() as folder:
            files = Path(folder, "files")
            files.mkdir()
            receiver, sender = multiprocessing.Pipe(duplex=False)
            arguments = (READERS[name], files, sender, mode, first, tries, left)
            child = multiprocessing.get_context("fork").Process(target=read_damaged, args=arguments)
            child.start()
            sender.close()
            number, content = first - 1, b""
            is_hung = True
            while receiver.poll(PATIENCE_S):
                try:
                    number, content, found = receiver.recv()
                except EOFError:
                    is_hung = False
                    break
                if found:
                    outcome.add(found, content)
            if is_hung:
                child.kill()
            child.join()
        if number < first:
            raise SystemExit(f"{name}: the reader does not start")
        outcome.tries += number + 1 - first
        is_over, first = child.exitcode == 0, number + 1
        if not is_over:
            outcome.add(f"no end after {PATIENCE_S} s" if is_hung else f"ended with {child.exitcode}", content)


def fuzz(name: str, tries: int, seconds: float) -> Outcome:
    """Return tries and finds of a reader: half of the time for mutations at most, the rest for atheris."""
    outcome, start = Outcome(), time.monotonic()
    run_reader(name, "mutations", outcome, tries, seconds / 2)
    run_reader(name, "atheris", outcome, tries, seconds - (time.monotonic() - start))
    folder = FINDS / name.replace(":", "").replace(" ", "-")
    for number, content in enumerate(outcome.finds.values()):
        folder.mkdir(parents=True, exist_ok=True)
        (folder / f"{number:03d}").write_bytes(content)
    return outcome


def main() -> None:
    """Print tries and finds of every reader; exit with 1 if there are finds."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=float, default=600, help="time for each reader (default: 600)")
    parser.add_argument("--tries", type=int, default=2000, help="flips and truncations for each reader (default: 2000)")
    parser.add_argument("--only", default="", help="readers whose name contains this text")
    options = parser.parse_args()
    outcomes = {}
    for name in READERS:
        if options.only in name:
            outcomes[name] = fuzz(name, options.tries, options.seconds)
            print(f"{name:<28}{outcomes[name].tries:>8} tries{len(outcomes[name].finds):>6} finds", flush=True)
    finds = {name: list(outcome.finds) for name, outcome in outcomes.items() if outcome.finds}
    print(json.dumps({"tries": sum(outcome.tries for outcome in outcomes.values()), "finds": finds}))
    raise SystemExit(bool(finds))


if __name__ == "__main__":
    main()
