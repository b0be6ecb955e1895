"""Conversion of one dataset into another: poses, silhouettes, skeleton maps, pairs, and storage formats."""
