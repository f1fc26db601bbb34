"""Measurements of a mask: diameters, volume, and how much it depends on the threshold."""
