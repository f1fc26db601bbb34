"""Covid-19, healthy, bacterial or viral pneumonia on a chest X-ray."""

from __future__ import annotations

import re

from pipeline.image_tasks.task import Fit, ImageTask, Published, Recipe

#: Said wherever a figure or an answer of this task is shown.
CONFOUNDING = (
    "The Covid-19 images come from a different source and age group (adults in publications) from"
    " the others (children at one hospital), so a model can score by distinguishing the sources."
)

TASK = ImageTask(
    name="chest-xray",
    title="Chest X-ray, four classes",
    classes=("covid", "normal", "pneumonia_bac", "pneumonia_vir"),
    class_titles=("Covid-19", "Healthy", "Bacterial pneumonia", "Viral pneumonia"),
    fit=Fit.WHOLE,
    # After registration, different children reach 0.94; the one copy in the set reaches 1.00.
    near_duplicate_ncc=0.96,
    group_patterns=(
        re.compile(r"(person\d+_(?:bacteria|virus))_"),
        re.compile(r"((?:NORMAL2-)?IM-\d+)-"),
        re.compile(r"(1-s2\.0-S[0-9X]+)"),
        re.compile(r"(ciaa\d+)"),
        re.compile(r"(\d+_\d+_\d+)_Fig"),
        re.compile(r"(ryct\.\d+)"),
        re.compile(r"(all\d+)-fig"),
        re.compile(r"(covid-19-pneumonia-\d+)"),
        re.compile(r"(auntminnie)-"),
    ),
    data_name=(
        "Chest X-rays in four classes, 316 images: children's from Kermany et al. 2018, Covid-19"
        " from publications (Cohen et al. 2020), judging by their file names"
    ),
    data_licence="CC BY 4.0 (Kermany et al.); the Covid-19 images under their publications' terms",
    cautions=(
        CONFOUNDING,
        "For comparison with a published task, not a reading aid and not a test for Covid-19.",
    ),
    published=(
        Published(
            "Course system, four classes",
            "result in under a minute",
            "published requirement; no accuracy stated",
        ),
    ),
    recipe=Recipe(epochs=12, flips=False, images_per_group=8),
)
