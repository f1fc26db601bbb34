"""What the models are measured by: overlap, surfaces, ranking and calibration of slice scores.

The empty-mask rule of the whole project stands here and nowhere else:

- Dice and IoU are NaN where both masks are empty, and are left out of means.
- Where only one of them is empty, Dice and IoU are 0: a missed tumor counts 0.
- Only `all_slice_dice` differs, because published figures do: it counts 1 where both are empty, and
  `predict_nothing_dice` is what an empty answer everywhere would score on the same slices.
- Surfaces follow: nothing is measured where both volumes are empty, and the surface of a slice
  whose other mask is empty lies as far away as the slice is wide (`surfaces`).

Every figure over slices is written once, as a function of counts of groups (`counting`).
scikit-learn and SciPy's trees are imported where they are used: the web process needs neither.
"""

from pipeline.metrics.agreement import (
    AGREEMENT_DEVIATIONS,
    limit_statistic,
    relative_differences,
    volume_differences,
)
from pipeline.metrics.calibration import (
    CALIBRATION_BINS,
    Reliability,
    brier_score,
    calibration_bin,
    expected_calibration_error,
    reliability,
    undo_platt,
)
from pipeline.metrics.counting import (
    Counts,
    Groups,
    Statistic,
    Values,
    mean_statistic,
    median_statistic,
    sum_statistic,
)
from pipeline.metrics.overlap import (
    all_slice_dice,
    dice_from_counts,
    dice_score,
    iou_from_dice,
    iou_score,
    masks_meet,
    predict_nothing_dice,
    tumor_slice_dice,
)
from pipeline.metrics.ranking import (
    REFERENCE_SPECIFICITY,
    Confusion,
    RecallPoint,
    RocPoint,
    ThresholdCounts,
    average_precision,
    best_where,
    confusion,
    precision_recall_points,
    roc_points,
    sensitivity_at_specificity,
    slice_auc,
    threshold_statistic,
)
from pipeline.metrics.surfaces import (
    SURFACE_TOLERANCE,
    SurfaceDistances,
    measure_surfaces,
    surface_points,
)

__all__ = [
    "AGREEMENT_DEVIATIONS",
    "CALIBRATION_BINS",
    "REFERENCE_SPECIFICITY",
    "SURFACE_TOLERANCE",
    "Confusion",
    "Counts",
    "Groups",
    "RecallPoint",
    "Reliability",
    "RocPoint",
    "Statistic",
    "SurfaceDistances",
    "ThresholdCounts",
    "Values",
    "all_slice_dice",
    "average_precision",
    "best_where",
    "brier_score",
    "calibration_bin",
    "confusion",
    "dice_from_counts",
    "dice_score",
    "expected_calibration_error",
    "iou_from_dice",
    "iou_score",
    "limit_statistic",
    "masks_meet",
    "mean_statistic",
    "measure_surfaces",
    "median_statistic",
    "precision_recall_points",
    "predict_nothing_dice",
    "relative_differences",
    "reliability",
    "roc_points",
    "sensitivity_at_specificity",
    "slice_auc",
    "sum_statistic",
    "surface_points",
    "threshold_statistic",
    "tumor_slice_dice",
    "undo_platt",
    "volume_differences",
]
