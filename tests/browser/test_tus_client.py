"""The end-to-end tests of tus-js-client itself, as its package holds them, against our server.

Only the address of the public server in them is replaced by ours, and our header is added.
"""

from __future__ import annotations

import secrets
from pathlib import Path

import pytest
from playwright.sync_api import Page, Route
from running_site import Site

ROOT = Path(__file__).resolve().parents[2]
CLIENT = ROOT / "node_modules" / "tus-js-client" / "dist"
JASMINE = ROOT / "node_modules" / "jasmine-core" / "lib" / "jasmine-core"
THEIRS = "https://tusd.tusdemo.net/files/"
PATTERN = r"/^https:\/\/tusd\.tusdemo\.net\/files\//"
#: Runs the tests that are named "end-to-end"; ``results`` is the state of each by its name.
RUN = """
const env = jasmine.getEnv();
env.configure({ random: false, specFilter: (spec) => spec.getFullName().includes("end-to-end") });
window.results = new Promise((resolve) => {
  const found = {};
  env.addReporter({
    specDone: (spec) => {
      const failures = spec.failedExpectations.map((one) => one.message);
      if (spec.status !== "excluded") found[spec.fullName] = [spec.status, ...failures];
    },
    jasmineDone: () => resolve(found),
  });
});
env.execute();
"""
BOOT = """
window.jasmine = jasmineRequire.core(jasmineRequire);
Object.assign(window, jasmineRequire.interface(jasmine, jasmine.getEnv()));
"""


@pytest.fixture
def packages() -> None:
    if not CLIENT.exists() or not JASMINE.exists():
        pytest.fail("npm ci has not installed tus-js-client and jasmine-core.")


@pytest.mark.usefixtures("packages")
def test_the_clients_own_end_to_end_tests_pass(outage_page: Page, site: Site) -> None:
    ours = f"{site.url}/api/uploads/{secrets.token_hex(16)}/files"
    tests = (CLIENT / "browser-test-bundle.js").read_text("utf-8")
    assert tests.count(THEIRS) == 2 and tests.count(PATTERN) == 2
    tests = tests.replace(PATTERN, f"new RegExp('^{ours}/')").replace(THEIRS, ours)
    scripts = [(JASMINE / "jasmine.js").read_text("utf-8"), BOOT, tests, RUN]
    page = "<!DOCTYPE html>" + "".join(f"<script src={k}.js></script>" for k in range(len(scripts)))
    outage_page.goto("/about")  # which makes the browser a reader

    def answer(route: Route) -> None:
        number = route.request.url.rpartition("/")[2].removesuffix(".js")
        if number:
            route.fulfill(body=scripts[int(number)], content_type="text/javascript; charset=utf-8")
        else:
            route.fulfill(body=page, content_type="text/html")

    outage_page.route(f"{site.url}/tests-of-the-client/*", answer)
    outage_page.set_extra_http_headers({"X-Overread": "1"})
    outage_page.goto("/tests-of-the-client/")
    results = outage_page.evaluate("() => window.results")
    assert len(results) == 2
    assert all(state == ["passed"] for state in results.values()), results


@pytest.mark.usefixtures("packages")
def test_the_shipped_client_is_the_packages_own() -> None:
    shipped = (ROOT / "assets" / "vendor" / "tus" / "tus.min.js").read_text("utf-8")
    package = (CLIENT / "tus.min.js").read_text("utf-8")
    assert shipped.strip() == package.partition("//# sourceMappingURL")[0].strip()
