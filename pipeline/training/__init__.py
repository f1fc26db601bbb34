"""Losses, schedules and the two training programs."""
