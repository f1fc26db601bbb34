"""The pages: each module has ``layout()`` and ``register(app)``, and knows no other page."""
