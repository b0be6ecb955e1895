"""`python -m skelgait`, so that `torchrun -m skelgait ...` works."""

from skelgait.cli import main

main()
