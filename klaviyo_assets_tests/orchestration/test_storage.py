"""Where frames are stored, and that a file there is always a whole one."""

from __future__ import annotations

import stat
from pathlib import Path
from typing import Any

import dagster as dg
import polars as pl
import pytest
from upath import UPath

from klaviyo_assets.errors import SegmentError
from klaviyo_assets.orchestration.storage import FrameIOManager, frames_resource, replace_file, scan_file, storage_root
from klaviyo_assets_tests.orchestration.projects import Project, export, failure_of

PROFILES = ("klaviyo/vip/profiles", "klaviyo/vip/rejections")
FRAME = pl.DataFrame({"a": [1, 2, 3]})


def failing() -> pl.LazyFrame:
    """A frame that ends in an error after some rows."""

    def fail(frame: pl.DataFrame) -> pl.DataFrame:
        raise pl.exceptions.ComputeError("secret@example.com is no number")

    return pl.concat([FRAME.lazy(), FRAME.lazy().map_batches(fail, schema=FRAME.schema)])


def test_default_root(tmp_path: Path) -> None:
    """Storage lies in the project's root by default, in a folder that only its owner may read."""
    root = storage_root(tmp_path)
    assert Path(root.path) == tmp_path / "storage"
    assert stat.S_IMODE((tmp_path / "storage").stat().st_mode) == 0o700


@pytest.mark.parametrize(
    ("declared", "expected"),
    [
        ("elsewhere", "{root}/elsewhere"),
        ("{root}/absolute", "{root}/absolute"),
        ("memory://bucket/x", "memory://bucket/x"),
    ],
    ids=["relative", "absolute", "url"],
)
def test_declared_root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, declared: str, expected: str) -> None:
    """KLAVIYO_ASSETS_STORAGE names a folder, relative to the project's root, or a URL."""
    monkeypatch.setenv("KLAVIYO_ASSETS_STORAGE", declared.format(root=tmp_path))
    assert str(storage_root(tmp_path)) == expected.format(root=tmp_path)


def test_one_io_manager_a_root(tmp_path: Path) -> None:
    """Declarations of one project bring the same object, so that Dagster can merge them."""
    definitions = [dg.Definitions(resources=frames_resource(tmp_path)) for _ in range(2)]
    assert dg.Definitions.merge(*definitions).resources == frames_resource(tmp_path)


def test_replace_and_scan(tmp_path: Path) -> None:
    """A frame is read as it was written, and leaves nothing else in its folder."""
    path = UPath(tmp_path / "frame.parquet")
    replace_file(FRAME.lazy(), path)
    replace_file(FRAME.lazy().filter(pl.col("a") > 1), path)
    assert scan_file(path).collect()["a"].to_list() == [2, 3]
    assert [found.name for found in tmp_path.iterdir()] == ["frame.parquet"]


def test_failed_write_keeps_the_last_file(tmp_path: Path) -> None:
    """Where a frame cannot be computed, the last good file stays, and no half of a new one."""
    path = UPath(tmp_path / "frame.parquet")
    replace_file(FRAME.lazy(), path)
    with pytest.raises(pl.exceptions.ComputeError):
        replace_file(failing(), path)
    assert scan_file(path).collect().equals(FRAME)
    assert [found.name for found in tmp_path.iterdir()] == ["frame.parquet"]


def test_failed_write_quotes_nothing(tmp_path: Path) -> None:
    """The IO manager tells which asset could not be written, in words that quote no row."""
    context = dg.build_output_context(asset_key=["segments", "vip"])
    with pytest.raises(SegmentError, match="What segments/vip is made of cannot be read") as told:
        FrameIOManager(UPath(tmp_path)).handle_output(context, failing())
    assert "secret" not in str(told.value)
    assert told.value.__suppress_context__


@pytest.mark.parametrize("root", ["{folder}", "memory://bucket"])
def test_scan_keeps_to_its_file(tmp_path: Path, root: str) -> None:
    """A scan shows the frame that was there when it was made, also after another has taken its place."""
    path = UPath(root.format(folder=tmp_path)) / "kept.parquet"
    replace_file(FRAME.lazy(), path)
    scan = scan_file(path)
    replace_file(FRAME.lazy().head(0), path)
    assert scan.select(pl.len()).collect().item() == 3
    assert scan.collect().equals(FRAME)
    assert scan_file(path).collect().is_empty()


def test_object_store(tmp_path: Path) -> None:
    """In an object store a frame appears whole, in one put; where it cannot be computed, nothing changes."""
    path = UPath("memory://bucket/frame.parquet")
    replace_file(FRAME.lazy(), path)
    with pytest.raises(pl.exceptions.ComputeError):
        replace_file(failing(), path)
    assert pl.read_parquet(path.read_bytes()).equals(FRAME)


def test_not_materialized_yet(project: Project) -> None:
    """Mapping a segment that was never read fails with one sentence that says so."""
    result = project.materialize(*PROFILES)
    assert "Asset segments/vip is not stored" in failure_of(result)
    assert "materialize it first" in failure_of(result)


def test_failed_refresh_keeps_the_segment(project: Project) -> None:
    """A source that breaks in the midst of a refresh fails the run, without a value of it, and the segment stays."""
    project.refresh()
    (project.root / "vip.parquet").write_bytes(
        (project.root / "vip.parquet").read_bytes()[:-200] + b"secret@example.com"
    )
    result = project.materialize("segments/vip")
    assert not result.success
    assert "secret@example.com" not in failure_of(result)
    assert project.read("segments/vip").height == 3


def test_rows_that_cannot_be_computed(project: Project) -> None:
    """Where rows cannot be computed the run fails without quoting one of them, and the last good file stays."""
    computed = pl.col("EMail").str.replace("ada.*", "1").cast(pl.Int64)

    frames = iter([pl.LazyFrame({"EMail": [f"{name}@example.com"]}) for name in ("ada", "secret")])

    @dg.asset(key=["theirs", "people"])
    def people() -> pl.LazyFrame:
        return next(frames).with_columns(number=computed)

    project.others = [dg.Definitions([people])]
    project.exports = [export(segments=["theirs/people"], fields={"properties": "*"})]
    assert project.materialize("theirs/people", *PROFILES).success
    result = project.materialize("theirs/people", *PROFILES)
    (event,) = result.get_step_failure_events()
    assert "What klaviyo/vip/profiles is made of cannot be read" in failure_of(result)
    assert "secret@example.com" not in str(event)
    assert project.read("klaviyo/vip/profiles")["email"].to_list() == ["ada@example.com"]


@pytest.mark.parametrize("wanted", [pl.DataFrame, pl.LazyFrame])
def test_another_asset_reads_a_segment(project: Project, wanted: type[pl.DataFrame | pl.LazyFrame]) -> None:
    """An asset of somebody else's reads a segment as the kind of frame that it asks for."""

    @dg.asset(ins={"people": dg.AssetIn(["segments", "vip"], dagster_type=wanted)})
    def reader(people: Any) -> None:
        assert type(people) is wanted
        assert people.lazy().collect().height == 3

    project.others = [dg.Definitions([reader])]
    project.refresh()
    assert project.materialize("reader").success
