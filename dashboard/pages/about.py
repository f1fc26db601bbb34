"""About: what Overread is for and what it is not, its models, data, licences and keys."""

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
    "Overread helps a radiologist to review brain MRI in research and teaching: it marks where a "
    "trained network sees FLAIR abnormality, beside the images, for the reader to check.",
    "It is no medical device. It makes no diagnosis, and nothing it shows may decide how a patient "
    "is examined or treated.",
)
LIMITS = (
    "What is outlined is FLAIR abnormality. It takes in edema and treatment change, and it is not "
    "enhancing tumor.",
    "Everybody in the training set had a tumor, a glioma of lower grade. “No slice above the "
    "operating point” does not mean normal.",
    "A slice score says how much one slice looks like slices with tumor in that set. It is no "
    "probability that a patient has a tumor.",
    "The models know axial FLAIR with T1 before and after contrast; FLAIR stands in for a T1 that "
    "is missing. Anything that is not FLAIR, or may not be, is analysed with a warning that stays "
    "with the result.",
    "The demo studies are synthetic. How many of their lesions are found is no measure of "
    "accuracy.",
)
#: What is used, where it is from, under which terms.
SOURCES: tuple[tuple[str, str, str], ...] = (
    (
        "LGG MRI Segmentation",
        "Training and evaluation. Images from TCGA-LGG (The Cancer Imaging Archive); outlines by "
        "Buda, Saha and Mazurowski 2019 (arXiv 1906.03720).",
        "CC BY-NC-SA 4.0, as distributed",
    ),
    (
        "The weights of the network for reading",
        "Derived from that set, and shared under its terms.",
        "CC BY-NC-SA 4.0",
    ),
    *[
        (
            f"{task.title}: data and weights",
            f"A comparison, not for reading. {task.data_name}.",
            f"Data: {task.data_licence}. The weights derive from them.",
        )
        for task in IMAGE_TASKS.values()
    ],
    (
        "MNI152 template and tissue maps",
        "Anatomy of the synthetic demo studies (ICBM 2009, Fonov et al. 2011), as bundled with "
        "nilearn.",
        "Free to use with its copyright notice; nilearn: BSD",
    ),
    ("Bootstrap", "Style sheet of form controls.", "MIT"),
    ("Inter", "Typeface, by Rasmus Andersson.", "SIL Open Font License 1.1"),
    ("Overread", "This program.", "Apache-2.0"),
)
KEYS: tuple[tuple[str, tuple[tuple[str, tuple[str, ...]], ...]], ...] = (
    (
        "Worklist",
        (
            ("Search", ("/",)),
            ("Add studies", ("U",)),
            ("Move", ("↑", "↓")),
            ("Open", ("Enter",)),
        ),
    ),
    (
        "Review",
        (
            ("Slices", ("↑", "↓")),
            ("Next lesion slice", ("N",)),
            ("FLAIR abnormality (AI)", ("M",)),
            ("Reference outline", ("R",)),
            ("Fill", ("F",)),
            ("Hide all", ("Space",)),
            ("Next study of the worklist", ("Enter",)),
        ),
    ),
    ("Everywhere", (("All keys of the page, and changing them", ("?",)),)),
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
    """This page has no callbacks."""


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
            html.Span("The models cannot be read.", className="notice-title"),
            error.message,
        ]
        return [html.Div(message, className="notice notice--error about-wide", role="alert")]
    link = dcc.Link("How far they can be trusted", href="/performance")
    return [network_panel(info.network), html.P(link, className="about-wide")]


def _sources() -> html.Section:
    rows = [
        html.Tr([html.Td(name, className="strong"), html.Td(what), html.Td(terms)])
        for name, what, terms in SOURCES
    ]
    head = html.Tr([html.Th(words) for words in ("Data and software", "What for", "Terms")])
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
            html.H2("Keys as shipped", className="panel-title"),
            html.Div(groups, className="about-keys"),
        ],
        className="panel",
        **aria(label="Keys"),
    )


def _versions() -> html.Section:
    rows = [("Python", platform.python_version())]
    for name in PACKAGES:
        try:
            rows.append((name, metadata.version(name)))
        except metadata.PackageNotFoundError:
            continue
    return html.Section(
        [html.H2("Versions on this server", className="panel-title"), facts(rows)],
        className="panel about-versions",
    )
