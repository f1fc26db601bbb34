"""How often a reader may request what costs the server much, such as surfaces."""

from __future__ import annotations

import math
import time
from functools import cache
from http import HTTPStatus
from typing import TYPE_CHECKING

from flask import Flask, Response, request

from dashboard.api.endpoint import Endpoint, ErrorAnswer, json_response
from dashboard.api.identity import reader_key

if TYPE_CHECKING:
    from limits.strategies import MovingWindowRateLimiter


def register(server: Flask) -> None:
    """Limit requests for endpoints that declare a rate, for each reader and process."""

    @cache
    def make_limiter() -> MovingWindowRateLimiter:
        from limits.storage import MemoryStorage
        from limits.strategies import MovingWindowRateLimiter

        return MovingWindowRateLimiter(MemoryStorage())

    @server.before_request
    def check() -> Response | None:
        declared = getattr(server.view_functions.get(request.endpoint or ""), "declared", None)
        if not isinstance(declared, Endpoint) or not declared.rate:
            return None
        from limits import parse  # takes as long to import as a page to answer; most never need it

        limiter, rate, key = make_limiter(), parse(declared.rate), reader_key()
        # endpoints of one rate share it
        if limiter.hit(rate, key):
            return None
        seconds = max(1, math.ceil(limiter.get_window_stats(rate, key).reset_time - time.time()))
        again = f"{seconds} second{'s' if seconds != 1 else ''}"
        answer = json_response(
            ErrorAnswer(error=f"Too many requests at once; try again in {again}."),
            HTTPStatus.TOO_MANY_REQUESTS,
        )
        answer.headers["Retry-After"] = str(seconds)
        return answer
