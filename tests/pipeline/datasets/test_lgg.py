import cv2
import numpy as np
import pytest

from pipeline.datasets.lgg import find_patients, load_training_volumes, read_volume
from pipeline.errors import InputError

PATIENT = "TCGA_CS_0001_19990101"


@pytest.fixture
def data(tmp_path):
    """Public layout with eleven slices, so that order by text and by number differ."""
    folder = tmp_path / "kaggle_3m" / PATIENT
    folder.mkdir(parents=True)
    for k in range(1, 12):
        image = np.full((32, 32, 3), 0, np.uint8)
        image[8:24, 8:24] = (10 * k, 60 + k, 30)
        image[12:16, 12:16, 1] = 250
        mask = np.zeros((32, 32), np.uint8)
        mask[12:16, 12:16] = 255 * (k % 2)
        cv2.imwrite(str(folder / f"{PATIENT}_{k}.tif"), image[..., ::-1])
        cv2.imwrite(str(folder / f"{PATIENT}_{k}_mask.tif"), mask)
    return tmp_path


def test_slices_come_by_number_with_their_masks(data):
    pixels, masks = read_volume(find_patients(data)[PATIENT])
    assert pixels.shape == (11, 32, 32, 3)
    assert [int(s[10, 10, 0]) for s in pixels] == [10 * k for k in range(1, 12)]
    assert [bool(m.any()) for m in masks] == [bool(k % 2) for k in range(1, 12)]


def test_training_volumes_stand_as_the_networks_see_cases(data):
    from pipeline.data.preprocessing import normalise_volume

    volume = load_training_volumes(data, [PATIENT])[0]
    pixels, _ = read_volume(find_patients(data)[PATIENT])
    expected = normalise_volume(pixels.astype(np.float32))
    shown = volume.standardised()
    np.testing.assert_allclose(shown[..., :3], expected, atol=0.02)
    np.testing.assert_array_equal(shown[1:, ..., 3], shown[:-1, ..., 1])
    np.testing.assert_array_equal(shown[:-1, ..., 4], shown[1:, ..., 1])


@pytest.mark.parametrize(("k", "below", "above"), [(0, 0, 1), (5, 4, 6), (10, 9, 10)])
def test_a_slice_comes_with_flair_of_its_neighbours(data, k, below, above):
    volume = load_training_volumes(data, [PATIENT])[0]
    shown = volume.with_neighbours(k)
    np.testing.assert_array_equal(shown[..., :3], volume.scaled[k])
    np.testing.assert_array_equal(shown[..., 3], volume.scaled[below, ..., 1])
    np.testing.assert_array_equal(shown[..., 4], volume.scaled[above, ..., 1])


def test_a_folder_without_patients_says_what_to_give(tmp_path):
    with pytest.raises(InputError, match="holds no patient folder of the LGG set"):
        find_patients(tmp_path)


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        (lambda folder: (folder / "notes.png").touch(), "notes.png has no slice number"),
        (lambda folder: (folder / f"{PATIENT}_2_mask.tif").write_bytes(b"x"), "2_mask.tif cannot"),
        (lambda folder: cv2.imwrite(str(folder / "a_12.png"), np.zeros((8, 8))), "differs in size"),
        (lambda folder: [path.unlink() for path in folder.iterdir()], "holds no images"),
    ],
)
def test_a_patient_that_cannot_be_read_is_one_sentence(data, change, sentence):
    folder = find_patients(data)[PATIENT]
    change(folder)
    with pytest.raises(InputError, match=sentence):
        read_volume(folder)


def test_a_missing_patient_is_named(data):
    with pytest.raises(InputError, match="lacks the patient TCGA_XX_9_9"):
        load_training_volumes(data, ["TCGA_XX_9_9"])
