"""Everything between a file and an array: readers, preprocessing, splits, demo studies."""
