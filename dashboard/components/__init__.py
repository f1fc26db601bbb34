"""Dash components that several pages share, one module per part of a page."""
