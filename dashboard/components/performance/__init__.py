"""Components of the performance page, one module per view of it."""
