"""Arrays on disk: what was saved comes back, and what is damaged is told and not used."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from structlog.testing import capture_logs

from sre_copilot.errors import StoreError
from sre_copilot.store.profiles import ArrayStore

ARRAYS = {
    "centre": np.arange(5000, dtype=np.float32).reshape(50, 100),
    "days": np.array([3, 4], np.int64),
    "none": np.empty((0, 3)),
}


def files(folder: Path) -> list[Path]:
    return sorted(folder.glob("*.arrays"))


def newest(folder: Path, store: ArrayStore) -> Path:
    number = store.open("profile").generation
    return next(
        path
        for path in files(folder)
        if f'"generation": {number}' in path.read_bytes()[:4000].decode(errors="ignore")
    )


def test_what_was_saved_comes_back(tmp_path: Path) -> None:
    store = ArrayStore(tmp_path / "state")
    store.save("profile", ARRAYS, {"step_seconds": 60, "note": "学习"})
    arrays, meta = store.load("profile")
    assert meta == {"step_seconds": 60, "note": "学习"}
    assert list(arrays) == list(ARRAYS)
    for name, array in ARRAYS.items():
        np.testing.assert_array_equal(arrays[name], array)
        assert arrays[name].dtype == array.dtype
        assert arrays[name].shape == array.shape


def test_arrays_are_mapped_and_what_is_written_to_them_reaches_no_file(tmp_path: Path) -> None:
    store = ArrayStore(tmp_path)
    store.save("profile", ARRAYS)
    centre = store.load("profile")[0]["centre"]
    assert isinstance(centre, np.memmap)
    before = centre[0, 0]
    centre[0, 0] = before + 1
    assert store.load("profile")[0]["centre"][0, 0] == before


def test_two_generations_are_kept_and_the_newest_is_read(tmp_path: Path) -> None:
    store = ArrayStore(tmp_path)
    for number in range(1, 5):
        assert store.save("profile", {"x": np.array([number])}) == number
    assert len(files(tmp_path)) == 2
    assert store.load("profile")[0]["x"][0] == 4


@pytest.mark.parametrize("damage", ["flip", "cut", "header", "empty"])
def test_a_torn_write_is_told_and_the_last_good_one_used(tmp_path: Path, damage: str) -> None:
    store = ArrayStore(tmp_path)
    store.save("profile", {"x": np.arange(4000)})
    store.save("profile", {"x": np.arange(4000) + 1})
    path = newest(tmp_path, store)
    content = bytearray(path.read_bytes())
    if damage == "flip":
        content[-2000] ^= 255
    if damage == "header":
        content[40] ^= 255
    path.write_bytes(
        b"" if damage == "empty" else bytes(content[: len(content) // 2] if damage == "cut" else content)
    )
    with capture_logs() as logs:
        arrays, _ = store.load("profile")
    assert arrays["x"][0] == 0
    assert logs[0]["event"] == "arrays_damaged"
    assert path.name in logs[0]["problem"]


def test_a_save_after_damage_replaces_the_damaged_generation(tmp_path: Path) -> None:
    store = ArrayStore(tmp_path)
    store.save("profile", {"x": np.array([1])})
    store.save("profile", {"x": np.array([2])})
    newest(tmp_path, store).write_bytes(b"broken")
    store.save("profile", {"x": np.array([3])})
    stored = store.open("profile")
    assert stored.arrays["x"][0] == 3
    assert stored.damaged == ()


def test_a_write_that_never_took_its_place_is_not_seen(tmp_path: Path) -> None:
    store = ArrayStore(tmp_path)
    store.save("profile", {"x": np.array([1])})
    (tmp_path / "profile.b.writing").write_bytes(b"half")
    assert store.load("profile")[0]["x"][0] == 1


def test_without_a_good_generation_it_says_so(tmp_path: Path) -> None:
    store = ArrayStore(tmp_path)
    with pytest.raises(StoreError, match="holds no arrays"):
        store.load("profile")
    store.save("profile", {"x": np.array([1])})
    files(tmp_path)[0].write_bytes(b"broken")
    with pytest.raises(StoreError, match="no good generation"):
        store.load("profile")


def test_a_name_cannot_leave_the_folder(tmp_path: Path) -> None:
    for name in ("../x", "", ".x", "a/b"):
        with pytest.raises(StoreError, match="name"):
            ArrayStore(tmp_path).save(name, {})


def test_objects_are_refused(tmp_path: Path) -> None:
    with pytest.raises(StoreError, match="objects"):
        ArrayStore(tmp_path).save("profile", {"x": np.array([{}], dtype=object)})


def test_what_is_mapped_outlives_the_next_generations(tmp_path: Path) -> None:
    store = ArrayStore(tmp_path)
    store.save("profile", {"x": np.full(3000, 1)})
    held = store.load("profile")[0]["x"]
    for number in range(2, 6):
        store.save("profile", {"x": np.full(3000, number)})
    assert (held == 1).all()
