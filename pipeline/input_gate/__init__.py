"""How far an input is like the training patients, measured from its pixels and headers."""
