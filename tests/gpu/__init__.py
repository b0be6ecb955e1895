"""Checks of a CUDA device against the CPU: `python -m tests.gpu`."""
