"""How datasets and pose estimators name sequences and frames on disk."""
