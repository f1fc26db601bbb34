import base64
import io
import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from tiny_images import TASK, corner_pixels, write_image

from pipeline.errors import InputError
from pipeline.image_tasks.classifier import ImageClassifier
from pipeline.image_tasks.export import make_probe_batch, measure_disagreement
from pipeline.image_tasks.facade import answer_image, answer_image_in_own_process
from pipeline.image_tasks.models import load_image_network, read_image_model
from pipeline.image_tasks.runtimes import (
    KerasNetwork,
    exported_xml,
    is_image_model_exported,
    open_network,
)

Folders = tuple[Path, Path]


def png(pixels: np.ndarray) -> bytes:
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, format="PNG")
    return buffer.getvalue()


@pytest.mark.parametrize("engine", ["openvino", "keras"])
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


def test_both_runtimes_agree_and_a_changed_network_does_not(shipped: Folders) -> None:
    models, exports = shipped
    info = read_image_model(models, TASK)
    exported = open_network(info, engine="openvino", engine_dir=exports)
    model = load_image_network(info)
    batch = make_probe_batch(info.input_size)
    assert measure_disagreement(KerasNetwork(model), exported, batch) < 1e-4
    kernel, bias = model.get_layer("probabilities").get_weights()
    model.get_layer("probabilities").set_weights([kernel * 1.1, bias])
    assert measure_disagreement(KerasNetwork(model), exported, batch) > 1e-3


def test_a_half_written_export_does_not_count(shipped: Folders, tmp_path: Path) -> None:
    models, exports = shipped
    info = read_image_model(models, TASK)
    assert is_image_model_exported(info, exports)
    assert not is_image_model_exported(info, tmp_path)
    copy = exported_xml(info, tmp_path)
    copy.parent.mkdir()
    for suffix in (".xml", ".bin", ".json"):
        content = exported_xml(info, exports).with_suffix(suffix).read_bytes()
        copy.with_suffix(suffix).write_bytes(content)
    assert is_image_model_exported(info, tmp_path)
    copy.with_suffix(".bin").write_bytes(b"short")
    assert not is_image_model_exported(info, tmp_path)
    with pytest.raises(InputError, match="Run: python -m pipeline export --task chest-xray"):
        open_network(info, engine="openvino", engine_dir=tmp_path)


def test_an_answer_for_the_dashboard(shipped: Folders) -> None:
    models, exports = shipped
    classifier = ImageClassifier(models, TASK, engine_dir=exports)
    answer = answer_image(TASK, png(corner_pixels()), source="a.png", classifier=classifier)
    told = json.loads(json.dumps(answer.to_json(), allow_nan=False))
    assert (told["task"], told["source"], told["class"]) == (TASK, "a.png", "covid")
    assert list(told["probabilities"]) == ["covid", "normal", "pneumonia_bac", "pneumonia_vir"]
    assert sum(told["probabilities"].values()) == pytest.approx(1)
    assert any("another source" in caution for caution in told["cautions"])
    assert set(told["model"]) == {"name", "version", "digest", "engine", "precision"}
    for name, mode in (("image_png", "L"), ("heat_png", "L"), ("overlay_png", "RGB")):
        picture = Image.open(io.BytesIO(base64.b64decode(told[name])))
        assert (picture.mode, picture.size) == (mode, (told["width"], told["height"]))


def test_an_answer_from_another_process(shipped: Folders, tmp_path: Path) -> None:
    models, exports = shipped
    where = {"models_dir": models, "engine_dir": exports}
    path = write_image(tmp_path / "a.png", corner_pixels(20))
    told = answer_image_in_own_process(TASK, path, source="a.png", **where)
    assert told["class"] == "normal"
    (tmp_path / "b.png").write_bytes(b"\x89PNG\r\n\x1a\nbroken")
    with pytest.raises(InputError, match=r"^b\.png is damaged"):
        answer_image_in_own_process(TASK, tmp_path / "b.png", source="b.png", **where)


def test_the_facade_and_an_exported_answer_import_no_tensorflow(shipped: Folders) -> None:
    models, exports = shipped
    code = f"""
import sys
import pipeline.image_tasks.facade as facade
facade.read_image_model(__import__("pathlib").Path({str(models)!r}), {TASK!r})
assert not {{"tensorflow", "keras", "openvino"}} & set(sys.modules), "facade"
from pathlib import Path
from pipeline.image_tasks.classifier import ImageClassifier
classifier = ImageClassifier(Path({str(models)!r}), {TASK!r}, engine_dir=Path({str(exports)!r}))
import numpy
classifier.classify(numpy.eye(40, dtype=numpy.float32))
assert not {{"tensorflow", "keras"}} & set(sys.modules), "classifier"
"""
    subprocess.run([sys.executable, "-c", code], check=True, timeout=120)
