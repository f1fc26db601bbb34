"""Published systems, run again and measured honestly.

An experiment is a committed configuration (`configuration`) and a module in `registry`; its
networks are those of `pipeline.classifiers`, its figures JSON in ``models/experiments``
(`documents`), written row by row (`runner`).
"""
