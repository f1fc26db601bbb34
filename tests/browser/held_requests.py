"""Requests that a test holds back, and lets go when it has seen the page wait for them."""

from __future__ import annotations

import time

from playwright.sync_api import Page, Route

_LONGEST_S = 30


class HeldRequests:
    """Holds the requests to an address; one arrives here later than the page shows its wait.

    Args:
        page: The page that asks.
        pattern: The address, as for ``page.route``; None where `hold` is given to a route.

    Example:
        >>> held = HeldRequests(page, "**/api/uploads/*/finish")
        >>> page.click("#send")
        >>> held.take().continue_()
    """

    def __init__(self, page: Page, pattern: str | None = None) -> None:
        self._page = page
        self._routes: list[Route] = []
        if pattern:
            page.route(pattern, self.hold)

    def hold(self, route: Route) -> None:
        """Hold a request: the handler of a route."""
        self._routes.append(route)

    def wait_for(self, count: int) -> None:
        """Wait until this many requests are held.

        Raises:
            AssertionError: They did not come in time.
        """
        end = time.monotonic() + _LONGEST_S
        while len(self._routes) < count:
            assert time.monotonic() < end, f"{len(self._routes)} of {count} requests came"
            self._page.wait_for_timeout(20)

    def take(self) -> Route:
        """Return the first held request, which is no longer held; wait for one if necessary."""
        self.wait_for(1)
        return self._routes.pop(0)

    def __len__(self) -> int:
        return len(self._routes)
