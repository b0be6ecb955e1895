"""One function a command: open what the settings name, call the library, return the result."""
