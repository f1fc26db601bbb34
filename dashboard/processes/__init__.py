"""Supervision of the processes, and their logs."""
