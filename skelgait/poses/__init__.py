"""Raw pose layouts, as datasets and estimators give them: how each is recognised and read."""
