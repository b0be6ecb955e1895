"""Reports of evaluations: their folder, tables, pictures, and several of them side by side."""
