"""Supervision of processes, and their logs."""
