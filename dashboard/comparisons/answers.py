"""Images that were sent, and the answers to them, as files.

A worker reads an image and stores its answer; the web process never decodes a file that somebody
sends. Images and answers are kept for a day, in a folder that its owner only may read, so that an
answer is still shown after a reload.
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
from http import HTTPStatus
from pathlib import Path
from typing import IO, TYPE_CHECKING

from dashboard.comparisons.records import ImageRecord, parse_answer
from dashboard.workspace.received import UploadRefused, safe_relative_name
from dashboard.workspace.services import Services
from pipeline import InputError, SharedStorage, StorageError
from pipeline.image_tasks.facade import ImageModelInfo

if TYPE_CHECKING:  # what answers images loads the readers
    from pipeline.image_tasks.facade import ImageAnswer

_LOG = logging.getLogger(__name__)
MAX_BYTES = 32 << 20
_CHUNK = 1 << 20
_ID = re.compile(r"[0-9a-f]{32}")
KEPT_S, _KEPT_IMAGES = 24 * 3600, 200
_GONE = "The image is no longer on the server. Choose it again."
_NOT_STORED = "The answer could not be stored on the server. Choose the image again."
PICTURES = ("image", "heat")


@dataclass(frozen=True, eq=False)
class ImageAnswers:
    """Images that were sent, and their answers.

    Attributes:
        folder: Where they are kept.
        storage: Where all machines keep them, or None where the folder is all there is.
    """

    folder: Path
    storage: SharedStorage | None = None

    @classmethod
    def of(cls, services: Services) -> ImageAnswers:
        """Those of a server's workspace."""
        return cls(services.settings.home / "comparisons", services.storage)

    def receive(self, name: str, stream: IO[bytes], *, length: int | None) -> str:
        """Keep an image; the same image again is the same id.

        Args:
            name: The file's name, as the browser sends it; untrusted.
            stream: Its bytes.
            length: How many there should be, where that is known.

        Returns:
            The image's id.

        Raises:
            UploadRefused: It is empty or too large, or arrived cut short.
        """
        shown = safe_relative_name(name).name[:80]
        self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        self.forget_old()
        draft = self.folder / f"{secrets.token_hex(8)}.part"
        digest, size = hashlib.sha256(), 0
        try:
            with draft.open("xb") as output:
                while chunk := stream.read(_CHUNK):
                    size += len(chunk)
                    if size > MAX_BYTES:
                        raise _refused(f"{shown} is larger than {MAX_BYTES >> 20} MB.")
                    digest.update(chunk)
                    output.write(chunk)
            if not size or (length is not None and size != length):
                raise UploadRefused(HTTPStatus.BAD_REQUEST, f"{shown} arrived empty or cut short.")
            place = self.folder / digest.hexdigest()[:32]
            place.mkdir(mode=0o700, exist_ok=True)
            draft.replace(place / "upload")
            (place / "name.txt").write_text(shown, "utf-8")
            self._share(place.name, "upload", "name.txt")
        except OSError as error:
            sentence = f"{shown} could not be stored: the server's disk refused it."
            raise UploadRefused(HTTPStatus.INSUFFICIENT_STORAGE, sentence) from error
        finally:
            draft.unlink(missing_ok=True)
        return place.name

    def read(self, image_id: str) -> tuple[bytes, str]:
        """The bytes of an image, undecoded, and its name.

        Raises:
            InputError: The image is gone.
        """
        folder = self._folder(image_id)
        self._fetch(image_id, "upload", "name.txt")
        try:
            return (folder / "upload").read_bytes(), (folder / "name.txt").read_text("utf-8")
        except OSError:
            raise InputError("", _GONE) from None

    def store(self, image_id: str, info: ImageModelInfo, answer: ImageAnswer) -> None:
        """Keep the pictures as files and the rest as JSON, all of it or nothing.

        Raises:
            InputError: The image is gone, or the disk or the shared storage refuses.
        """
        folder = self._folder(image_id)
        draft = folder / f"{secrets.token_hex(8)}.part"
        try:
            draft.mkdir(mode=0o700)
            (draft / "image.png").write_bytes(answer.image_png)
            (draft / "heat.png").write_bytes(answer.heat_png)
            kept = {k: v for k, v in answer.to_json().items() if not k.endswith("_png")}
            (draft / "answer.json").write_text(json.dumps(kept, allow_nan=False), "utf-8")
            shutil.rmtree(folder / _answer_name(info), ignore_errors=True)
            draft.rename(folder / _answer_name(info))
            self._share(image_id, *_answer_files(info))
        except (OSError, StorageError):
            _LOG.exception("An answer could not be stored.")
            raise InputError("", _NOT_STORED) from None
        finally:
            shutil.rmtree(draft, ignore_errors=True)

    def find(self, info: ImageModelInfo, image_id: str) -> ImageRecord | None:
        """The answer of this model to an image, where it is there."""
        folder = self._folder(image_id) / _answer_name(info)
        self._fetch(image_id, *_answer_files(info))
        try:
            content = (folder / "answer.json").read_bytes()
        except OSError:
            return None
        return parse_answer(content, info, image_id)

    def picture(self, info: ImageModelInfo, image_id: str, name: str) -> Path | None:
        """File of a picture of an answer: ``image`` or ``heat``; None where it is missing."""
        if name not in PICTURES:
            return None
        path = self._folder(image_id) / _answer_name(info) / f"{name}.png"
        self._fetch(image_id, *_answer_files(info))
        return path if path.is_file() else None

    def forget_old(self) -> None:
        """Delete what is older than a day, and the oldest where there are too many."""
        entries = sorted(self.folder.iterdir(), key=_changed, reverse=True)
        for place, entry in enumerate(entries):
            if place >= _KEPT_IMAGES or time.time() - _changed(entry) > KEPT_S:
                if entry.is_dir():
                    shutil.rmtree(entry, ignore_errors=True)
                else:  # a draft that a lost connection left
                    entry.unlink(missing_ok=True)

    def _folder(self, image_id: str) -> Path:
        if _ID.fullmatch(image_id) is None:
            raise InputError("", "There is no such image.")
        return self.folder / image_id

    def _share(self, image_id: str, *names: str) -> None:
        """Put files of an image where all machines find them.

        Raises:
            StorageError: The storage does not answer or refuses.
        """
        if self.storage is not None:
            for name in names:
                self.storage.upload(f"comparisons/{image_id}/{name}", self._folder(image_id) / name)

    def _fetch(self, image_id: str, *names: str) -> None:
        """Get files of an image that another machine put there, the last of them last."""
        folder = self._folder(image_id)
        if self.storage is None or (folder / names[-1]).is_file():
            return
        for name in names:
            path = folder / name
            draft = self.folder / f"{secrets.token_hex(8)}.part"
            try:
                self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
                if not self.storage.download(f"comparisons/{image_id}/{name}", draft):
                    return
                path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
                draft.replace(path)
            except OSError:
                _LOG.warning("An image could not be fetched.", exc_info=True)
                return
            finally:
                draft.unlink(missing_ok=True)


def _answer_files(info: ImageModelInfo) -> tuple[str, ...]:
    """Files of an answer; the one that makes it one comes last."""
    name = _answer_name(info)
    return (*(f"{name}/{picture}.png" for picture in PICTURES), f"{name}/answer.json")


def _answer_name(info: ImageModelInfo) -> str:
    """Folder of a model's answer: another model never shows this one's."""
    return f"{info.task.name}-{info.digest[:16]}"


def _changed(path: Path) -> float:
    try:
        return path.stat().st_mtime
    except OSError:
        return 0.0


def _refused(sentence: str) -> UploadRefused:
    return UploadRefused(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, sentence)
