"""Runs ``predict`` in a process of its own with networks that answer by rule, slowly.

``python predict_by_rule.py SECONDS_PER_BATCH predict PATH ... --output DIR --models DIR``
"""

import signal
import sys
import time
from typing import Any

from fake_models import bright_slice, fake_stages

import pipeline.analysis.analyser
import pipeline.commands.predict
from pipeline.__main__ import main


def run(seconds: float, arguments: list[str]) -> int:
    def answer(batch: Any) -> Any:
        time.sleep(seconds)
        return bright_slice(batch)

    pipeline.analysis.analyser.open_stages = lambda info, **_: fake_stages(answer)  # type: ignore[assignment]
    pipeline.commands.predict.ready_engine = lambda _: "openvino"
    return main(arguments)


if __name__ == "__main__":
    # As a terminal starts it; a shell that runs the tests in the background has it ignored.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    sys.exit(run(float(sys.argv[1]), sys.argv[2:]))
