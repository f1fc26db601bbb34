"""Tumor or no tumor on single brain MRI images from the web: a public set."""

from __future__ import annotations

from pipeline.image_tasks.task import Fit, HeadRecipe, ImageTask, Published

TASK = ImageTask(
    name="brain-mri",
    title="Brain MRI, tumor or no tumor",
    classes=("no", "yes"),
    class_titles=("No tumor", "Tumor"),
    fit=Fit.CONTENT,
    input_size=256,
    # After registration, copies reach 0.95 and more, neighbouring slices of one head 0.78 to 0.85,
    # look-alikes 0.80 at most. A pair too many costs nothing, a pair too few leaks.
    near_duplicate_ncc=0.78,
    group_patterns=(),
    data_name="Brain MRI Images for Brain Tumor Detection (Kaggle: navoneel)",
    data_licence="none stated; the images were collected from the web by the author of the set",
    cautions=(
        "For comparison with published systems, not a reading aid: the images come from the web,"
        " without patient identifiers or sequence names, and some labels are clearly wrong.",
        "Patients are not identified: near-duplicates are kept on one side of each split, but"
        " different slices of one patient may be on both.",
    ),
    published=(
        Published("VGG19 with augmentation", "accuracy 86%", "published, on a random split"),
        Published(
            "VGG16 with augmentation",
            "binary cross-entropy 0.4984",
            "published, on a random split",
        ),
    ),
    recipe=HeadRecipe(architecture="encoderpair"),
    version="2.0.0",
    mirrored=True,
    weights_licence=(
        "the encoders' weights derive from LGG MRI Segmentation (CC BY-NC-SA 4.0) and from the"
        " chest X-ray set (CC BY 4.0 and its publications' terms)"
    ),
)
