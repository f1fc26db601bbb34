"""About: intended use, limits, models, data, licences and keyboard shortcuts."""

from __future__ import annotations

import platform
from importlib import metadata
from typing import Any

from dash import Dash, dcc, html
from dash.development.base_component import Component

from dashboard.components.attributes import aria
from dashboard.components.buttons import key_cap
from dashboard.components.model_facts import facts, network_panel
from dashboard.evaluation.installed import read_models
from pipeline import InputError
from pipeline.image_tasks.facade import IMAGE_TASKS

INTENDED_USE = (
    "Overread supports radiologists who review brain MRI in research and teaching. It marks where "
    "a trained network detects FLAIR abnormality, for the reader to check against the images.",
    "It is not a medical device. It makes no diagnosis, and its results must not be used to decide "
    "on a patient's examination or treatment.",
)
LIMITS = (
    "The segmentation shows FLAIR abnormality. It includes edema and treatment-related change and "
    "does not delineate enhancing tumor.",
    "Every patient in the training set had a lower-grade glioma. “No slice above the operating "
    "point” does not mean normal.",
    "A slice score states how closely one slice resembles slices with tumor in that set. It is not "
    "the probability that a patient has a tumor.",
    "The models were trained on axial FLAIR with T1 before and after contrast; FLAIR replaces a "
    "missing T1. Of images that are not FLAIR, or unlike the training data, no volume, diameters "
    "or expected Dice are stated.",
    "The demo studies are synthetic. Detection of their lesions is not a measure of accuracy.",
)
#: Data and software: name, use and source, licence.
SOURCES: tuple[tuple[str, str, str], ...] = (
    (
        "LGG MRI Segmentation",
        "Training and evaluation. Images: TCGA-LGG (The Cancer Imaging Archive). Reference "
        "outlines: Buda, Saha and Mazurowski 2019 (arXiv 1906.03720).",
        "CC BY-NC-SA 4.0, as distributed",
    ),
    (
        "Weights of the network on the review page",
        "Derived from that set and distributed under its terms: attribution, no commercial use, "
        "share alike. models/LICENSE has the details.",
        "CC BY-NC-SA 4.0",
    ),
    *[
        (
            f"{task.title}: data and weights",
            f"For comparison only, not for diagnostic use. {task.data_name}.",
            f"Data: {task.data_licence}. The weights are derived from these data.",
        )
        for task in IMAGE_TASKS.values()
    ],
    (
        "MNI152 template and tissue maps",
        "Anatomy of the synthetic demo studies (ICBM 2009, Fonov et al. 2011), as bundled with "
        "nilearn.",
        "Free to use with its copyright notice; nilearn: BSD",
    ),
    ("Bootstrap", "Style sheet for form controls.", "MIT"),
    ("tus-js-client", "Uploads that continue.", "MIT"),
    ("Inter", "Typeface by Rasmus Andersson.", "SIL Open Font License 1.1"),
    ("Overread", "This program.", "Apache-2.0"),
)
KEYS: tuple[tuple[str, tuple[tuple[str, tuple[str, ...]], ...]], ...] = (
    (
        "Worklist",
        (
            ("Search", ("/",)),
            ("Add studies", ("U",)),
            ("Previous or next study", ("↑", "↓")),
            ("Open study", ("Enter",)),
        ),
    ),
    (
        "Review",
        (
            ("Previous or next slice", ("↑", "↓")),
            ("Next marked slice", ("N",)),
            ("FLAIR abnormality (AI)", ("M",)),
            ("Reference outline", ("R",)),
            ("Fill masks", ("F",)),
            ("Hide all overlays", ("Space",)),
            ("Next study in the worklist", ("Enter",)),
        ),
    ),
    ("All pages", (("Show and change shortcuts", ("?",)),)),
)
PACKAGES = (
    "dash",
    "plotly",
    "dash-ag-grid",
    "dash-bootstrap-components",
    "sqlalchemy",
    "numpy",
    "pandas",
    "openvino",
    "onnxruntime",
    "tensorflow",
    "keras",
    "pydicom",
    "nibabel",
    "nilearn",
)


def layout(**_: Any) -> Component:
    """The page."""
    return html.Div(
        html.Div(
            [
                html.H1("About Overread", className="page-title"),
                html.Div(
                    [
                        _sentences("Intended use", INTENDED_USE),
                        _sentences("Limits", LIMITS),
                        *_models(),
                        _sources(),
                        html.Div([_keys(), _versions()], className="stack"),
                    ],
                    className="about-columns",
                ),
            ],
            className="about stack",
        ),
        className="page",
    )


def register(app: Dash) -> None:
    """Add the page's callbacks, of which it has none."""


def _sentences(title: str, sentences: tuple[str, ...]) -> html.Section:
    return html.Section(
        [html.H2(title, className="panel-title"), *[html.P(sentence) for sentence in sentences]],
        className="panel about-text",
    )


def _models() -> list[Component]:
    try:
        info = read_models()
    except InputError as error:
        message: list[Any] = [
            html.Span("The models could not be read.", className="notice-title"),
            f" {error.message}",
        ]
        return [html.Div(message, className="notice notice--error about-wide", role="alert")]
    link = dcc.Link("Performance of the models", href="/performance")
    return [network_panel(info.network), html.P(link, className="about-wide")]


def _sources() -> html.Section:
    rows = [
        html.Tr([html.Td(name, className="strong"), html.Td(what), html.Td(terms)])
        for name, what, terms in SOURCES
    ]
    head = html.Tr([html.Th(words) for words in ("Data and software", "Use and source", "Licence")])
    return html.Section(
        [
            html.H2("Data and licences", className="panel-title"),
            html.Div(
                html.Table([html.Thead(head), html.Tbody(rows)], className="data-table"),
                className="table-wrap",
            ),
        ],
        className="panel",
    )


def _keys() -> html.Section:
    groups = []
    for page, rows in KEYS:
        lines = [
            html.Div([html.Dt(words), html.Dd([key_cap(key) for key in keys])])
            for words, keys in rows
        ]
        groups.append(html.Div([html.H3(page, className="panel-title"), html.Dl(lines)]))
    return html.Section(
        [
            html.H2("Default keyboard shortcuts", className="panel-title"),
            html.Div(groups, className="about-keys"),
        ],
        className="panel",
        **aria(label="Keyboard shortcuts"),
    )


def _versions() -> html.Section:
    rows = [("Python", platform.python_version())]
    for name in PACKAGES:
        try:
            rows.append((name, metadata.version(name)))
        except metadata.PackageNotFoundError:
            continue
    return html.Section(
        [html.H2("Software versions on this server", className="panel-title"), facts(rows)],
        className="panel about-versions",
    )
