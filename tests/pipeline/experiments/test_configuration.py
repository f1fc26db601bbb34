from __future__ import annotations

from pathlib import Path

import pytest

from pipeline.classifiers.images import FLIPS, NONE
from pipeline.classifiers.strategies import Strategy
from pipeline.classifiers.weights import WeightsSource
from pipeline.errors import InputError
from pipeline.experiments.configuration import FOLDER, read_configuration
from pipeline.experiments.documents import row_words
from pipeline.experiments.options import OPTIONS
from pipeline.experiments.plans import RunContext, make_plan
from pipeline.experiments.registry import EXPERIMENTS, find_configuration

CONTEXT = RunContext(None, WeightsSource())
HEAD = 'title = "T"\nquestion = "Q"\n[data]\nname = "D"\nlicence = "L"\n'
ROW = (
    '[[rows]]\narchitecture = "resnet18"\nstrategy = "all"\nsplit = "by slice"\nepochs = 2\n'
    "minutes = 1\n"
)


def read(tmp_path: Path, text: str):  # type: ignore[no-untyped-def]
    path = tmp_path / "made.toml"
    path.write_text(text)
    return read_configuration(path)


def test_every_experiment_has_a_configuration_that_fits_and_every_file_an_experiment() -> None:
    assert {path.stem for path in FOLDER.glob("*.toml")} == set(EXPERIMENTS)
    for name in EXPERIMENTS:
        configuration = find_configuration(name)
        assert (configuration.name, bool(configuration.rows)) == (name, True)
        words = [row_words(row) for row in configuration.rows]
        assert len(set(words)) == len(words)
        for row in configuration.rows:
            if row.epochs:
                assert make_plan(row, CONTEXT).epochs == row.epochs


def test_lists_become_rows_and_the_last_one_changes_fastest(tmp_path: Path) -> None:
    text = HEAD + "[common]\nside = 64\n" + ROW.replace('"by slice"', '["by slice", "by patient"]')
    configuration = read(tmp_path, text.replace('"resnet18"', '["resnet18", "resnet50"]'))
    assert [(row.architecture, row.split) for row in configuration.rows] == [
        ("resnet18", "by slice"),
        ("resnet18", "by patient"),
        ("resnet50", "by slice"),
        ("resnet50", "by patient"),
    ]
    assert configuration.rows[0].options == {"side": 64}
    assert row_words(configuration.rows[0]) == "resnet18, strategy 2, by slice, 2 epochs"


def test_the_digest_is_of_what_is_measured_not_of_how_long_it_takes(tmp_path: Path) -> None:
    (row,) = read(tmp_path, HEAD + ROW).rows
    (longer,) = read(tmp_path, HEAD + ROW.replace("minutes = 1", "minutes = 9")).rows
    assert longer.digest == row.digest
    for change in ("epochs = 3", "epochs = 2\nside = 64"):
        (other,) = read(tmp_path, HEAD + ROW.replace("epochs = 2", change)).rows
        assert other.digest != row.digest


@pytest.mark.parametrize(
    ("text", "rule"),
    [
        ("title = ", "cannot be read as TOML"),
        (HEAD, "rows must be one or more tables"),
        ('title = "T"\n' + ROW, "question must be a text"),
        (HEAD + ROW + ROW, "no row may stand twice"),
        (HEAD + ROW.replace("resnet18", "resnet9"), "there is no architecture resnet9"),
        (HEAD + ROW.replace('"all"', '"some"'), "there is no strategy some"),
        (HEAD + ROW.replace("epochs = 2", "epochs = -1"), "epochs must be 0 to 1000"),
        (HEAD + ROW.replace("minutes = 1", ""), "minutes must be above 0"),
        (HEAD + ROW + "colour = 1\n", "colour may not be 1"),
        (HEAD + ROW + "side = true\n", "side may not be True"),
        (HEAD + ROW + 'optimizer = "lamb"\n', "optimizer may not be 'lamb'"),
        (HEAD + "extra = 1\n" + ROW + "[other]\n", "parts must be among"),
    ],
)
def test_what_does_not_fit_is_told_in_a_sentence(tmp_path: Path, text: str, rule: str) -> None:
    with pytest.raises(InputError, match=rule):
        read(tmp_path, text)


def test_what_an_image_task_says_is_not_said_again(tmp_path: Path) -> None:
    path = tmp_path / "brain-mri.toml"
    path.write_text(HEAD + ROW)
    with pytest.raises(InputError, match="both are the image task's"):
        read_configuration(path)


def test_unknown_experiments_are_told_with_those_that_are_known(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no experiment 'nothing'; known: lgg-slices"):
        find_configuration("nothing")
    with pytest.raises(InputError, match=r"There is no configuration absent\.toml"):
        read_configuration(tmp_path / "absent.toml")


def test_a_plan_takes_every_option_of_a_row(tmp_path: Path) -> None:
    text = ROW + (
        'side = 64\nbatch_size = 4\nlearning_rate = 0.1\ncosine = true\noptimizer = "adam"\n'
        "momentum = 0.5\ndropout = 0.2\nhidden = 16\nnormalise = false\nflips = true\n"
        "balanced = true\nfreeze_normalisation = false\npatience = 3\n"
        'precision = "mixed_bfloat16"\nseed = 5\nrepeats = 2\nfolds = 5\nimages = 9\nrounds = 3\n'
    )
    (row,) = read(tmp_path, HEAD + text).rows
    assert set(row.options) == set(OPTIONS) - {"augmentation"}
    plan = make_plan(row, CONTEXT)
    assert (plan.strategy, plan.side, plan.head.dropout, plan.head.hidden) == (
        Strategy.ALL,
        64,
        0.2,
        16,
    )
    assert (plan.augmentation, plan.normalise, plan.patience, plan.seed) == (FLIPS, False, 3, 5)


def test_flips_are_an_augmentation_and_stand_alone(tmp_path: Path) -> None:
    (row,) = read(tmp_path, HEAD + ROW).rows
    assert make_plan(row, CONTEXT).augmentation == NONE
    (both,) = read(tmp_path, HEAD + ROW + 'flips = true\naugmentation = "full"\n').rows
    with pytest.raises(InputError, match="flips or an augmentation, not both"):
        make_plan(both, CONTEXT)
