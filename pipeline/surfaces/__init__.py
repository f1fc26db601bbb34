"""Surfaces of masks and of the head as triangle meshes: arrays in, arrays out, nothing is drawn."""
