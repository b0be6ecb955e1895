"""Processes, devices, random draws, progress and logs: what a command runs on."""
