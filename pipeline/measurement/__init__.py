"""Measurements of a mask: diameters, volume, and how much of it hangs on the threshold."""
