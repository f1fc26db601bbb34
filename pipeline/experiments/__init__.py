"""Published systems, run again and measured honestly.

One registry of architectures (`architectures`), strategies of how much of one is trained
(`strategies`), one training loop (`training`) and one evaluation (`scoring`). An experiment is a
committed configuration and a module in `registry`; its figures are JSON in ``models/experiments``.
"""
