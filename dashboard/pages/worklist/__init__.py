"""The worklist and its upload."""
