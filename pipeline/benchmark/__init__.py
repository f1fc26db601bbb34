"""Times the ways in which the same network can answer, in turn and in one run.

Each way (`pipeline.benchmark.routes`) lives in a process of its own, so that its start, its memory
and its threads are its own too; only one of them works at a time.
"""
