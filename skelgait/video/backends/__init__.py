"""Adapters of pose estimators."""
