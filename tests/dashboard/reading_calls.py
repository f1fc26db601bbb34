"""What tests send to read and sign a study over HTTP, as Review does."""

from __future__ import annotations

import base64
from typing import Any

from flask import Flask
from flask.testing import FlaskClient

from dashboard.masks.encoding import MaskSlices, encode_mask

OURS = {"X-Overread": "1"}


def reader(server: Flask, name: str) -> FlaskClient:
    client = server.test_client()
    assert client.put("/api/reader", json={"name": name}, headers=OURS).status_code == 200
    return client


def send(client: FlaskClient, study: str, what: str, *, method: str = "PUT", **body: Any) -> Any:
    return client.open(f"/api/studies/{study}/{what}", method=method, json=body, headers=OURS)


def begin(client: FlaskClient, study: str) -> Any:
    """Open the study, and an amendment of it where it is signed."""
    reading = send(client, study, "opening", method="POST").json["reading"]
    if not reading["records"]:
        return reading
    amends = reading["records"][0]["number"]
    return send(client, study, "opening", method="POST", amends=amends).json["reading"]


def marked(client: FlaskClient, study: str) -> list[int]:
    slices = client.get(f"/api/studies/{study}").json["result"]["slices"]
    return [k for k, one in enumerate(slices) if one["tumor"]]


def mask_in_view(client: FlaskClient, study: str, touched: MaskSlices) -> dict[str, Any]:
    """The AI mask with other slices over it, as requests describe it."""
    result = client.get(f"/api/studies/{study}").json["result"]
    return {
        "based_on": {"result_key": result["key"], "threshold": result["mask_threshold"]},
        "mask": base64.b64encode(encode_mask(touched, (3, 6, 5))).decode(),
    }


def signature(client: FlaskClient, study: str, token: str, **changes: Any) -> Any:
    """Sign what is in view: the AI mask, or with ``touched`` other slices over it."""
    body = (
        mask_in_view(client, study, changes.pop("touched", {}))
        | {
            "writer": "ab" * 8,
            "step": 1,
            "revision": 0,
            "token": token * 16,
            "reading": client.get(f"/api/studies/{study}/reading").json["revision"],
        }
        | changes
    )
    return send(client, study, "records", method="POST", **body)


def decide(client: FlaskClient, study: str, verdict: str, **more: Any) -> Any:
    revision = begin(client, study)["revision"]
    shown = send(
        client, study, "reading", revision=revision, slices_shown=marked(client, study)
    ).json
    return send(client, study, "decision", revision=shown["revision"], verdict=verdict, **more)
