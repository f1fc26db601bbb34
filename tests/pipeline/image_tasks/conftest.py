"""One tiny shipped model, exported once for all tests of image tasks."""

from pathlib import Path

import pytest
from tiny_images import TASK, build_network, write_shipped

from pipeline.engine.export import export_network
from pipeline.image_tasks.models import read_image_model
from pipeline.models.quiet_keras import import_keras


@pytest.fixture(scope="session")
def shipped(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """Folders of models and of exports."""
    import_keras()
    folder = tmp_path_factory.mktemp("image-task")
    write_shipped(folder / "models", model=build_network())
    info = read_image_model(folder / "models", TASK)
    for engine in ("openvino", "onnxruntime"):
        export_network(info, folder / "engine", engine=engine)
    return folder / "models", folder / "engine"
