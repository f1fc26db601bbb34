"""Mutants of sound files: every one is read or named, within the limits of one file."""
