"""Models on disk: they come back as they were, and what is broken is told and left out."""

from __future__ import annotations

import io
import pickle
import zipfile
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from analytics.model_store import ModelStore, ModelStoreError, archive
from analytics.models import Label, LabelKind, ModelRecord, ModelState

RECORD = ModelRecord(
    id="Anomaly-1",
    kind="Anomaly",
    twin="Cooling/Pumpe Süd/1:2",
    version=1,
    state=ModelState.candidate,
    created_ticks=134_000_000_000_000_000,
    training_start_ticks=133_999_000_000_000_000,
    training_end_ticks=134_000_000_000_000_000,
    signals=("Flow", "DriveEndBearing/Vibration"),
    context_signals=("Speed",),
    settings={"window_s": 15.0, "needed": 3, "robust": True, "name": "x", "none": None},
    figures={"FalseAlarmShare": 0.01, "Undefined": float("nan")},
    data_hash="ab" * 32,
    libraries={"numpy": "2.4.6"},
    windows=120,
)
ARRAYS = {"mean": np.arange(5.0), "names": np.array(["a", "bc"]), "count": np.array(3)}


def test_a_model_comes_back_as_it_was(tmp_path: Path) -> None:
    ModelStore(tmp_path).save(RECORD, ARRAYS)
    store = ModelStore(tmp_path)
    (found,), problems = store.load()
    assert problems == []
    assert np.isnan(found.drift)
    assert replace(found, drift=0.0) == replace(RECORD, drift=0.0, figures={"FalseAlarmShare": 0.01})
    arrays = store.arrays(found)
    assert {name: array.tolist() for name, array in arrays.items()} == {
        "mean": [0, 1, 2, 3, 4],
        "names": ["a", "bc"],
        "count": 3,
    }


def test_a_changed_record_replaces_the_one_before(tmp_path: Path) -> None:
    store = ModelStore(tmp_path)
    store.save(RECORD, ARRAYS)
    store.update(replace(RECORD, state=ModelState.active, drift=0.5))
    (found,), _ = store.load()
    assert (found.state, found.drift) == (ModelState.active, 0.5)
    store.remove(found)
    assert store.load() == ([], [])


@pytest.mark.parametrize(
    "spoil",
    [
        lambda folder: (folder / "record.json").write_text("{"),
        lambda folder: (folder / "record.json").write_text('{"id": "Anomaly-1"}'),
        lambda folder: (folder / "arrays.npz").unlink(),
        lambda folder: (folder / "arrays.npz").write_bytes(b"PK\x03\x04 no archive"),
        lambda folder: folder.rename(folder.with_name("Anomaly-2")),
    ],
    ids=["half a record", "too little", "no arrays", "broken arrays", "under a wrong name"],
)
def test_a_broken_model_is_told_and_left_out(tmp_path: Path, spoil: object) -> None:
    store = ModelStore(tmp_path)
    store.save(RECORD, ARRAYS)
    store.save(replace(RECORD, id="Anomaly-9", version=9), ARRAYS)
    spoil(next(tmp_path.glob("*/Anomaly-1")))  # type: ignore[operator]
    found, problems = store.load()
    assert [one.id for one in found] == ["Anomaly-9"]
    assert len(problems) == 1
    assert "is left out" in problems[0]


def test_a_pickle_in_place_of_arrays_is_never_run(tmp_path: Path) -> None:
    store = ModelStore(tmp_path)
    store.save(RECORD, ARRAYS)
    file = next(tmp_path.glob("*/*/arrays.npz"))
    evil = np.array([_Evil(tmp_path / "ran")], object)
    content = io.BytesIO()
    np.lib.format.write_array(content, evil, allow_pickle=True)
    with zipfile.ZipFile(file, "w") as bundle:
        bundle.writestr("mean.npy", content.getvalue())
    with pytest.raises(ModelStoreError, match="cannot be read"):
        store.arrays(RECORD)
    file.write_bytes(pickle.dumps(_Evil(tmp_path / "ran")))
    with pytest.raises(ModelStoreError, match="cannot be read"):
        store.arrays(RECORD)
    assert not (tmp_path / "ran").exists()


def test_arrays_that_need_pickle_are_not_kept(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="array of objects"):
        ModelStore(tmp_path).save(RECORD, {"bad": np.array([{}], object)})
    assert ModelStore(tmp_path).load() == ([], [])


def test_labels_come_back(tmp_path: Path) -> None:
    label = Label("L1", LabelKind.maintenance, 5, 7, "new bearing", "Anomaly-1@x", "anna", 9)
    ModelStore(tmp_path).save_labels("Cooling/Pump1", [label])
    assert ModelStore(tmp_path).load_labels() == ({"Cooling/Pump1": [label]}, [])


def test_an_exported_model_is_a_zip_that_numpy_reads(tmp_path: Path) -> None:
    with zipfile.ZipFile(io.BytesIO(archive(RECORD, ARRAYS))) as bundle:
        assert bundle.namelist() == ["record.json", "arrays.npz"]
        with np.load(io.BytesIO(bundle.read("arrays.npz")), allow_pickle=False) as arrays:
            assert arrays["mean"].tolist() == [0, 1, 2, 3, 4]


class _Evil:
    """Leaves a file behind when it is unpickled."""

    def __init__(self, file: Path) -> None:
        self._file = file

    def __reduce__(self) -> object:
        return Path.touch, (self._file,)
