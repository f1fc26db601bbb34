"""``predict`` trusts nothing that it finds in an output folder."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from predict_bench import Bench
from predicting import check_contract, rewrite_part


def in_case(name: str, value: Any) -> Callable[[dict[str, Any]], None]:
    return lambda part: part["case"].update({name: value})


def in_slice(name: str, value: Any) -> Callable[[dict[str, Any]], None]:
    return lambda part: part["case"]["slices"][1].update({name: value})


HARM: dict[str, Callable[[Path], object]] = {
    "empty": lambda path: path.write_bytes(b""),
    "cut short": lambda path: path.write_bytes(path.read_bytes()[:-40]),
    "zeros": lambda path: path.write_bytes(bytes(path.stat().st_size)),
    "no object": lambda path: path.write_text("[1]"),
    "deep": lambda path: path.write_text('{"part": ' + "[" * 100_000),
    "a digit": lambda path: path.write_text(path.read_text().replace('_px": 60', '_px": 61', 1)),
    "another's": lambda path: path.write_bytes((path.with_name("other")).read_bytes()),
    "no case": lambda path: rewrite_part(path, lambda part: part.pop("case")),
    "case a list": lambda path: rewrite_part(path, lambda part: part.update(case=[])),
    "files a list": lambda path: rewrite_part(path, lambda part: part.update(files=[])),
    "more keys": lambda path: rewrite_part(path, in_case("more", 1)),
    "case id": lambda path: rewrite_part(path, in_case("case_id", "../../x")),
    "case id's type": lambda path: rewrite_part(path, in_case("case_id", ["a"])),
    "spacing": lambda path: rewrite_part(path, in_case("spacing_mm", [1, 1, 1])),
    "tumor": lambda path: rewrite_part(path, in_case("tumor", False)),
    "volume": lambda path: rewrite_part(path, in_case("volume_ml", 1.0)),
    "dice": lambda path: rewrite_part(path, in_case("dice", 1.5)),
    "warnings": lambda path: rewrite_part(path, in_case("warnings", ["Nothing is known of it."])),
    "warnings' type": lambda path: rewrite_part(path, in_case("warnings", {"a": 1})),
    "input findings": lambda path: rewrite_part(path, in_case("input_findings", [])),
    "slices": lambda path: rewrite_part(path, in_case("slices", [])),
    "slices' type": lambda path: rewrite_part(path, in_case("slices", [1, 2, 3, 4])),
    "score": lambda path: rewrite_part(path, in_slice("tumor_probability", float("nan"))),
    "index": lambda path: rewrite_part(path, in_slice("index", True)),
    "source": lambda path: rewrite_part(path, in_slice("source", "/etc/passwd")),
    "mask": lambda path: rewrite_part(path, in_slice("mask", "masks/b/2.png")),
    "mask's type": lambda path: rewrite_part(path, in_slice("mask", [1])),
    "no mask": lambda path: rewrite_part(path, in_slice("mask", None)),
    "area": lambda path: rewrite_part(path, in_slice("mask_area_px", -1)),
    "decided by": lambda path: rewrite_part(path, in_slice("decided_by", "somebody")),
    "evidence": lambda path: rewrite_part(path, in_slice("outline_evidence", None)),
    "foreign file": lambda path: rewrite_part(
        path, lambda part: part["files"].update({"../secret.txt": "0" * 64})
    ),
    "missing mask": lambda path: (path.parents[1] / "masks" / "a" / "3.png").unlink(),
    "changed mask": lambda path: (path.parents[1] / "masks" / "a" / "3.png").write_bytes(b"x"),
}  # fmt: skip


@pytest.mark.parametrize("harm", HARM.values(), ids=HARM)
def test_a_part_that_does_not_fit_is_computed_again(
    bench: Bench, harm: Callable[[Path], object]
) -> None:
    _, first, _ = bench.run()
    secret = bench.folder / "secret.txt"
    secret.write_text("mine")
    (part,) = [p for p in bench.parts() if '"case_id": "a"' in p.read_text()]
    (other,) = [p for p in bench.parts() if '"case_id": "b"' in p.read_text()]
    part.with_name("other").write_bytes(other.read_bytes())
    harm(part)
    assert bench.run() == (0, first, 4)
    check_contract(first, bench.out)
    assert secret.read_text() == "mine"


def test_a_part_that_was_written_anew_as_it_was_still_fits(bench: Bench) -> None:
    _, first, _ = bench.run()
    rewrite_part(bench.parts()[0], lambda part: None)
    assert bench.run() == (0, first, 0)


def test_a_foreign_part_removes_no_foreign_file(bench: Bench) -> None:
    bench.run()
    secret = bench.folder / "secret.txt"
    secret.write_text("mine")
    part = bench.parts()[0]
    stray = part.with_name(f"{'0' * 64}-1.json")
    stray.write_bytes(part.read_bytes())
    rewrite_part(stray, lambda one: one.update(name=stray.stem, files={"../secret.txt": "0" * 64}))
    bench.run()
    assert not stray.exists()
    assert secret.exists()
