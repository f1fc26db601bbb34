"""One tiny shipped model, exported once for all tests of image tasks."""

from pathlib import Path

import pytest
from tiny_images import TASK, build_network, write_shipped

from pipeline.image_tasks.export import export_image_model
from pipeline.models.quiet_keras import import_keras


@pytest.fixture(scope="session")
def shipped(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """Folders of models and of exports."""
    import_keras()
    folder = tmp_path_factory.mktemp("image-task")
    write_shipped(folder / "models", model=build_network())
    export_image_model(folder / "models", folder / "engine", TASK)
    return folder / "models", folder / "engine"
