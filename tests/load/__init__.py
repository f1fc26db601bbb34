"""A load test with a real client: ``python -m tests.load`` (docs/scaling.md)."""
