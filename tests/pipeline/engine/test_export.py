"""Tiny real networks through Keras and both fast engines: exports agree, are bound, are checked."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from fake_models import SIZE, make_case, network_folder, write_metadata

from pipeline.analysis.analyser import Analyser
from pipeline.engine.exports import AGREEMENT_LIMIT, exported_files, is_exported
from pipeline.engine.onnx_engine import OnnxStage
from pipeline.engine.openvino_engine import OpenVinoStage
from pipeline.engine.selection import ENGINES, choose_engine, open_stages
from pipeline.errors import InputError
from pipeline.models.registry import load_keras_model, read_model_info

ROOT = Path(__file__).resolve().parents[3]
EXPORTED = ("openvino", "onnxruntime")
#: What is opened, and what is read with it.
WEIGHTS = {"openvino": "second.bin", "onnxruntime": "second.onnx"}
# Keras and TensorFlow warn of their own and NumPy's coming changes when they are imported.
pytestmark = [
    pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::FutureWarning"),
    pytest.mark.slow,
]


@pytest.fixture(scope="module")
def models_dir(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The network with random weights, on 32x32."""
    os.environ.setdefault("KERAS_BACKEND", "tensorflow")
    import keras

    from pipeline.models.resunet import build_resunet
    from pipeline.storage.digests import file_digest

    folder = tmp_path_factory.mktemp("models")
    path = network_folder(folder) / "model.keras"
    write_metadata(folder)
    keras.utils.set_random_seed(1)
    build_resunet(SIZE).save(path)
    write_metadata(folder, digest=file_digest(path), decision={"gate": 0.0})
    return folder


@pytest.fixture(scope="module")
def engine_dir(models_dir: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The network, exported over an older export."""
    from pipeline.engine.export import export_models

    folder = tmp_path_factory.mktemp("engine")
    older = folder / "brain-tumor" / f"{'0' * 12}-f32"
    older.mkdir(parents=True)
    (older / "export.json").touch()
    for engine in EXPORTED:
        export_models(models_dir, folder, engine=engine)
    return folder


@pytest.fixture
def converted(models_dir: Path, engine_dir: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Exports write the stages of `engine_dir`: to convert the same network again takes seconds."""
    info = read_model_info(models_dir).network
    for engine in EXPORTED:
        folder = exported_files(info, engine_dir, engine).folder

        def copy(_: object, path: Path, folder: Path = folder) -> None:
            for file in folder.glob(f"{path.stem}.*"):
                shutil.copy(file, path.parent)

        monkeypatch.setattr(f"{ENGINES[engine].module}.convert", copy)


@pytest.mark.parametrize("count", [1, 5])
def test_all_engines_give_the_same_answers(models_dir: Path, engine_dir: Path, count: int) -> None:
    info = read_model_info(models_dir).network
    batch = np.random.default_rng(0).normal(size=(count, SIZE, SIZE, 5)).astype(np.float32)
    answers = []
    for engine in ("keras", *EXPORTED):
        stages = open_stages(info, engine=engine, precision="f32", engine_dir=engine_dir, threads=1)
        score, *features = stages.first.predict([batch])
        (mask,) = stages.second.predict(features)
        answers.append((score, mask))
    assert answers[0][0].shape == (count, 1)
    assert answers[0][1].shape == (count, SIZE, SIZE, 1)
    for answer in answers[1:]:
        for reference, exported in zip(answers[0], answer, strict=True):
            assert reference.dtype == exported.dtype == np.float32
            assert np.abs(reference - exported).max() <= AGREEMENT_LIMIT


@pytest.mark.parametrize("fast", EXPORTED)
def test_the_chain_gives_the_same_result_on_all_engines(
    models_dir: Path, engine_dir: Path, fast: str
) -> None:
    results = [
        Analyser(models_dir, engine=engine, engine_dir=engine_dir).analyse(make_case())
        for engine in ("keras", fast)
    ]
    first, second = ([s.slice_score for s in result.slices] for result in results)
    assert first == pytest.approx(second, abs=AGREEMENT_LIMIT)
    maps = [result.probability.astype(int) for result in results]
    assert np.abs(maps[0] - maps[1]).max() <= 1
    assert [result.network.engine for result in results] == ["keras", fast]


def test_a_job_imports_neither_keras_nor_tensorflow(models_dir: Path, engine_dir: Path) -> None:
    program = (
        "import sys; from pathlib import Path\n"
        f"sys.path.insert(0, {str(Path(__file__).parents[1])!r})\n"
        "from fake_models import make_case; from pipeline import Analyser\n"
        f"a = Analyser(Path({str(models_dir)!r}), engine_dir=Path({str(engine_dir)!r}))\n"
        "a.analyse(make_case())\n"
        "heavy = {'keras', 'tensorflow', 'openvino_telemetry', 'sklearn', 'torch', 'jax'}\n"
        "print([m for m in heavy if sys.modules.get(m)])\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == "[]"


@pytest.mark.parametrize("engine", EXPORTED)
def test_record_names_weights_and_agreement(
    models_dir: Path, engine_dir: Path, engine: str
) -> None:
    info = read_model_info(models_dir).network
    files = exported_files(info, engine_dir, engine)
    record = json.loads(files.record.read_text())
    assert files.folder.name == f"{info.digest[:12]}-{engine}"
    assert record["engine"] == engine
    assert record["keras_digest"] == info.digest
    assert 0 <= record["max_difference"] <= AGREEMENT_LIMIT
    assert not list(engine_dir.rglob(".part-*"))


def test_what_is_exported_is_left_alone_until_asked_again(
    models_dir: Path, engine_dir: Path
) -> None:
    from pipeline.engine.export import export_models

    reported: list[str] = []
    before = [path.stat().st_mtime_ns for path in sorted(engine_dir.rglob("*.xml"))]
    export_models(models_dir, engine_dir, progress=lambda *event: reported.append(event[2]))
    assert [path.stat().st_mtime_ns for path in sorted(engine_dir.rglob("*.xml"))] == before
    assert reported[0] == "Exporting the network resunet-resnet18"


@pytest.mark.parametrize("engine", EXPORTED)
@pytest.mark.parametrize("damage", ["digest", "no record", "disagreement", "garbage"])
def test_stale_or_damaged_exports_count_as_none(
    models_dir: Path, engine_dir: Path, tmp_path: Path, engine: str, damage: str
) -> None:
    shutil.copytree(engine_dir, tmp_path / "engine")
    info = read_model_info(models_dir).network
    files = exported_files(info, tmp_path / "engine", engine)
    record = json.loads(files.record.read_text())
    assert is_exported(info, tmp_path / "engine", engine)
    if damage == "digest":
        files.record.write_text(json.dumps(record | {"keras_digest": "0" * 64}))
    elif damage == "disagreement":
        files.record.write_text(json.dumps(record | {"max_difference": 0.1}))
    elif damage == "garbage":
        files.record.write_text("[")
    else:
        files.record.unlink()
    assert not is_exported(info, tmp_path / "engine", engine)
    with pytest.raises(InputError, match="network of task brain-tumor is not exported"):
        open_stages(info, engine=engine, precision="f32", engine_dir=tmp_path / "engine")
    (other,) = set(EXPORTED) - {engine}
    where = {"precision": "f32", "engine_dir": tmp_path / "engine"}
    assert choose_engine(info, "auto", **where) == other


@pytest.mark.parametrize("engine", EXPORTED)
@pytest.mark.parametrize("damage", ["one bit", "truncated", "heads"])
def test_altered_exports_are_named_not_used_and_made_again(
    models_dir: Path, engine_dir: Path, tmp_path: Path, engine: str, damage: str
) -> None:
    from pipeline.engine.export import export_models

    shutil.copytree(engine_dir, tmp_path / "engine")
    info = read_model_info(models_dir).network
    files = exported_files(info, tmp_path / "engine", engine)
    path = files.heads if damage == "heads" else files.folder / WEIGHTS[engine]
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1  # the size stays
    path.write_bytes(content[:-1] if damage == "truncated" else content)
    assert not is_exported(info, tmp_path / "engine", engine)
    where = {"engine": engine, "precision": "f32", "engine_dir": tmp_path / "engine"}
    with pytest.raises(InputError) as refused:
        open_stages(info, **where)
    assert path.name in refused.value.message
    if (damage, engine) == ("one bit", "openvino"):  # the same for every engine, and takes long
        export_models(models_dir, tmp_path / "engine", engine=engine)
        assert open_stages(info, **where).first.engine == engine


@pytest.mark.parametrize("damage", ["one bit", "truncated", "foreign"])
def test_an_altered_compiled_network_is_compiled_again(
    models_dir: Path,
    engine_dir: Path,
    tmp_path: Path,
    damage: str,
    caplog: pytest.LogCaptureFixture,
) -> None:
    shutil.copytree(engine_dir, tmp_path / "engine")
    info = read_model_info(models_dir).network
    where = {"engine": "openvino", "precision": "f32", "engine_dir": tmp_path / "engine"}
    where |= {"threads": 1}  # a single thread answers one request at a time
    compiled = exported_files(info, tmp_path / "engine", "openvino").compiled
    shutil.rmtree(compiled, ignore_errors=True)
    batch = np.random.default_rng(0).normal(size=(1, SIZE, SIZE, 5)).astype(np.float32)

    def answer() -> list[np.ndarray]:
        stages = open_stages(info, **where)
        score, *features = stages.first.predict([batch])
        return [score, *features, *stages.second.predict(features)]

    right = answer()
    names = sorted(path.name for path in compiled.iterdir())
    assert len(names) == 2
    for given, expected in zip(answer(), right, strict=True):  # from what was stored
        np.testing.assert_array_equal(given, expected)
    assert not caplog.messages
    for path in compiled.iterdir():
        content = bytearray(path.read_bytes())
        content[-len(content) // 4] ^= 0x40  # among the weights
        path.write_bytes({"one bit": content, "truncated": content[:-1], "foreign": b"x"}[damage])
    for given, expected in zip(answer(), right, strict=True):
        np.testing.assert_array_equal(given, expected)
    assert [any(name in said for said in caplog.messages) for name in names] == [True, True]
    caplog.clear()
    answer()
    assert not caplog.messages  # both were stored again
    assert sorted(path.name for path in compiled.iterdir()) == names


def test_without_any_export_the_fastest_engine_is_the_one_to_export(
    models_dir: Path, tmp_path: Path
) -> None:
    info = read_model_info(models_dir).network
    assert choose_engine(info, "auto", precision="f32", engine_dir=tmp_path) == "openvino"


@pytest.mark.parametrize("engine", EXPORTED)
def test_an_export_that_the_engine_cannot_read_is_reported(
    models_dir: Path, engine_dir: Path, tmp_path: Path, engine: str
) -> None:
    shutil.copytree(engine_dir, tmp_path / "engine")
    info = read_model_info(models_dir).network
    files = exported_files(info, tmp_path / "engine", engine)
    shutil.rmtree(files.compiled, ignore_errors=True)
    files.stages[0].write_bytes(b"<" * files.stages[0].stat().st_size)
    record = json.loads(files.record.read_text())
    files.record.write_text(json.dumps(record | {"digests": files.digests()}))
    with pytest.raises(InputError, match="cannot load the exported network"):
        open_stages(info, engine=engine, precision="f32", engine_dir=tmp_path / "engine")


@pytest.mark.usefixtures("converted")
def test_an_export_that_disagrees_is_not_kept(
    models_dir: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from pipeline.engine.export import export_models

    shift_answers(monkeypatch, OpenVinoStage)
    with pytest.raises(InputError, match=r"differs from Keras by 0\.0\d+ in probability"):
        export_models(models_dir, tmp_path, engine="openvino")
    assert not [path for path in tmp_path.rglob("*") if path.is_file()]


@pytest.mark.usefixtures("converted")
def test_auto_takes_the_next_engine_where_the_fastest_disagrees(
    models_dir: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from pipeline.engine.export import export_models

    shift_answers(monkeypatch, OpenVinoStage)
    assert export_models(models_dir, tmp_path).name.endswith("-onnxruntime")
    analyser = Analyser(models_dir, engine_dir=tmp_path)
    assert analyser.analyse(make_case()).network.engine == "onnxruntime"
    shift_answers(monkeypatch, OnnxStage)
    with pytest.raises(InputError, match="on onnxruntime"):
        export_models(models_dir, tmp_path / "other")


def shift_answers(monkeypatch: pytest.MonkeyPatch, stage: type) -> None:
    honest = stage.predict
    monkeypatch.setattr(
        stage,
        "predict",
        lambda self, inputs: [part + np.float32(0.01) for part in honest(self, inputs)],
    )


def test_older_exports_are_removed(engine_dir: Path) -> None:
    assert len(list((engine_dir / "brain-tumor").iterdir())) == len(EXPORTED)
    assert not (engine_dir / "brain-tumor" / f"{'0' * 12}-f32").exists()


def test_a_folder_that_cannot_be_written_is_reported(models_dir: Path, tmp_path: Path) -> None:
    from pipeline.engine.export import export_models

    (tmp_path / "engine").touch()
    with pytest.raises(InputError, match="cannot be written to the folder engine"):
        export_models(models_dir, tmp_path / "engine")


def test_weights_that_carry_code_are_refused(tmp_path: Path) -> None:
    import keras

    from pipeline.storage.digests import file_digest

    write_metadata(tmp_path)
    folder = network_folder(tmp_path)
    inputs = keras.Input((SIZE, SIZE, 3))
    outputs = keras.layers.Lambda(lambda x: x[:, :1, 0, 0])(inputs)
    keras.Model(inputs, outputs).save(folder / "model.keras")
    write_metadata(tmp_path, digest=file_digest(folder / "model.keras"))
    with pytest.raises(InputError, match="Keras cannot load the network"):
        load_keras_model(read_model_info(tmp_path).network)


def test_the_digest_is_checked_before_keras_opens_the_file(
    models_dir: Path, tmp_path: Path
) -> None:
    shutil.copytree(models_dir, tmp_path / "models")
    info = read_model_info(tmp_path / "models").network
    info.file.write_bytes(info.file.read_bytes() + b"0")
    with pytest.raises(InputError):
        load_keras_model(info)
