"""The page of image tasks."""
