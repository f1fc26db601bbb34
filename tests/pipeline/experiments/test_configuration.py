from __future__ import annotations

from pathlib import Path

import pytest

from pipeline.classifiers.images import FLIPS, NONE
from pipeline.classifiers.strategies import Strategy
from pipeline.classifiers.weights import WeightsSource
from pipeline.errors import InputError
from pipeline.experiments.configuration import FOLDER, read_configuration
from pipeline.experiments.documents import row_words
from pipeline.experiments.options import RowOptions
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
    ("text", "field"),
    [
        ("title = ", ""),
        (HEAD, "rows"),
        ('title = "T"\n' + ROW, "question"),
        (HEAD + ROW + ROW, ""),
        (HEAD + ROW.replace("resnet18", "resnet9"), "architecture"),
        (HEAD + ROW.replace('"all"', '"some"'), "strategy"),
        (HEAD + ROW.replace("epochs = 2", "epochs = -1"), "epochs"),
        (HEAD + ROW.replace("minutes = 1", ""), "minutes"),
        (HEAD + ROW + "colour = 1\n", "colour"),
        (HEAD + ROW + "side = true\n", "side"),
        (HEAD + ROW + "side = 1979-05-27\n", "side"),
        (HEAD + ROW + 'optimizer = "lamb"\n', "optimizer"),
        (HEAD + "extra = 1\n" + ROW + "[other]\n", ""),
    ],
)
def test_what_is_not_valid_is_refused_in_a_sentence(tmp_path: Path, text: str, field: str) -> None:
    with pytest.raises(InputError) as refused:
        read(tmp_path, text)
    assert refused.value.source == "made.toml"
    assert field in refused.value.message


def test_what_an_image_task_says_is_not_said_again(tmp_path: Path) -> None:
    path = tmp_path / "brain-mri.toml"
    path.write_text(HEAD + ROW)
    with pytest.raises(InputError) as refused:
        read_configuration(path)
    assert refused.value.source == "brain-mri.toml"


def test_unknown_experiments_are_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError) as refused:
        find_configuration("nothing")
    assert all(name in refused.value.message for name in EXPERIMENTS)
    with pytest.raises(InputError) as refused:
        read_configuration(tmp_path / "absent.toml")
    assert refused.value.source == "absent.toml"


def test_a_plan_takes_every_option_of_a_row(tmp_path: Path) -> None:
    text = ROW + (
        'side = 64\nbatch_size = 4\nlearning_rate = 0.1\ncosine = true\noptimizer = "adam"\n'
        "momentum = 0.5\ndropout = 0.2\nhidden = 16\nnormalise = false\nflips = true\n"
        "balanced = true\nfreeze_normalisation = false\npatience = 3\n"
        'precision = "mixed_bfloat16"\nseed = 5\nrepeats = 2\nfolds = 5\nimages = 9\nrounds = 3\n'
    )
    (row,) = read(tmp_path, HEAD + text).rows
    assert set(row.options) == set(RowOptions.model_fields) - {"augmentation"}
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
    with pytest.raises(InputError):
        make_plan(both, CONTEXT)
