"""What is read rightly and holds nothing to analyse: notices beside cases, errors without any."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Sequence

from pipeline.errors import InputError, PassedOver

#: What is counted in ``a raw data file of the scanner``: the words before the first of these.
_KIND = re.compile(r"an? (?P<counted>.*?)(?P<rest>(?: of | in | \(|, ).*)?")
_LAST_WORDS = re.compile(r"\w+(?= or |$)")
_PLURALS = {"spectrum": "spectra", "mesh": "meshes"}


def split_passed_over(
    errors: Sequence[InputError], *, has_cases: bool
) -> tuple[tuple[InputError, ...], tuple[str, ...]]:
    """Divide sentences into errors and notices, with one notice for many objects of one kind.

    Args:
        errors: All sentences, in their order.
        has_cases: Whether anything was read that can be analysed. Where nothing was, what was
            passed over is all that there is to report, and an error.

    Returns:
        The errors, and the notices, each in the order of the first file.
    """
    failed: list[InputError] = []
    notices: dict[str, list[PassedOver]] = defaultdict(list)
    for error in errors:
        if isinstance(error, PassedOver):
            notices[error.kind or error.message].append(error)
        else:
            failed.append(error)
    counted = [_combine(members) for members in notices.values()]
    if has_cases:
        return tuple(failed), tuple(error.message for error in counted)
    return (*failed, *counted), ()


def count_kind(kind: str, n: int) -> str:
    """Several objects of a kind: ``a raw data file of the scanner`` is 2 raw data files of it."""
    match = _KIND.fullmatch(kind)
    counted, rest = (match["counted"], match["rest"] or "") if match else (kind, "")
    plural = _LAST_WORDS.sub(lambda word: _PLURALS.get(word[0], f"{word[0]}s"), counted)
    return f"{n:,} {plural}{rest}"


def _combine(members: Sequence[PassedOver]) -> PassedOver:
    """One sentence for all of a kind."""
    first = members[0]
    if len(members) == 1 or not first.kind:
        return first
    n = sum(error.n_files for error in members)
    message = f"{count_kind(first.kind, n)} were left out: they hold no image to analyse."
    return PassedOver(first.source, message, kind=first.kind, n_files=n)
