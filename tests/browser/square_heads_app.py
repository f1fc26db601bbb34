"""The dashboard's app, with `square_heads`: what the browser tests' server serves."""

from square_heads import patch_ranges

from dashboard.app import server as server

patch_ranges().start()
