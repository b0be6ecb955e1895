"""All attacks on all writing commands, with a table: `python -m tests.faults`, or `nox -s faults`."""

from __future__ import annotations

import argparse
import os
import random
import sys
import tempfile
import time
from pathlib import Path

from tests.faults import attacks
from tests.faults.attacks import Target
from tests.faults.commands import COMMANDS, make_workspace

PAIRED = ("heatmap", "heatmap hdf5", "link", "embed", "train", "evaluate", "convert")
CAN_MOUNT = attacks.can_mount()
SOURCED = ("heatmap", "link", "embed", "convert", "silhouettes", "poses")


def main() -> None:
    """Run the attacks; exit with code 1 if a command did not survive one."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seed", type=int, default=0, help="seed of the times of faults [default: 0]")
    parser.add_argument("--only", help="name of one attack, for example killed")
    parser.add_argument("--command", choices=COMMANDS, help="attack one command; all if it is left out")
    options = parser.parse_args()
    if not CAN_MOUNT:
        print("skipped: small file system (this user may not mount one)")
    start, rng = time.monotonic(), random.Random(options.seed)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        folder.chmod(0o755)
        make_workspace(folder)
        commands = [options.command] if options.command else COMMANDS
        rows = [row for command in commands for row in attack(folder, command, rng, options.only)]
    print(f"\n{'command':<14} {'fault':<16} {'tries':>5} {'survived':>8}")
    for command, fault, problems in rows:
        print(f"{command:<14} {fault:<16} {len(problems):>5} {problems.count(''):>8}")
    tries = [problem for _, _, problems in rows for problem in problems]
    print(f"{'all':<31} {len(tries):>5} {tries.count(''):>8}   in {time.monotonic() - start:.0f} s")
    sys.exit(any(tries))


def attack(folder: Path, name: str, rng: random.Random, only: str | None) -> list[tuple[str, str, list[str]]]:
    """Attack one command; return command, fault and the problem of each try."""
    command = COMMANDS[name]
    plan = {"killed": command.kills, "full_disk": 3, "read_only": int(os.getuid() == 0)}
    plan |= {"small_file_system": 3} if CAN_MOUNT else {}
    plan |= {"two_at_once": 3, "one_waits": 1} if name in PAIRED else {}
    plan |= {"source_gone": 3} if name in SOURCED else {}
    plan |= {"clock_set_back": 1}
    if name == "demo":  # it takes long
        plan = {"killed": command.kills, "small_file_system": int(CAN_MOUNT)}
    target = Target(folder, command)
    rows = []
    for fault, tries in plan.items():
        if tries and only in (None, fault):
            problems = [getattr(attacks, fault)(target, rng) for _ in range(tries)]
            rows.append((name, fault.replace("_", " "), problems))
            print(f"{name}, {fault}: {problems.count('')} of {tries}", flush=True)
            for problem in filter(None, problems):
                print(f"{name}, {fault}: {problem}", flush=True)
    target.clear()
    return rows


if __name__ == "__main__":
    main()
