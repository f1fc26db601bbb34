"""Composition root: builds the services, the Dash app and its pages. Nothing imports this module.

`server` is the WSGI application: ``waitress-serve dashboard.app:server``. `celery_app` is Celery's
app where ``REDIS_URL`` is set, else None: ``celery -A dashboard.app:celery_app inspect active``.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass
from http import HTTPStatus
from pathlib import Path
from types import ModuleType

import dash
from dash import Dash, dcc, html, set_props
from flask import Response, request

from dashboard import api
from dashboard.api import bodies, scripts, security
from dashboard.components import shell
from dashboard.jobs.callbacks import ThreadManager
from dashboard.pages import about
from dashboard.pages.comparisons import page as comparisons
from dashboard.pages.performance import page as performance
from dashboard.pages.review import page as review
from dashboard.pages.worklist import page as worklist
from dashboard.processes.logs import set_up_logging
from dashboard.workspace import services
from dashboard.workspace.faults import find_fault
from dashboard.workspace.services import Services, start_services
from pipeline import InputError

_LOG = logging.getLogger(__name__)
_ASSETS = Path(__file__).resolve().parents[1] / "assets"
#: What the browser sends to callbacks: values of controls, never pixels.
_UPDATE_PATH, _LONGEST_UPDATE = "/_dash-update-component", 2 << 20
_NOTICE = "app-notice"
_NOTICE_PLACE = {"position": "fixed", "bottom": "16px", "left": "16px", "zIndex": 1000}
CALLBACK_FAILED = (
    "Something went wrong on the server; its log has the details. Load the page again."
)
_NO_CALLBACK = "This page is of another version than the server. Load the page again."


@dataclass(frozen=True)
class Page:
    """One page: its address, its title and the module with ``layout()`` and ``register(app)``."""

    path: str
    title: str
    module: ModuleType


PAGES = (
    Page("/", "Worklist", worklist),
    Page("/review", "Review", review),
    Page("/performance", "Performance", performance),
    Page("/comparisons", "Comparisons", comparisons),
    Page("/about", "About", about),
)


def build_app(parts: Services) -> Dash:
    """Compose the app from its parts."""
    modules = scripts.ScriptTree.read(_ASSETS / "js")
    app = Dash(
        __name__,
        use_pages=True,
        pages_folder="",
        assets_folder=str(_ASSETS),
        assets_path_ignore=shell.ASSETS_PATH_IGNORE,
        index_string=shell.index_string(modules.tags()),
        serve_locally=True,
        title="Overread",
        update_title=None,  # type: ignore[arg-type]  # Dash's way to keep the title
        suppress_callback_exceptions=True,  # a page's components exist only while the page is shown
        background_callback_manager=ThreadManager(parts.settings.background),
        on_error=_show_error,
    )
    app.renderer = shell.RENDERER
    app.server.secret_key = parts.settings.signing_secret()
    services.attach(app.server, parts)
    for page in PAGES:
        dash.register_page(
            page.module.__name__,
            path=page.path,
            title=f"{page.title} · Overread",
            layout=page.module.layout,
        )
        page.module.register(app)
    dash.register_page("not_found_404", title="Not found · Overread", layout=_not_found)
    titles = {page.path: page.title for page in PAGES}
    shell.register(app, titles)
    notice = html.Div(id=_NOTICE, className="app-notice", role="alert", style=_NOTICE_PLACE)
    app.layout = html.Div([shell.layout(dash.page_container, titles), notice])
    scripts.register(app.server, modules)
    api.register(app.server, parts)
    bodies.declare_limit(app.server, _UPDATE_PATH, _LONGEST_UPDATE)
    security.protect(app.server, parts.settings, script_hashes=app.csp_hashes)
    app.server.before_request(lambda: _check_callback(app))
    return app


def _check_callback(app: Dash) -> Response | None:
    """Refuse a call of an unknown callback; Dash would fail."""
    if request.path != _UPDATE_PATH or request.method != "POST":
        return None
    body = request.get_json(silent=True)
    output = body.get("output") if isinstance(body, dict) else None
    if isinstance(output, str) and output in app.callback_map:
        return None
    return Response(f"{_NO_CALLBACK}\n", HTTPStatus.BAD_REQUEST, mimetype="text/plain")


def _not_found(**_: str) -> html.Div:
    return shell.empty_state(
        "Page not found",
        "Check the address. The study may have been deleted.",
        dcc.Link("Open the worklist", href="/", className="button button--primary"),
    )


def _show_error(error: Exception) -> None:
    """Show one sentence where a callback failed; the traceback goes to the log."""
    if isinstance(error, InputError):
        sentence = error.message
    elif fault := find_fault(error):
        sentence = fault.sentence
        _LOG.error("A callback failed: %s", sentence)
    else:
        sentence = CALLBACK_FAILED
        _LOG.error("A callback failed", exc_info=error)
    set_props(_NOTICE, {"children": html.P(sentence, className="notice notice--error")})


def _build() -> Dash:
    set_up_logging()
    return build_app(start_services(check=True))


app = _build()
server = app.server
celery_app = services.get(app).celery
