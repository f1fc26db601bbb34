import io
import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from tiny_images import TASK, corner_pixels

from pipeline.classifiers.network import with_activations
from pipeline.engine.export import export_network, measure_difference
from pipeline.engine.exports import is_exported
from pipeline.engine.keras_engine import KerasStage
from pipeline.engine.selection import open_network
from pipeline.errors import InputError
from pipeline.image_tasks.answers import ImageClassifier, answer_image, draw_overlay, encode_png
from pipeline.image_tasks.models import read_image_model
from pipeline.image_tasks.registry import IMAGE_TASKS
from pipeline.models.registry import load_keras_model

Folders = tuple[Path, Path]


def png(pixels: np.ndarray) -> bytes:
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, format="PNG")
    return buffer.getvalue()


@pytest.mark.parametrize("engine", ["openvino", "onnxruntime", "keras"])
def test_the_class_and_where_it_was_seen(shipped: Folders, engine: str) -> None:
    models, exports = shipped
    classifier = ImageClassifier(models, TASK, engine=engine, engine_dir=exports)
    bright = classifier.classify(corner_pixels(230).astype(np.float32))
    dark = classifier.classify(corner_pixels(20).astype(np.float32))
    assert (bright.answer, dark.answer) == (0, 1)
    assert bright.probabilities.sum() == pytest.approx(1)
    for result in (bright, dark):
        assert result.heat.shape == (64, 64)
        assert result.heat[8:24, 8:24].min() > 0.8
        assert result.heat[40:56, 8:56].max() < 0.2
    assert classifier.reference.engine == engine


@pytest.mark.parametrize("engine", ["openvino", "onnxruntime"])
def test_both_runtimes_agree_and_a_changed_network_does_not(shipped: Folders, engine: str) -> None:
    models, exports = shipped
    info = read_image_model(models, TASK)
    exported, heads = open_network(info, engine=engine, precision="f32", engine_dir=exports)
    assert heads is None
    model = load_keras_model(info)
    samples = info.make_samples()
    reference = [KerasStage(with_activations(model))]
    assert measure_difference(reference, exported, samples) < 1e-4
    kernel, bias = model.get_layer("probabilities").get_weights()
    model.get_layer("probabilities").set_weights([kernel * 1.1, bias])
    changed = [KerasStage(with_activations(model))]
    assert measure_difference(changed, exported, samples) > 1e-3


def test_files_of_an_earlier_form_are_not_trusted_and_go_with_the_next_export(
    shipped: Folders, tmp_path: Path
) -> None:
    models, _ = shipped
    info = read_image_model(models, TASK)
    older = tmp_path / TASK / f"{info.name}-{info.digest[:12]}-f32.xml"
    (older.parent / "compiled").mkdir(parents=True)
    older.write_text("<net/>")
    older.with_suffix(".bin").write_bytes(b"1")
    record = {
        "schema": 1,
        "keras_digest": info.digest,
        "max_difference": 0.0,
        "sizes": {"xml": 6, "bin": 1},
    }
    older.with_suffix(".json").write_text(json.dumps(record))
    assert not is_exported(info, tmp_path, "openvino")
    with pytest.raises(InputError, match="Run: python -m pipeline export --task chest-xray"):
        ImageClassifier(models, TASK, engine_dir=tmp_path)
    folder = export_network(info, tmp_path)
    assert [path.name for path in (tmp_path / TASK).iterdir()] == [folder.name]
    assert is_exported(info, tmp_path, "openvino")


def test_an_answer_for_the_dashboard(shipped: Folders) -> None:
    models, exports = shipped
    classifier = ImageClassifier(models, TASK, engine_dir=exports)
    answer = answer_image(TASK, png(corner_pixels()), source="a.png", classifier=classifier)
    told = json.loads(json.dumps(answer.to_json(), allow_nan=False))
    assert (told["task"], told["source"], told["class"]) == (TASK, "a.png", "covid")
    assert list(told["probabilities"]) == ["covid", "normal", "pneumonia_bac", "pneumonia_vir"]
    assert sum(told["probabilities"].values()) == pytest.approx(1)
    assert told["cautions"] == list(IMAGE_TASKS[TASK].cautions)
    assert set(told["model"]) == {"name", "version", "digest", "engine", "precision"}
    pictures = (answer.image_png(), "L"), (answer.heat_png(), "L"), (answer.overlay_png(), "RGB")
    for png_bytes, mode in pictures:
        picture = Image.open(io.BytesIO(png_bytes))
        assert (picture.mode, picture.size) == (mode, (told["width"], told["height"]))


def test_a_damaged_image_gets_a_sentence(shipped: Folders) -> None:
    models, exports = shipped
    classifier = ImageClassifier(models, TASK, engine_dir=exports)
    with pytest.raises(InputError, match=r"^a\.png is damaged"):
        answer_image(TASK, b"\x89PNG\r\n\x1a\nbroken", source="a.png", classifier=classifier)


def test_the_overlay_leaves_the_image_where_nothing_speaks() -> None:
    grey = np.array([[10, 200]], np.uint8)
    drawn = draw_overlay(grey, np.array([[0.0, 1.0]], np.float32))
    assert drawn[0, 0].tolist() == [10, 10, 10]
    assert drawn[0, 1].tolist() != [200, 200, 200]
    decoded = np.asarray(Image.open(io.BytesIO(encode_png(drawn))))
    np.testing.assert_array_equal(decoded, drawn)


def test_the_facade_and_an_exported_answer_import_no_tensorflow(shipped: Folders) -> None:
    models, exports = shipped
    code = f"""
import sys
import pipeline.image_tasks.facade as facade
facade.read_image_model(__import__("pathlib").Path({str(models)!r}), {TASK!r})
heavy = {{"tensorflow", "keras", "sklearn", "scipy.optimize"}}
assert not (heavy | {{"openvino"}}) & set(sys.modules), "facade"
import numpy
from pathlib import Path
models, exports = Path({str(models)!r}), Path({str(exports)!r})
classifier = facade.ImageClassifier(models, {TASK!r}, engine_dir=exports)
classifier.classify(numpy.eye(40, dtype=numpy.float32))
assert not heavy & set(sys.modules), "classifier"
"""
    subprocess.run([sys.executable, "-c", code], check=True, timeout=120)
