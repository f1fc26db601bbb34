"""What the web process may import before it answers: guards its start and its memory."""

from __future__ import annotations

from pathlib import Path

import pytest

from .startup import Startup, measure_startup, slowest_imports

pytestmark = pytest.mark.slow

#: Model runtimes; readers of files, which the first upload loads; what only deployments need.
FORBIDDEN = (
    *("tensorflow", "keras", "openvino", "onnxruntime", "onnx", "torch", "jax"),
    *("nibabel", "pydicom", "nilearn", "tifffile", "scipy", "sklearn", "matplotlib", "IPython"),
    *("celery", "kombu", "redis", "psycopg", "psycopg2", "fsspec", "s3fs", "boto3", "numba"),
    *("alembic", "mako", "pygments"),  # the tables are nearly always the present ones
    "pandas",  # loaded with the first chart
    *("limits", "multiprocess", "dill", "psutil"),
)
#: Loaded with the first page that shows them.
LATER = ("pipeline.benchmark", "pipeline.experiments", "sqlalchemy.dialects.postgresql")


@pytest.fixture(scope="module")
def startup(tmp_path_factory: pytest.TempPathFactory) -> Startup:
    return measure_startup(tmp_path_factory.mktemp("startup"))


def test_the_web_process_starts_without_what_it_does_not_need(startup: Startup) -> None:
    packages = {name.partition(".")[0] for name in startup.modules}
    assert {"dash", "flask", "sqlalchemy"} <= packages
    assert packages & set(FORBIDDEN) == set()
    assert [name for name in startup.modules if name.startswith(LATER)] == []


def test_the_web_process_stays_small(startup: Startup) -> None:
    """1,424 modules and 135 MB; another kernel counts 30 MB more of the same."""
    assert len(startup.modules) < 1450
    assert startup.rss_mb < 205


def test_slow_imports_are_found(tmp_path: Path) -> None:
    found = slowest_imports(tmp_path, 5)
    assert len(found) == 5
    assert found == sorted(found, reverse=True)
    assert found[0][0] > 0
