"""Evaluation reports: files, tables, pictures and comparisons."""
