"""One file per architecture; `pipeline.experiments.architectures` lists them."""
