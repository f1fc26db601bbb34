"""Inference runtimes behind one small interface, for networks of every kind."""
