"""Metrics and the evaluation that the performance page and the model cards read."""
