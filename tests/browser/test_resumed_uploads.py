"""Uploads that continue inside a file: after a kill of the server, and after a reload."""

from __future__ import annotations

import os
import re
from pathlib import Path

import pytest
from held_requests import HeldRequests
from playwright.sync_api import Page, Request, Route, expect
from running_site import Site
from worklist_steps import choose

#: Smaller than the product's, because the test's browser hands every body to the test.
PART_BYTES = 1 << 20
SMALL_PARTS = f"""
() => {{
  const original = tus.Upload;
  tus.Upload = function (file, options) {{
    const uploadDataDuringCreation = file.size <= {PART_BYTES};
    return new original(file, {{ ...options, chunkSize: {PART_BYTES}, uploadDataDuringCreation }});
  }};
}}
"""
ROUTE = "**/api/uploads/**"
FINISH = "**/api/uploads/*/finish"


@pytest.fixture
def worklist(outage_page: Page) -> Page:
    outage_page.goto("/")
    outage_page.wait_for_selector("#upload-open")
    outage_page.evaluate(SMALL_PARTS)
    return outage_page


def slow_down(page: Page, bytes_per_second: int) -> None:
    """Limit what the page sends."""
    page.context.new_cdp_session(page).send(
        "Network.emulateNetworkConditions",
        {
            "offline": False,
            "latency": 0,
            "downloadThroughput": -1,
            "uploadThroughput": bytes_per_second,
        },
    )


def is_part(request: Request, offset: int) -> bool:
    """Whether a request sends bytes of a file from an offset on."""
    return request.method == "PATCH" and request.headers.get("upload-offset") == str(offset)


def stored_files(site: Site) -> dict[str, bytes]:
    """The complete files of the upload that is not read yet."""
    (folder,) = Path(site.environment["OVERREAD_HOME"]).glob("uploads/*/the upload")
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def sent_requests(page: Page) -> list[str]:
    """The requests about files, from now on."""
    sent: list[str] = []

    def note(request: Request) -> None:
        if re.search(r"/api/uploads/\w+/files", request.url):
            sent.append(f"{request.method} {request.headers.get('upload-offset', '')}".strip())

    page.on("request", note)
    return sent


def test_a_large_file_continues_by_itself_after_the_server_was_killed(
    worklist: Page, site: Site, tmp_path: Path
) -> None:
    content = os.urandom(PART_BYTES + (1 << 19))
    (tmp_path / "large.bin").write_bytes(content)
    held = HeldRequests(worklist, FINISH)
    sent = sent_requests(worklist)
    slow_down(worklist, 1 << 20)
    with worklist.expect_request(lambda request: is_part(request, PART_BYTES)):
        choose(worklist, tmp_path / "large.bin")
    site.kill_server()
    expect(worklist.locator("#upload-progress")).to_have_attribute(
        "data-state", re.compile("pausing|lost")
    )
    expect(worklist.locator("#upload-detail")).to_contain_text(re.compile("retrying", re.I))
    site.start_server()
    expect(worklist.locator("#upload-progress[data-state=reading]")).to_be_visible()
    assert stored_files(site) == {"large.bin": content}
    assert [one for one in sent if one == "POST"] == ["POST"]
    assert [one for one in sent if one == "PATCH 0"] == ["PATCH 0"]  # not sent again
    held.take().continue_()
    expect(worklist.locator(".upload-message[data-rejected='1']")).to_be_visible()  # no image
    worklist.click(".upload-message [data-dismiss]")


def test_the_same_files_continue_after_a_reload(worklist: Page, site: Site, tmp_path: Path) -> None:
    whole, rest, other = (os.urandom(size) for size in (2000, PART_BYTES + 3000, 500))
    for name, content in (("a.bin", whole), ("b.bin", rest), ("c.bin", other)):
        (tmp_path / name).write_bytes(content)
    cut: list[Route] = []

    def hold_second_part(route: Route) -> None:
        if is_part(route.request, PART_BYTES):
            cut.append(route)
        else:
            route.fallback()

    worklist.route(ROUTE, hold_second_part)
    with worklist.expect_request(lambda request: is_part(request, PART_BYTES)):
        choose(worklist, [tmp_path / "a.bin", tmp_path / "b.bin", tmp_path / "c.bin"])
    worklist.once("dialog", lambda dialog: dialog.accept())  # leave the page although it sends
    worklist.reload()
    worklist.unroute(ROUTE)
    worklist.wait_for_selector("#upload-open")
    worklist.evaluate(SMALL_PARTS)
    expect(worklist.locator(".upload-message[data-interrupted]")).to_be_visible()
    sent = sent_requests(worklist)
    held = HeldRequests(worklist, FINISH)
    choose(worklist, [tmp_path / "a.bin", tmp_path / "b.bin"])  # c is not wanted any more
    expect(worklist.locator("#upload-progress[data-state=reading]")).to_be_visible()
    assert stored_files(site) == {"a.bin": whole, "b.bin": rest}
    assert sent == ["GET", "DELETE", "HEAD", f"PATCH {PART_BYTES}"]
    held.take().continue_()
    expect(worklist.locator(".upload-message[data-rejected='2']")).to_be_visible()
    worklist.reload()
    expect(worklist.locator(".upload-message[data-interrupted]")).to_have_count(0)


def test_files_that_the_server_does_not_have_are_sent_again(
    worklist: Page, site: Site, tmp_path: Path
) -> None:
    (tmp_path / "a.bin").write_bytes(b"a" * 1000)
    held = HeldRequests(worklist, FINISH)
    choose(worklist, tmp_path / "a.bin")
    expect(worklist.locator("#upload-progress[data-state=reading]")).to_be_visible()
    (folder,) = Path(site.environment["OVERREAD_HOME"]).glob("uploads/*/the upload")
    (folder / "a.bin").unlink()
    with worklist.expect_request(
        lambda request: request.method == "POST" and request.url.endswith("/files")
    ):
        held.take().continue_()
    expect(worklist.locator("#upload-progress[data-state=reading]")).to_be_visible()
    held.take().continue_()
    expect(worklist.locator(".upload-message[data-rejected='1']")).to_be_visible()
