"""Table of the checks of a device: `python -m tests.gpu [--device cpu]`; exit code 1 if one failed."""

from __future__ import annotations

import argparse
import sys
import time

import torch

from skelgait.runtime.devices import pick_device
from tests.gpu.check import table
from tests.gpu.checks import all_checks


def main() -> int:
    """Carry out all checks; one that fails does not stop the others."""
    parser = argparse.ArgumentParser(prog="python -m tests.gpu", description=__doc__)
    parser.add_argument("--device", default="cuda", choices=("cuda", "cpu"))
    name = parser.parse_args().device
    if name == "cuda" and not torch.cuda.is_available():
        print("skipped: PyTorch finds no CUDA device here; --device cpu carries out the checks on the CPU")
        return 0
    device, start = pick_device(name), time.perf_counter()
    about = torch.cuda.get_device_name(device) if name == "cuda" else f"{torch.get_num_threads()} threads"
    versions = f"torch {torch.__version__}, CUDA {torch.version.cuda}, cuDNN {torch.backends.cudnn.version()}"
    print(f"{device} ({about}), {versions}", flush=True)
    rows = []
    for check in all_checks(device):
        rows.append(check.row(device))
        print(f"\r{len(rows)} checks done", end="", file=sys.stderr, flush=True)
    print(file=sys.stderr)
    print(table(rows))
    results = [row.result for row in rows]
    counts = ", ".join(f"{results.count(result)} {result}" for result in ("ok", "skipped", "FAILED"))
    print(f"{counts}; {time.perf_counter() - start:.0f} seconds")
    return int("FAILED" in results)


if __name__ == "__main__":
    sys.exit(main())
