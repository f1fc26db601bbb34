"""The kit for networks with one answer per image: every experiment and every image task uses it.

Architectures (`bases`), the classifier built on one of them (`network`), how much of it is trained
(`strategies`), where its initial weights come from (`weights`), one training loop (`training`) and
its measures (`scoring`, `calibration`).
"""
