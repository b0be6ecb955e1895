"""Files that datasets and pose estimators give: names of sequences and frames, poses, silhouettes."""
