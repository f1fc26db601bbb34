"""Composition root: builds the services, the Dash app and its pages. Nothing imports this module.

`server` is the WSGI application: ``waitress-serve dashboard.app:server``.
"""

from __future__ import annotations

import importlib
import logging
import sys
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType

import dash
from dash import Dash, html

from dashboard import ids, services, shell
from dashboard.background import build_background_manager
from dashboard.services import Services, build_services
from dashboard.settings import SettingsError, read_settings
from dashboard.store import DatabaseError

_LOG = logging.getLogger(__name__)
_ASSETS = Path(__file__).resolve().parents[1] / "assets"


@dataclass(frozen=True)
class Page:
    """One page: its address, its title and the module with ``layout()`` and ``register(app)``."""

    path: str
    title: str
    module: str


PAGES = (
    Page("/", "Worklist", "dashboard.pages.worklist"),
    Page("/review", "Review", "dashboard.pages.review"),
    Page("/performance", "Performance", "dashboard.pages.performance"),
    Page("/about", "About", "dashboard.pages.about"),
)


def build_app(parts: Services) -> Dash:
    """Compose the app from its parts."""
    app = Dash(
        __name__,
        use_pages=True,
        pages_folder="",
        assets_folder=str(_ASSETS),
        assets_path_ignore=shell.ASSETS_PATH_IGNORE,
        index_string=shell.index_string(),
        serve_locally=True,
        title="Overread",
        update_title=None,  # type: ignore[arg-type]  # Dash's way to leave the title alone
        suppress_callback_exceptions=True,  # a page's components exist only while it is shown
        background_callback_manager=build_background_manager(parts.settings.background),
    )
    app.server.secret_key = parts.settings.signing_secret()
    services.attach(app.server, parts)
    for page in PAGES:
        module = _page_module(page)
        dash.register_page(
            page.module, path=page.path, title=f"{page.title} · Overread", layout=module.layout
        )
        module.register(app)
    shell.register(app)
    app.layout = shell.layout(dash.page_container)
    return app


def _page_module(page: Page) -> ModuleType:
    try:
        return importlib.import_module(page.module)
    except ModuleNotFoundError as error:
        if error.name != page.module:
            raise
    module = ModuleType(page.module)
    module.layout = lambda **_: html.P(f"{page.title} is being built.")  # type: ignore[attr-defined]
    module.register = lambda app: None  # type: ignore[attr-defined]
    return module


def _build() -> Dash:
    try:
        return build_app(build_services(read_settings()))
    except (SettingsError, DatabaseError) as error:
        sys.stderr.write(f"{error}\n")
        raise SystemExit(2) from None


app = _build()
server = app.server
