"""Processes, devices, random numbers, progress and logs."""
