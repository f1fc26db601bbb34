"""Tasks of single images: every image is its own case, one network answers, with a saliency map.

Each is a table of what is special about it (`brain_mri`, `chest_xray`), listed in `registry`; its
network is trained by the kit of `pipeline.classifiers` and run by `pipeline.engine`. They are kept
apart from the two-stage task and are not for reading.
"""
