"""Jobs whose files do to their child what hostile files do to decoders."""

from __future__ import annotations

import ctypes
import hashlib
import json
import os
import signal
import socket
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np

from pipeline.data.reading.format_kinds import DecodedImage
from pipeline.data.reading.images import PNG
from pipeline.data.reading.jobs import ReadCases
from pipeline.errors import InputError
from pipeline.sandbox.messages import Message
from pipeline.sandbox.watch import Work, watching


class Mirror:
    """Sends back what it gets."""

    def answer(self, request: Message, progress: Callable[[int, int, str], None]) -> Message:
        progress(1, 1, "mirrored")
        return request


class SlowMirror:
    """Sends back what it gets after a while in which it is at no file."""

    def answer(self, request: Message, progress: Callable[[int, int, str], None]) -> Message:
        progress(0, 1, "waiting")
        time.sleep(0.3)
        return request


class Files:
    """Reads "files" that are names of functions here, and answers what came of each."""

    def answer(self, request: Message, progress: Callable[[int, int, str], None]) -> Message:
        outcomes = {}
        for name in json.loads(request.document):
            try:
                with watching(f"folder/{name}", work=Work.STUDY if "study" in name else Work.FILE):
                    globals()[name.partition(".")[0]]()
                outcomes[name] = "read"
            except InputError as error:
                outcomes[name] = error.message
        return Message(json.dumps(outcomes))


def good() -> None:
    np.zeros((64, 64)).sum()


def endless_loop() -> None:
    while True:
        try:
            time.sleep(0.01)
        except OSError:
            pass


def loop_that_swallows_all() -> None:
    while True:
        try:
            while True:
                time.sleep(0.01)
        except Exception:
            pass


def decoder_that_never_returns() -> None:
    hashlib.pbkdf2_hmac("sha256", b"", b"", 1 << 30)


def bomb() -> None:
    np.ones(600 << 20, np.uint8)


def crash() -> None:
    ctypes.string_at(0)


def vanish() -> None:
    os._exit(0)


def study_that_is_slow() -> None:
    time.sleep(0.7)


class Escape:
    """Tries what no reader needs, and answers what worked."""

    def answer(self, request: Message, progress: Callable[[int, int, str], None]) -> Message:
        own, other = json.loads(request.document)
        attempts: dict[str, Callable[[], object]] = {
            "network": lambda: socket.socket(socket.AF_INET, socket.SOCK_STREAM),
            "local sockets": lambda: socket.socket(socket.AF_UNIX, socket.SOCK_STREAM),
            "other files": lambda: Path(other).read_bytes(),
            "folders": lambda: os.listdir(Path(other).parent),
            "the parent's environment": lambda: Path(f"/proc/{os.getppid()}/environ").read_bytes(),
            "writing": lambda: Path(own).write_bytes(b""),
            "writing elsewhere": lambda: Path(other).with_name("new").write_bytes(b""),
            "programs": lambda: os.execv("/bin/true", ["true"]),
            "processes": os.fork,
            "signals": lambda: os.kill(os.getppid(), signal.SIGTERM),
        }
        worked = []
        for name, attempt in attempts.items():
            try:
                attempt()
                worked.append(name)
            except OSError:
                pass
        answer = {
            "worked": worked,
            "own": Path(own).read_text(),
            "environment": sorted(os.environ),
            "descriptors": sorted(_open_files()),
        }
        return Message(json.dumps(answer))


def _open_files() -> list[str]:
    found = []
    for number in range(256):
        try:
            found.append(os.readlink(f"/proc/self/fd/{number}").partition(":")[0])
        except OSError:
            continue
    return found


class PoisonedReading(ReadCases):
    """Reads cases, with a decoder of PNG that does what the file's name says."""

    def __init__(self) -> None:
        super().__init__()
        decode = PNG.decode

        def decode_or_die(path: Path, source: str) -> DecodedImage:
            action = globals().get(source.rsplit("/", 1)[-1].split("-")[0])
            if action is not None:
                action()
            return decode(path, source)

        object.__setattr__(PNG, "decode", decode_or_die)  # of this child only
