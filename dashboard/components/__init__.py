"""Functions that return Dash components, one module per part of a page."""
