"""The performance page: how far the models can be trusted."""
