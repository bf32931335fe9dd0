"""Sources in an object store: what is found, by what a refresh is known, and a store that gives nothing."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

import polars as pl
import pytest
from upath import UPath

from klaviyo_assets.errors import SourceMissing, SourceUnreadable
from klaviyo_assets.exports import CustomerInsightsSource, DeltaSource, FileSource
from klaviyo_assets.segments import SegmentReader, open_source
from klaviyo_assets_tests.segments.written import csv_bytes, entity, ndjson_bytes, partition, write_model

FIRST = pl.DataFrame({"Id": ["a", "b"], "EMail": ["ada@example.com", None]})
SECOND = pl.DataFrame({"Id": ["a", "c"], "EMail": ["ada@example.com", "new@example.com"]})


@dataclass(frozen=True)
class Kind:
    """A kind of source in a bucket: how it is declared, and how a refresh writes it."""

    declare: Callable[[str], FileSource | DeltaSource | CustomerInsightsSource]
    refresh: Callable[[UPath, pl.DataFrame], object]

    def open(self, bucket: str) -> SegmentReader:
        """The reader, for a source in that bucket."""
        return open_source(self.declare(bucket), root=Path("/nowhere"))


def _url(bucket: UPath) -> str:
    return str(bucket).rstrip("/")


def _put(path: UPath, data: bytes) -> None:
    path.fs.pipe_file(path.path, data)


def _texts(people: pl.DataFrame) -> list[list[str | None]]:
    return [list(row) for row in people.rows()]


def _put_parquet(bucket: UPath, people: pl.DataFrame) -> None:
    people.head(1).write_parquet(f"{_url(bucket)}/vip/1.parquet")
    people.tail(-1).write_parquet(f"{_url(bucket)}/vip/2.parquet")


def _put_csv(bucket: UPath, people: pl.DataFrame) -> None:
    _put(bucket / "vip/people.csv", csv_bytes(people.columns, _texts(people)))


def _put_ndjson(bucket: UPath, people: pl.DataFrame) -> None:
    _put(bucket / "vip/a=b/people.ndjson", ndjson_bytes(people.to_dicts()))


def _put_delta(bucket: UPath, people: pl.DataFrame) -> None:
    people.write_delta(f"{_url(bucket)}/vip", mode="overwrite")


def _put_entity(bucket: UPath, people: pl.DataFrame, folder: Path) -> None:
    stamp = f"2026/01/0{people['Id'].len() + (people['Id'][1] == 'c')}/0605"
    _put(bucket / f"vip/Vip/{stamp}/Vip_1.csv", csv_bytes(None, _texts(people), quote_all=True))
    attributes = {"Id": "string", "EMail": "string"}
    location = f"https://contoso.blob.core.windows.net/exports/Feed/Vip/{stamp}/Vip_1.csv"
    model = write_model(folder, entity(attributes, [partition(location)]))
    _put(bucket / "vip/model.json", (model / "model.json").read_bytes())


def _files(type_: str, path: str) -> Callable[[str], FileSource]:
    return lambda bucket: FileSource.model_validate({"type": type_, "path": f"{bucket}/{path}"})


KINDS: Mapping[str, Kind] = {
    "parquet folder": Kind(_files("parquet", "vip"), _put_parquet),
    "parquet glob": Kind(_files("parquet", "vip/*.parquet"), _put_parquet),
    "csv": Kind(_files("csv", "vip/people.csv"), _put_csv),
    "csv folder": Kind(_files("csv", "vip/"), _put_csv),
    "ndjson glob": Kind(_files("ndjson", "**/*.ndjson"), _put_ndjson),
    "delta": Kind(lambda bucket: DeltaSource(type="delta", path=f"{bucket}/vip"), _put_delta),
}


@pytest.fixture(params=[*KINDS, "customer insights"])
def kind(request: pytest.FixtureRequest, tmp_path: Path) -> Kind:
    """Each kind in turn."""
    return KINDS.get(request.param) or Kind(
        lambda bucket: CustomerInsightsSource(type="customer_insights", path=f"{bucket}/vip", entity="Vip"),
        lambda bucket, people: _put_entity(bucket, people, tmp_path),
    )


def test_refresh_is_seen(kind: Kind, s3: UPath) -> None:
    """Rows come out of a store as out of a folder; a refresh, and nothing else, changes the mark in one process."""
    kind.refresh(s3, FIRST)
    reader = kind.open(_url(s3))
    mark = reader.read_refresh_mark()

    assert reader.read_customers().collect().rows() == FIRST.rows()
    assert reader.read_refresh_mark() == mark

    kind.refresh(s3, SECOND)

    assert reader.read_refresh_mark() != mark
    assert reader.read_customers().collect().rows() == SECOND.rows()


def test_same_size_is_seen(s3: UPath) -> None:
    """A file that is written anew with as many bytes has another ETag, and so another mark."""
    reader = KINDS["csv"].open(_url(s3))
    _put(s3 / "vip/people.csv", b"Id\na\n")
    mark = reader.read_refresh_mark()

    _put(s3 / "vip/people.csv", b"Id\nb\n")

    assert reader.read_refresh_mark() != mark


def test_nothing_there(kind: Kind, s3: UPath) -> None:
    """An empty bucket, and one that is not there, are told as missing."""
    for bucket in (_url(s3), f"{_url(s3)}-of-nobody"):
        for method in (kind.open(bucket).read_customers, kind.open(bucket).read_refresh_mark):
            with pytest.raises(SourceMissing, match=f"Nothing is found at {bucket}/.*, expected"):
                method()


def test_store_gives_nothing(kind: Kind, s3_in_vain: str) -> None:
    """A store that refuses, or does not answer, is never taken for an empty one, and shows no key."""
    reader = kind.open(s3_in_vain)

    for method in (reader.read_customers, reader.read_refresh_mark):
        with pytest.raises(SourceUnreadable, match=r"cannot be read: .*credentials") as failure:
            method()
        assert "s3cr3t" not in str(failure.value)
        assert "AKIATEST" not in str(failure.value)
        assert failure.value.__cause__ is None
