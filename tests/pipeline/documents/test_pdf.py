"""Pages as PDF: nothing is fetched, and their fonts are in them."""

from __future__ import annotations

import importlib
import io
import threading
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pikepdf
import pytest
from PIL import Image

import pipeline

FONT = Path(__file__).parents[3] / "assets/vendor/inter/inter-latin-wght-normal.woff2"


@pytest.mark.slow
def test_a_page_fetches_nothing_and_holds_its_fonts(tmp_path: Path) -> None:
    asked: list[str] = []

    class Listener(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            asked.append(self.path)
            self.send_error(404)

    secret = tmp_path / "secret.txt"
    secret.write_text("hidden words")
    server = HTTPServer(("127.0.0.1", 0), Listener)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    there = f"http://127.0.0.1:{server.server_port}"
    page = f"""<html lang="en"><head><title>Title</title>
      <link rel="stylesheet" href="{there}/a.css">
      <link rel="attachment" href="file://{secret}">
      <style>@font-face {{ font-family: "Own"; src: url("/font.woff2") format("woff2") }}
      @import url("{there}/b.css"); body {{ font-family: "Own" }}</style></head>
      <body>Words <img src="{there}/c.png"><img src="file://{secret}">
      <svg width="9" height="9"><image href="{there}/d.png"/></svg></body></html>""".encode()
    try:
        made = pipeline.make_pdf(page, fonts={"/font.woff2": FONT.read_bytes()})
    finally:
        server.shutdown()
        server.server_close()
    assert asked == []
    assert b"hidden words" not in made
    with pikepdf.open(io.BytesIO(made)) as pdf:
        assert "/EmbeddedFiles" not in pdf.Root.get("/Names", {})
        names = [str(font["/BaseFont"]) for font in pdf.pages[0].resources["/Font"].values()]
    assert names
    assert all(name.endswith("+Own") for name in names)


def test_a_cut_image_stays_an_error_where_pdfs_are_made() -> None:
    """WeasyPrint lets Pillow fill what is missing of an image, in the whole process."""
    importlib.import_module("pipeline.documents.pdf_job")
    stream = io.BytesIO()
    Image.effect_noise((64, 64), 50).save(stream, "PNG")
    with Image.open(io.BytesIO(stream.getvalue()[:2000])) as cut, pytest.raises(OSError):
        cut.load()
