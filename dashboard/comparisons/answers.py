"""Images that were sent, and their answers, as files.

A worker decodes an image and stores its answer; the web process never decodes a file that was sent.
Images and answers are stored for a day, in a folder that only its owner can read, so that an answer
is still shown after a reload.
"""

from __future__ import annotations

import hashlib
import json
import logging
import re
import secrets
import shutil
import time
from dataclasses import dataclass
from datetime import timedelta
from http import HTTPStatus
from pathlib import Path
from typing import IO, TYPE_CHECKING

from dashboard.comparisons.records import ImageRecord, parse_answer
from dashboard.workspace.faults import DISK_FAILED, NO_STORAGE_ANSWER, find_fault
from dashboard.workspace.received import UploadRefused, safe_relative_name
from dashboard.workspace.services import Services
from pipeline import (
    InputError,
    SharedStorage,
    StorageError,
    put_in_place,
    replacing_folder,
    seal,
    sha256,
    unseal,
    write_text,
)
from pipeline.image_tasks.facade import ImageModelInfo

if TYPE_CHECKING:  # what answers images loads the readers
    from pipeline.image_tasks.facade import ImageAnswer

_LOG = logging.getLogger(__name__)
MAX_BYTES = 32 << 20
_CHUNK = 1 << 20
_ID = re.compile(r"[0-9a-f]{32}")
#: How long images and answers are stored, and how many images at most.
STORED_FOR, MOST_IMAGES = timedelta(days=1), 2000
_GONE = "The image is no longer on the server. Choose it again."
_NOT_STORED = "The answer could not be stored on the server. Choose the image again."
_ALTERED = "The image was altered on the server's disk and is not used. Choose it again."
PICTURES = ("image", "heat")
#: An answer without its pictures: JSON, sealed.
_ANSWER, _MAGIC = "answer.sealed", b"OVRI1"


@dataclass(frozen=True, eq=False)
class ImageAnswers:
    """Images that were sent, and their answers.

    Attributes:
        folder: Folder of the images.
        storage: Shared storage of all machines, or None.
    """

    folder: Path
    storage: SharedStorage | None = None

    @classmethod
    def of(cls, services: Services) -> ImageAnswers:
        """The images of a server's workspace."""
        return cls(services.settings.home / "comparisons", services.storage)

    def receive(self, name: str, stream: IO[bytes], *, length: int | None) -> str:
        """Store an image; the same image gets the same id.

        Args:
            name: The file's name, as the browser sends it; untrusted.
            stream: Its bytes.
            length: Their number, if known.

        Returns:
            The image's id.

        Raises:
            UploadRefused: It is empty, too large or incomplete.
        """
        shown = safe_relative_name(name).name[:80]
        self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        self.forget_old()
        partial = self.folder / f"{secrets.token_hex(8)}.part"
        digest, size = hashlib.sha256(), 0
        try:
            with partial.open("xb") as output:
                while chunk := stream.read(_CHUNK):
                    size += len(chunk)
                    if size > MAX_BYTES:
                        raise UploadRefused(
                            HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
                            f"{shown} is larger than {MAX_BYTES >> 20} MB.",
                        )
                    digest.update(chunk)
                    output.write(chunk)
            if not size or (length is not None and size != length):
                raise UploadRefused(
                    HTTPStatus.BAD_REQUEST, f"{shown} is empty or arrived incomplete."
                )
            place = self.folder / digest.hexdigest()[:32]
            place.mkdir(mode=0o700, exist_ok=True)
            write_text(place / "name.txt", shown)
            put_in_place(partial, place / "upload", durable=False)
            self._share(place.name, "upload", "name.txt")
        except OSError as error:
            fault = find_fault(error) or (
                NO_STORAGE_ANSWER if isinstance(error, StorageError) else DISK_FAILED
            )
            raise UploadRefused(fault.status, fault.sentence) from error
        finally:
            partial.unlink(missing_ok=True)
        return place.name

    def read(self, image_id: str) -> tuple[bytes, str]:
        """The bytes of an image, undecoded, and its name.

        Raises:
            InputError: The image was deleted.
        """
        folder = self._folder(image_id)
        self._fetch(image_id, "upload", "name.txt")
        try:
            content, name = (
                (folder / "upload").read_bytes(),
                (folder / "name.txt").read_text("utf-8"),
            )
        except (OSError, ValueError):
            raise InputError("", _GONE) from None
        if not sha256(content).startswith(image_id):
            shutil.rmtree(folder, ignore_errors=True)
            raise InputError("", _ALTERED)
        return content, name

    def store(self, image_id: str, info: ImageModelInfo, answer: ImageAnswer) -> None:
        """Store the pictures as files and the rest as JSON, completely or not at all.

        Raises:
            InputError: The image was deleted, or disk or shared storage failed.
        """
        folder = self._folder(image_id)
        try:
            if not folder.is_dir():  # deleted meanwhile
                raise InputError("", _GONE)
            with replacing_folder(folder / _answer_name(info)) as draft:
                pictures = dict(zip(PICTURES, (answer.image_png(), answer.heat_png()), strict=True))
                for name, content in pictures.items():
                    (draft / f"{name}.png").write_bytes(content)
                digests = {name: sha256(content) for name, content in pictures.items()}
                record = json.dumps(answer.to_json() | {"pictures": digests}, allow_nan=False)
                (draft / _ANSWER).write_bytes(seal(_MAGIC, record.encode()))
            self._share(image_id, *_answer_files(info))
        except OSError as error:
            _LOG.exception("An answer could not be stored.")
            fault = find_fault(error)
            raise InputError("", fault.sentence if fault else _NOT_STORED) from None

    def find(self, info: ImageModelInfo, image_id: str) -> ImageRecord | None:
        """The answer of this model to an image, or None."""
        found = self._read_answer(info, image_id)
        return None if found is None else found[0]

    def picture(self, info: ImageModelInfo, image_id: str, name: str) -> bytes | None:
        """A picture of an answer (PNG), ``image`` or ``heat``, or None."""
        found = self._read_answer(info, image_id) if name in PICTURES else None
        return None if found is None else found[1][name]

    def _read_answer(
        self, info: ImageModelInfo, image_id: str
    ) -> tuple[ImageRecord, dict[str, bytes]] | None:
        """An answer with its pictures; None where it is missing, or any of it was altered."""
        folder = self._folder(image_id) / _answer_name(info)
        self._fetch(image_id, *_answer_files(info))
        try:
            pictures = {name: (folder / f"{name}.png").read_bytes() for name in PICTURES}
            content = bytes(unseal(_MAGIC, (folder / _ANSWER).read_bytes()))
        except OSError:
            return None
        except ValueError:
            content = b""
        parsed = parse_answer(content, info, image_id)
        digests = {name: sha256(picture) for name, picture in pictures.items()}
        if parsed is None or parsed[1] != digests:
            _LOG.warning("The answer to image %s was altered and is computed again.", image_id)
            shutil.rmtree(folder, ignore_errors=True)
            return None
        return parsed[0], pictures

    def forget_old(self) -> None:
        """Delete images that are older than a day, and the oldest of too many."""
        entries = sorted(self.folder.iterdir(), key=_changed, reverse=True)
        for place, entry in enumerate(entries):
            if place >= MOST_IMAGES or time.time() - _changed(entry) > STORED_FOR.total_seconds():
                if entry.is_dir():
                    shutil.rmtree(entry, ignore_errors=True)
                else:  # left by a lost connection
                    entry.unlink(missing_ok=True)

    def _folder(self, image_id: str) -> Path:
        if _ID.fullmatch(image_id) is None:
            raise InputError("", "There is no such image.")
        return self.folder / image_id

    def _share(self, image_id: str, *names: str) -> None:
        """Put files of an image on the shared storage.

        Raises:
            StorageError: The storage failed.
        """
        if self.storage is not None:
            for name in names:
                self.storage.upload(f"comparisons/{image_id}/{name}", self._folder(image_id) / name)

    def _fetch(self, image_id: str, *names: str) -> None:
        """Fetch files of an image from the shared storage, in this order."""
        folder = self._folder(image_id)
        if self.storage is None or (folder / names[-1]).is_file():
            return
        for name in names:
            path = folder / name
            partial = self.folder / f"{secrets.token_hex(8)}.part"
            try:
                self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
                if not self.storage.download(f"comparisons/{image_id}/{name}", partial):
                    return
                path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
                partial.replace(path)
            except OSError:
                _LOG.warning("An image could not be fetched.", exc_info=True)
                return
            finally:
                partial.unlink(missing_ok=True)


def _answer_files(info: ImageModelInfo) -> tuple[str, ...]:
    """Files of an answer; the last one marks it as complete."""
    name = _answer_name(info)
    return (*(f"{name}/{picture}.png" for picture in PICTURES), f"{name}/{_ANSWER}")


def _answer_name(info: ImageModelInfo) -> str:
    """Folder of a model's answer, so that another model never shows it."""
    return f"{info.task.name}-{info.digest[:16]}"


def _changed(path: Path) -> float:
    try:
        return path.stat().st_mtime
    except OSError:
        return 0.0
