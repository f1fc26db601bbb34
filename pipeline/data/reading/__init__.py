"""From files to cases: which files there are, one module for each format, names and grouping."""
