"""A case through both stages: slice walk, decision, answer, cache and results."""
