"""Contact sheets, previews, and the style of plots."""
