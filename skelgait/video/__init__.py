"""People in videos: frames, pose estimators, tracks with silhouettes, and their quality."""
