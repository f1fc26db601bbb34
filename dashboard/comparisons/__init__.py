"""Single images that are sent for comparison: their files and answers."""
