"""Every environment variable, one entry each, from which the table in the README is tested."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from dashboard.workspace.setting_values import (
    one_of,
    or_below,
    or_none,
    parse_database,
    parse_folder,
    parse_header,
    parse_hosts,
    parse_redis,
    parse_secret,
    parse_storage,
    parse_text,
    parse_yes_no,
    whole_number,
)

_ROOT = Path(__file__).resolve().parents[2]

#: Names under which a browser on the same machine reaches the server.
LOCAL_HOSTS = ("localhost", "127.0.0.1", "[::1]")
ENGINES = ("auto", "openvino", "onnxruntime", "keras")
PRECISIONS = ("auto", "f32", "bf16")


@dataclass(frozen=True)
class Setting:
    """One environment variable.

    Attributes:
        name: The variable.
        default: Its default as the documentation writes it.
        description: What it does, in one line.
        field: Field of `Settings` that it fills.
        parse: Turns its text into the field's value; raises `SettingsError`.
    """

    name: str
    default: str
    description: str
    field: str
    parse: Callable[[str, str], Any]


_HOME_DEFAULT = "./workspace"
_MODELS_DEFAULT = "./models"

#: Every variable, in the order of the documentation.
SETTINGS: tuple[Setting, ...] = (
    Setting(
        "OVERREAD_HOME",
        _HOME_DEFAULT,
        "The workspace: database, studies, results.",
        "home",
        or_below(_ROOT, _HOME_DEFAULT),
    ),
    Setting(
        "OVERREAD_HOST",
        "127.0.0.1",
        "Address on which the web process listens.",
        "host",
        parse_text,
    ),
    Setting(
        "OVERREAD_PORT",
        "8050",
        "Port on which the web process listens.",
        "port",
        whole_number(1, 65535),
    ),
    Setting(
        "OVERREAD_ALLOWED_HOSTS",
        ",".join(LOCAL_HOSTS),
        "Host names under which browsers may reach the server, separated by commas; * for any.",
        "allowed_hosts",
        parse_hosts,
    ),
    Setting(
        "OVERREAD_LIBRARY",
        "",
        "Folder on the server whose subfolders are studies; only read. None by default.",
        "library",
        parse_folder,
    ),
    Setting(
        "OVERREAD_MODELS",
        _MODELS_DEFAULT,
        "Folder of the models.",
        "models",
        or_below(_ROOT, _MODELS_DEFAULT),
    ),
    Setting(
        "OVERREAD_DATABASE_URL",
        "",
        "SQLAlchemy URL of the review database. By default an SQLite file in the workspace.",
        "database_url",
        parse_database,
    ),
    Setting(
        "OVERREAD_MAX_UPLOAD_MB",
        "2048",
        "What one upload may hold, in MB.",
        "max_upload_bytes",
        whole_number(1, 1 << 20, 1 << 20),
    ),
    Setting(
        "OVERREAD_MAX_UPLOAD_FILES",
        "10000",
        "How many files one upload may hold.",
        "max_upload_files",
        whole_number(1, 1_000_000),
    ),
    Setting(
        "OVERREAD_CACHE_MB",
        "2048",
        "What the results of analyses may take on disk, in MB; the least used go first.",
        "cache_bytes",
        whole_number(16, 1 << 24, 1 << 20),
    ),
    Setting(
        "OVERREAD_ENGINE",
        "auto",
        "Runtime of the models: auto, openvino, onnxruntime or keras.",
        "engine",
        one_of(ENGINES),
    ),
    Setting(
        "OVERREAD_PRECISION",
        "auto",
        "Precision of the models: f32, bf16, or auto: bf16 where the weights were shown to agree.",
        "precision",
        one_of(PRECISIONS),
    ),
    Setting(
        "OVERREAD_WORKERS",
        "1",
        "Worker processes that are started.",
        "workers",
        whole_number(1, 64),
    ),
    Setting(
        "OVERREAD_THREADS",
        "0",
        "CPU threads that a worker computes with; 0 for as many as the runtime takes.",
        "threads",
        or_none(whole_number(0, 1024)),
    ),
    Setting(
        "REDIS_URL",
        "",
        "Redis through which Celery delivers jobs to workers on several machines. None by default.",
        "redis_url",
        parse_redis,
    ),
    Setting(
        "OVERREAD_STORAGE_URL",
        "",
        "Storage that all machines share: s3://bucket/prefix, a folder, or another fsspec URL."
        " By default the workspace.",
        "storage_url",
        parse_storage,
    ),
    Setting(
        "OVERREAD_STORAGE_LOCAL_MB",
        "20480",
        "What a machine's copies of studies on shared storage may take, in MB.",
        "storage_local_bytes",
        whole_number(64, 1 << 24, 1 << 20),
    ),
    Setting(
        "OVERREAD_STORAGE_RESULTS_MB",
        "102400",
        "What results may take on shared storage, in MB; workers delete the oldest.",
        "storage_results_bytes",
        whole_number(16, 1 << 30, 1 << 20),
    ),
    Setting(
        "OVERREAD_DEMO",
        "yes",
        "Whether an empty workspace gets the demo studies: yes or no.",
        "demo",
        parse_yes_no,
    ),
    Setting(
        "OVERREAD_SECRET",
        "",
        "Signs readers' cookies and the handles of background jobs. By default made once and kept"
        " in the workspace.",
        "secret",
        parse_secret,
    ),
    Setting(
        "OVERREAD_USER_HEADER",
        "",
        "Header in which a proxy names the reader, such as X-Remote-User. None by default: each"
        " browser is a reader.",
        "user_header",
        parse_header,
    ),
)
