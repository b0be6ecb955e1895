"""Pictures of sequences, and the style of plots."""
