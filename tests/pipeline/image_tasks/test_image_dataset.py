from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from tiny_images import write_image

from pipeline.errors import InputError
from pipeline.image_tasks.dataset import read_image_set
from pipeline.image_tasks.registry import find_image_task

TASK = find_image_task("brain-mri")


def noise(seed: int) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 255, (40, 40), dtype=np.uint8)


def write_set(folder: Path) -> None:
    for k in range(6):
        write_image(folder / "no" / f"{k}.png", noise(k))
        write_image(folder / "yes" / f"{k}.png", noise(k + 20))
    write_image(folder / "yes" / "copy.jpg", noise(20))


def test_a_folder_is_read_by_content(tmp_path: Path) -> None:
    write_set(tmp_path)
    grey_alpha = np.stack([noise(50), np.full((40, 40), 255, np.uint8)], axis=-1)
    Image.fromarray(grey_alpha, "LA").save(tmp_path / "yes" / "really.png")
    (tmp_path / "yes" / "really.png").rename(tmp_path / "yes" / "really.jpg")
    Image.fromarray(noise(51)).convert("P").save(tmp_path / "yes" / "palette.png")
    (tmp_path / "yes" / "notes.txt").write_text("no image")
    (tmp_path / "yes" / "cut.jpg").write_bytes((tmp_path / "yes" / "copy.jpg").read_bytes()[:300])
    found = read_image_set(TASK, tmp_path, size=32)
    assert found.labelled.images.shape == (15, 32, 32, 3)
    assert found.files[0] == "no/0.png"
    assert found.labelled.labels.tolist() == [0] * 6 + [1] * 9
    assert {error.source for error in found.errors} == {"yes/cut.jpg"}
    groups = dict(zip(found.files, found.labelled.groups.tolist(), strict=True))
    assert groups["yes/copy.jpg"] == groups["yes/0.png"]
    assert found.n_groups == 14


def test_a_missing_or_empty_class_is_one_sentence(tmp_path: Path) -> None:
    write_image(tmp_path / "no" / "a.png", noise(1))
    with pytest.raises(InputError, match=r"^The folder yes is missing from .*\.$"):
        read_image_set(TASK, tmp_path)
    (tmp_path / "yes").mkdir()
    with pytest.raises(InputError, match=r"^There is no image in the folder yes of .*\.$"):
        read_image_set(TASK, tmp_path)
