import subprocess
import sys
from pathlib import Path

import pytest

import pipeline

ROOT = Path(__file__).resolve().parents[2]


@pytest.mark.parametrize("name", pipeline.__all__)
def test_every_name_of_the_facade_is_there(name: str) -> None:
    assert getattr(pipeline, name) is not None


def test_other_names_are_refused() -> None:
    with pytest.raises(AttributeError):
        _ = pipeline.secret


def test_the_facade_imports_no_runtime() -> None:
    names = [name for name in pipeline.__all__ if name != "export_models"]
    program = (
        "import sys, pipeline\n"
        f"for name in {names!r}: getattr(pipeline, name)\n"
        "print([m for m in ('keras', 'tensorflow', 'openvino', 'dash') if m in sys.modules])"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == "[]"
