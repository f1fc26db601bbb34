"""Corrections of the AI mask: rules and encoding."""
