"""Tasks in which every image is its own case: one network, class probabilities and a heat map.

They are comparisons with published systems, kept apart from the two-stage brain tumor task. A task
is one small module with a ``TASK`` and one line in `pipeline.image_tasks.registry`.
"""
