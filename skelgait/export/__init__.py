"""Export of trained networks to the formats of other programs."""
