"""One module per architecture, each with an ``ARCHITECTURE``; `registry` lists them."""
