"""Single images that somebody sends for comparison: their files, and the answers to them."""
