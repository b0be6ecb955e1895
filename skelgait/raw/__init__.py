"""Readers of raw data from datasets and pose estimators: sequence names, poses and silhouette images."""
