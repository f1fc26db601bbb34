from typing import Any

import pytest
from shared_cases import read_cases

from pipeline.data.case import volume_ml


@pytest.mark.parametrize("case", read_cases("amounts")["volumes"], ids=str)
def test_volumes_of_the_shared_table(case: dict[str, Any]) -> None:
    found = volume_ml(case["areas"], case["spacing_mm"], case["weights"])
    assert found == (None if case["ml"] is None else pytest.approx(case["ml"]))
