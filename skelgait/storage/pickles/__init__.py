"""Interpreter of pickles as data: nothing that a file names is imported, called or built."""
