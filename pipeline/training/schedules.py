"""Learning-rate schedules."""

from __future__ import annotations

import keras


def make_cosine_schedule(
    *, peak: float, total_steps: int, warmup_steps: int = 60
) -> keras.optimizers.schedules.CosineDecay:
    """Linear warm-up to ``peak``, then a cosine down to a hundredth of it.

    Args:
        peak: Highest learning rate.
        total_steps: Steps of the whole run, warm-up included.
        warmup_steps: Steps until the peak.
    """
    warmup = min(warmup_steps, max(total_steps // 10, 1))
    return keras.optimizers.schedules.CosineDecay(
        initial_learning_rate=peak / 100,
        decay_steps=max(total_steps - warmup, 1),
        alpha=0.01,
        warmup_target=peak,
        warmup_steps=warmup,
    )
