from pathlib import Path

import pytest

from pipeline import image_tasks
from pipeline.errors import InputError
from pipeline.image_tasks.chest_xray import CONFOUNDING
from pipeline.image_tasks.registry import IMAGE_TASKS, MODULES, find_image_task
from pipeline.models.registry import TASKS


def test_the_registry_holds_every_module_of_a_task() -> None:
    files = Path(image_tasks.__path__[0]).glob("*.py")
    assert set(MODULES) == {path.stem for path in files if "\nTASK = " in path.read_text("utf-8")}


def test_image_tasks_are_named_apart_from_the_two_stage_task() -> None:
    assert not set(IMAGE_TASKS) & set(TASKS)
    for name, task in IMAGE_TASKS.items():
        assert task.name == name
        assert len(set(task.classes)) == len(task.classes)
        assert task.cautions
        assert all(caution.endswith(".") for caution in task.cautions)
    assert IMAGE_TASKS["brain-mri"].classes == ("no", "yes")
    assert CONFOUNDING in IMAGE_TASKS["chest-xray"].cautions


def test_an_unknown_task_is_one_sentence() -> None:
    with pytest.raises(InputError, match=r"'x'.*brain-mri"):
        find_image_task("x")


@pytest.mark.parametrize(
    ("file", "group"),
    [
        ("person23_bacteria_100.jpg", "person23_bacteria"),
        ("person2_bacteria_3.jpg", "person2_bacteria"),
        ("person110_virus_205.jpg", "person110_virus"),
        ("IM-0115-0001.jpg", "IM-0115"),
        ("NORMAL2-IM-1371-0001.jpg", "NORMAL2-IM-1371"),
        ("1-s2.0-S0929664620300449-gr2_lrg-c.jpg", "1-s2.0-S0929664620300449"),
        ("auntminnie-b-2020_01_28_23_51_6665_2020_01_28_Vietnam_coronavirus.jpg", "auntminnie"),
        ("covid-19-pneumonia-15-PA.jpg", "covid-19-pneumonia-15"),
        ("41591_2020_819_Fig1_HTML.webp-day5.jpg", "41591_2020_819"),
        ("01E392EE-69F9-4E33-BFCE-E5C968654078.jpg", None),
    ],
)
def test_file_names_tell_patients_and_publications(file: str, group: str | None) -> None:
    assert find_image_task("chest-xray").group_of(file) == group
