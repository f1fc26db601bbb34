"""How well two measurements of one volume agree: differences in per cent, limits of agreement.

Bland and Altman 1986, Lancet 1:307. A difference is taken in per cent of the mean of both, so that
a volume twice the other and one half of it count alike and large lesions do not decide the limits.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from pipeline.metrics.counting import Counts, Groups, Statistic, Values, divide

#: The limits of agreement lie this many standard deviations from the mean difference; 95% of
#: normally distributed differences are between them.
AGREEMENT_DEVIATIONS = 1.96


def volume_differences(volumes: ArrayLike, references: ArrayLike) -> Values:
    """Volume minus reference in per cent of the mean of both.

    Args:
        volumes: ``(n,)``, 0 or more.
        references: ``(n,)`` in the same unit.

    Returns:
        ``(n,)`` from -200 (nothing found) to below 200; NaN where the reference is empty.
    """
    found, wanted = np.asarray(volumes, np.float64), np.asarray(references, np.float64)
    return 100 * divide(found - wanted, np.where(wanted > 0, (found + wanted) / 2, 0.0))


def relative_differences(volumes: ArrayLike, references: ArrayLike) -> Values:
    """Volume minus reference in per cent of the reference, otherwise as `volume_differences`."""
    found, wanted = np.asarray(volumes, np.float64), np.asarray(references, np.float64)
    return 100 * divide(found - wanted, wanted)


def limit_statistic(differences: ArrayLike, deviations: float, *, groups: Groups) -> Statistic:
    """Mean difference plus a multiple of the differences' standard deviation.

    Args:
        differences: ``(n,)``; NaN is left out.
        deviations: How many standard deviations, below 0 for a lower limit.
        groups: Of the observations.

    Returns:
        NaN where fewer than two differences are known.
    """
    given = np.asarray(differences, np.float64)
    known = ~np.isnan(given)
    values = np.where(known, given, 0.0)
    number, total, squares = groups.sums(known), groups.sums(values), groups.sums(values**2)

    def limit(counts: Counts) -> Values:
        n = counts @ number
        mean = divide(counts @ total, n)
        variance = divide(counts @ squares - n * mean**2, np.maximum(n - 1, 0))
        # Differences that are all alike leave a rest of either sign.
        return np.asarray(mean + deviations * np.sqrt(np.maximum(variance, 0)), np.float64)

    return limit
