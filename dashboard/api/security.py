"""Checks before every request, and the security headers of every answer.

There are no accounts yet. Checks of Host (DNS rebinding) and Origin (forged requests), and a header
that only this app's own scripts can send, keep a foreign web page from reaching the server through
a reader's browser. What a proxy says of a request is accepted from the trusted proxy only.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from http import HTTPStatus
from typing import Any
from urllib.parse import urlsplit

from flask import Flask, Response, request
from werkzeug.middleware.proxy_fix import ProxyFix

from dashboard.api.endpoint import VERSION, VERSION_HEADER, ErrorAnswer, json_response
from dashboard.workspace.settings import LOCAL_HOSTS, Settings

_SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})
_ANY_ADDRESS = frozenset({"0.0.0.0", "::", "[::]", ""})
#: What proxies say of a request, in WSGI's names.
_OF_PROXIES = (
    "HTTP_FORWARDED",
    "HTTP_X_FORWARDED_FOR",
    "HTTP_X_FORWARDED_PROTO",
    "HTTP_X_FORWARDED_HOST",
    "HTTP_X_FORWARDED_PORT",
    "HTTP_X_FORWARDED_PREFIX",
    "HTTP_X_FORWARDED_BY",
)
#: For a year, as browsers' preload lists require.
_HSTS = "max-age=31536000; includeSubDomains"


class ProxyHeaders:
    """WSGI: a request of the trusted proxy gets its browser's address and scheme.

    From other addresses these headers, and that of the reader's name, are removed.

    Args:
        application: Receives the request then.
        settings: Name the trusted proxy and the reader's header.
    """

    def __init__(self, application: Callable[..., Any], settings: Settings) -> None:
        self._application = application
        self._trusted = ProxyFix(application, x_for=1, x_proto=1, x_host=0)
        self._settings = settings
        name = settings.user_header.upper().replace("-", "_")
        self._untrusted = (*_OF_PROXIES, *([f"HTTP_{name}"] if name else []))

    def __call__(self, context: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        """Pass the request on."""
        if self._settings.is_trusted_proxy(context.get("REMOTE_ADDR")):
            return self._trusted(context, start_response)
        for name in self._untrusted:
            context.pop(name, None)
        answer: Iterable[bytes] = self._application(context, start_response)
        return answer


def protect(
    server: Flask, settings: Settings, *, script_hashes: Callable[[], Sequence[str]]
) -> None:
    """Add the checks and the headers to a server.

    Args:
        server: The server.
        settings: How it runs.
        script_hashes: Returns hashes of Dash's own inline scripts (`Dash.csp_hashes`); called once.
    """
    hosts = set(settings.allowed_hosts)
    if settings.host not in _ANY_ADDRESS:
        host = settings.host.lower()
        hosts.add(f"[{host}]" if ":" in host and not host.startswith("[") else host)
    headers: dict[str, str] = {}
    server.wsgi_app = ProxyHeaders(server.wsgi_app, settings)  # type: ignore[assignment]

    @server.before_request
    def check() -> Response | None:
        sentence = _refusal(hosts)
        if sentence is None:
            return None
        if request.path.startswith("/api/"):
            return json_response(ErrorAnswer(error=sentence), HTTPStatus.FORBIDDEN)
        return Response(f"{sentence}\n", HTTPStatus.FORBIDDEN, mimetype="text/plain")

    @server.after_request
    def add_headers(response: Response) -> Response:
        if not headers:
            headers.update(_security_headers(script_hashes()))
        for name, value in headers.items():
            response.headers.setdefault(name, value)
        if is_https(settings):
            response.headers.setdefault("Strict-Transport-Security", _HSTS)
        return response


def is_https(settings: Settings) -> bool:
    """Whether the current request reached the server by HTTPS, by its settings or trusted proxy."""
    return settings.https or request.is_secure


def _refusal(hosts: set[str]) -> str | None:
    """Return why the current request is refused, or None."""
    if "*" not in hosts and _host_name(request.host) not in hosts:
        return (
            "This server does not answer to the host name in the address; its administrator can add"
            " the name to OVERREAD_ALLOWED_HOSTS."
        )
    version = request.headers.get(VERSION_HEADER)
    if request.path.startswith("/api/") and version not in (None, VERSION):
        return "This page is of another version than the server; load the page again."
    if request.method in _SAFE_METHODS:
        return None
    origin = request.headers.get("Origin")
    if origin is not None:
        foreign = not _is_own(origin)
    else:
        foreign = request.headers.get("Sec-Fetch-Site", "none") not in ("same-origin", "none")
    if foreign:
        return "The request came from another web page and was refused."
    if request.path.startswith("/api/") and version is None:
        return f"The request lacks the header {VERSION_HEADER}: {VERSION} and was refused."
    return None


def _is_own(origin: str) -> bool:
    """Whether an Origin is this server's.

    With a name that is not local, a proxy in front of the server may terminate https.
    """
    try:
        parts = urlsplit(origin.lower())
    except ValueError:  # such as an address with an open bracket
        return False
    schemes = {request.scheme}
    if _host_name(request.host) not in LOCAL_HOSTS:
        schemes.add("https")
    return parts.scheme in schemes and parts.netloc == request.host.lower()


def _host_name(host: str) -> str:
    """Return a Host header without its port, in lower case."""
    name = host.lower()
    if name.startswith("["):
        return name.partition("]")[0] + "]"
    return name.partition(":")[0]


def _security_headers(script_hashes: Sequence[str]) -> dict[str, str]:
    policy = {
        "default-src": "'self'",
        "script-src": " ".join(["'self'", *script_hashes]),
        "style-src": "'self' 'unsafe-inline'",  # Plotly and AG Grid style their elements
        "img-src": "'self' data: blob:",
        "font-src": "'self' data:",
        "connect-src": "'self'",
        "worker-src": "'self' blob:",
        "object-src": "'none'",
        "base-uri": "'none'",
        "form-action": "'self'",
        "frame-ancestors": "'none'",
    }
    return {
        "Content-Security-Policy": "; ".join(f"{name} {value}" for name, value in policy.items()),
        "X-Content-Type-Options": "nosniff",
        "X-Frame-Options": "DENY",
        "Referrer-Policy": "no-referrer",
        "Cross-Origin-Opener-Policy": "same-origin",
        "Cross-Origin-Resource-Policy": "same-origin",
        "Permissions-Policy": "camera=(), geolocation=(), microphone=()",
    }
