"""What `predict` writes, and what it resumes from."""
