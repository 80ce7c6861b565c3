"""Models and labels as files: JSON for what people read, npz for what computes, no pickle, whole or not at all.

One folder per model: `<twin>/<id>/record.json` and `arrays.npz`; `<twin>/labels.json` for what people have said of that
twin. Every file is written beside its place and moved there. Nothing here is asynchronous: it belongs in a thread.
"""

from __future__ import annotations

import hashlib
import io
import logging
import math
import os
import re
import shutil
import zipfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

import msgspec
import numpy as np

from analytics.models import Arrays, Label, ModelRecord

_log = logging.getLogger(__name__)
RECORD: Final = "record.json"
ARRAYS: Final = "arrays.npz"
LABELS: Final = "labels.json"
_UNREADABLE: Final = (OSError, ValueError, msgspec.MsgspecError, zipfile.BadZipFile, EOFError, KeyError)
_MOST_BYTES: Final = 1 << 30
"""Of the arrays of one model, unpacked: more is not ours."""


class ModelStoreError(OSError):
    """A model that cannot be read or written: which file, and why."""


class ModelStore:
    """The models and labels below a folder, which is made when something is first kept."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def load(self) -> tuple[list[ModelRecord], list[str]]:
        """The records of all models, and what is wrong with those that are left out; their files stay."""
        records, problems = [], []
        for file in sorted(self.folder.glob(f"*/*/{RECORD}")):
            if file.parent.name.startswith("."):
                continue  # what a crash in the middle of `save` left
            try:
                record = _record(file)
                _check_size(file.with_name(ARRAYS))
            except _UNREADABLE as error:
                problems.append(f"{file.parent}: this model is left out: {error}")
                continue
            records.append(record)
        return records, problems

    def load_labels(self) -> tuple[dict[str, list[Label]], list[str]]:
        """Labels by the path of their twin, and what is wrong with files that are left out."""
        found: dict[str, list[Label]] = {}
        problems = []
        for file in sorted(self.folder.glob(f"*/{LABELS}")):
            try:
                twin, labels = msgspec.json.decode(file.read_bytes(), type=tuple[str, list[Label]])
            except _UNREADABLE as error:
                problems.append(f"{file}: these labels are left out: {error}")
                continue
            found[twin] = labels
        return found, problems

    def save(self, record: ModelRecord, arrays: Arrays) -> None:
        """Keep a model; one of the same twin and id is replaced. Raises ModelStoreError."""
        folder = self._of(record)
        fresh = folder.with_name(f".{folder.name}.new")
        try:
            shutil.rmtree(fresh, ignore_errors=True)
            fresh.mkdir(parents=True)
            _write(fresh / ARRAYS, packed(arrays))
            _write(fresh / RECORD, encoded(record))
            shutil.rmtree(folder, ignore_errors=True)
            fresh.rename(folder)
            _sync(folder.parent)
        except OSError as error:
            raise ModelStoreError(f"{folder}: cannot be written: {error.strerror or error}") from error

    def update(self, record: ModelRecord) -> None:
        """Keep a changed record. Raises ModelStoreError."""
        replace_file(self._of(record) / RECORD, encoded(record))

    def save_labels(self, twin: str, labels: Sequence[Label]) -> None:
        """Keep the labels of a twin, all of them. Raises ModelStoreError."""
        replace_file(self.folder / _folder_name(twin) / LABELS, msgspec.json.encode((twin, labels)))

    def arrays(self, record: ModelRecord) -> Arrays:
        """What a model computes with. Raises ModelStoreError."""
        file = self._of(record) / ARRAYS
        try:
            _check_size(file)
            with np.load(file, allow_pickle=False) as archive:
                return {name: archive[name] for name in archive.files}
        except _UNREADABLE as error:
            raise ModelStoreError(f"{file}: cannot be read: {error}") from error

    def remove(self, record: ModelRecord) -> None:
        """Forget a model and its files."""
        shutil.rmtree(self._of(record), ignore_errors=True)

    def _of(self, record: ModelRecord) -> Path:
        return self.folder / _folder_name(record.twin) / record.id


def replace_file(file: Path, content: bytes) -> None:
    """Write a file, whole or not at all. Raises ModelStoreError."""
    fresh = file.with_name(f".{file.name}.new")
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        _write(fresh, content)
        fresh.replace(file)
        _sync(file.parent)
    except OSError as error:
        raise ModelStoreError(f"{file}: cannot be written: {error.strerror or error}") from error


def encoded(record: ModelRecord) -> bytes:
    """A record as JSON. What is not a number is left out: JSON has no NaN."""
    content: dict[str, Any] = msgspec.to_builtins(record)
    content["figures"] = {name: value for name, value in record.figures.items() if math.isfinite(value)}
    if not math.isfinite(record.drift):
        del content["drift"]
    return msgspec.json.format(msgspec.json.encode(content), indent=1)


def packed(arrays: Arrays) -> bytes:
    """Arrays as an npz file. Raises ValueError for arrays of objects: they would need pickle."""
    content = io.BytesIO()
    plain = {name: np.asarray(array) for name, array in arrays.items()}
    wrong = [name for name, array in plain.items() if array.dtype.hasobject]
    if wrong:
        raise ValueError(f"{wrong[0]} is an array of objects; a model has arrays of numbers and fixed-width text only")
    np.savez_compressed(content, allow_pickle=False, **plain)
    return content.getvalue()


def archive(record: ModelRecord, arrays: Arrays) -> bytes:
    """A model as one ZIP file of its two files."""
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w", zipfile.ZIP_STORED) as bundle:
        bundle.writestr(RECORD, encoded(record))
        bundle.writestr(ARRAYS, packed(arrays))
    return content.getvalue()


def _record(file: Path) -> ModelRecord:
    record = msgspec.json.decode(file.read_bytes(), type=ModelRecord)
    if (file.parent.name, file.parent.parent.name) != (record.id, _folder_name(record.twin)):
        raise ValueError(f"it says it is {record.id} of {record.twin}, which belongs elsewhere")
    return record


def _check_size(file: Path) -> None:
    with zipfile.ZipFile(file) as content:
        size = sum(info.file_size for info in content.infolist())
    if size > _MOST_BYTES:
        raise ValueError(f"its arrays take {size >> 20} MB, more than {_MOST_BYTES >> 20}")


def _folder_name(twin: str) -> str:
    """Readable, and different for different twins on every file system."""
    readable = re.sub(r"[^\w.-]", "_", twin.replace("/", "."), flags=re.ASCII)[-80:]
    return f"{readable}-{hashlib.sha256(twin.encode()).hexdigest()[:8]}"


def _write(file: Path, content: bytes) -> None:
    with file.open("wb") as stream:
        stream.write(content)
        stream.flush()
        os.fsync(stream.fileno())


def _sync(folder: Path) -> None:
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
