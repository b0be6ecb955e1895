"""OpenGait compatibility: command-line flags, settings dialect, and weight names."""
