"""The folder of a Customer Insights export: what is read leniently, and what is not."""

from __future__ import annotations

import gzip
import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest

from klaviyo_assets.errors import SourceMissing, SourceUnreadable
from klaviyo_assets.exports import CustomerInsightsSource
from klaviyo_assets.segments import CustomerInsightsReader, reading
from klaviyo_assets_tests.segments.written import BLOB, csv_bytes, entity, partition, write, write_model

ATTRIBUTES = {"Id": "string", "EMail": "string"}
ROWS: list[list[str | None]] = [["c1", "ada@example.com"], ["c2", None]]
READ = [("c1", "ada@example.com"), ("c2", None)]
FILE = "Vip/2026/01/02/0605/Vip_1.csv"
LOCATION = f"{BLOB}/{FILE}"


def _open(folder: Path, name: str = "Vip") -> CustomerInsightsReader:
    source = CustomerInsightsSource(type="customer_insights", path=str(folder), entity=name)
    return CustomerInsightsReader(source, folder)


def _rows(folder: Path) -> list[tuple[Any, ...]]:
    return _open(folder).read_customers().collect().rows()


def _with_settings(name: str, data: bytes, **settings: Any) -> Callable[[Path], object]:
    def build(folder: Path) -> None:
        write(folder / name, data)
        write_model(folder, entity(ATTRIBUTES, [partition(f"{BLOB}/{name}", **settings)]))

    return build


def _with_location(location: str, file: str = FILE) -> Callable[[Path], object]:
    def build(folder: Path) -> None:
        write(folder / file, csv_bytes(None, ROWS))
        write_model(folder, entity(ATTRIBUTES, [partition(location)]))

    return build


def _with_model(change: Callable[[dict[str, Any]], object], *, encoding: str = "utf-8") -> Callable[[Path], object]:
    def build(folder: Path) -> None:
        write(folder / FILE, csv_bytes(None, ROWS))
        write_model(folder, entity(ATTRIBUTES, [partition(LOCATION)]))
        model = json.loads((folder / "model.json").read_bytes())
        change(model)
        (folder / "model.json").write_bytes(json.dumps(model).encode(encoding))

    return build


def _rename_entities(model: dict[str, Any]) -> None:
    model["tables"] = model.pop("entities")


def _write_older_refresh(folder: Path) -> None:
    write(folder / "Vip/2025/12/31/2359/Vip_1.csv", csv_bytes(None, [["old", None]]))


def _write_without_partitions(folder: Path) -> None:
    _write_older_refresh(folder)
    write(folder / "Vip/2026/01/02/0605/Other_2.csv", csv_bytes(None, ROWS[:1]))
    write(folder / "Vip/2026/01/02/0605/Other_10.csv.gz", csv_bytes(None, ROWS[1:]))
    write_model(folder, entity(ATTRIBUTES, []))


def _write_without_date(folder: Path) -> None:
    write(folder / "Vip/Vip_1.csv", csv_bytes(None, ROWS))
    write_model(folder, {**entity(ATTRIBUTES, []), "partitions": None})


def _write_parts_and_schema(folder: Path) -> None:
    _write_older_refresh(folder)
    write(folder / FILE, csv_bytes(None, ROWS[:1]))
    write(folder / "Vip/2026/01/02/0605/Vip_2.csv", csv_bytes(list(ATTRIBUTES), ROWS[1:]))
    locations = [LOCATION, None, LOCATION.replace("Vip_1", "Vip_2")]
    write_model(folder, entity(ATTRIBUTES, [partition(location) for location in locations]))


NAMES = list(ATTRIBUTES)
LENIENT: Mapping[str, Callable[[Path], object]] = {
    "no header": _with_settings(FILE, csv_bytes(None, ROWS)),
    "header": _with_settings(FILE, csv_bytes(NAMES, ROWS), columnHeaders=True),
    "header that is not declared": _with_settings(FILE, csv_bytes(NAMES, ROWS), columnHeaders=False),
    "header in other letters": _with_settings(FILE, csv_bytes(["ID", " email"], ROWS), columnHeaders=True),
    "header in another order": _with_settings(
        FILE, csv_bytes(["EMail", "Id"], [row[::-1] for row in ROWS]), columnHeaders=True
    ),
    "all quoted": _with_settings(FILE, csv_bytes(None, ROWS, quote_all=True), csvStyle="CsvStyle.QuoteAlways"),
    "byte order mark": _with_settings(FILE, b"\xef\xbb\xbf" + csv_bytes(None, ROWS)),
    "byte order mark and header": _with_settings(FILE, b"\xef\xbb\xbf" + csv_bytes(NAMES, ROWS, quote_all=True)),
    "blank lines": _with_settings(FILE, b"\r\n" + csv_bytes(None, ROWS) + b"\r\n\r\n"),
    "tab": _with_settings(FILE, csv_bytes(None, ROWS, separator="\t"), delimiter="\t"),
    "tab in words": _with_settings(FILE, csv_bytes(None, ROWS, separator="\t"), delimiter="\\t"),
    "settings of null": _with_settings(FILE, csv_bytes(None, ROWS), delimiter=None, encoding=None, columnHeaders=None),
    "UTF-16": _with_settings(FILE, csv_bytes(None, ROWS).decode().encode("utf-16"), encoding="UTF-16"),
    "gzip": _with_settings(f"{FILE}.gz", csv_bytes(None, ROWS)),
    "gzip in another encoding": _with_settings(f"{FILE}.gz", csv_bytes(None, ROWS), encoding="iso-8859-1"),
    "location: percent-encoded": _with_location(f"{BLOB}/My%20Vips/V%C4%ABp_1.csv", "My Vips/Vīp_1.csv"),
    "location: snapshot": _with_location(f"{LOCATION}?snapshot=2026-01-02T06:05:40.7526830Z"),
    "location: dfs": _with_location(f"abfss://exports@contoso.dfs.core.windows.net/CustomerInsights_1/Feed/{FILE}"),
    "location: relative": _with_location(FILE),
    "location: file beside model.json": _with_location(LOCATION, "Vip_1.csv"),
    "model: tables": _with_model(_rename_entities),
    "model: no $type": _with_model(lambda model: model["entities"][0].pop("$type")),
    "model: no version": _with_model(lambda model: model.pop("version")),
    "model: byte order mark": _with_model(lambda model: None, encoding="utf-8-sig"),
    "model: extensions": _with_model(
        lambda model: model["entities"][0].update({"pbi:x": {"y": 1}, "annotations": None})
    ),
    "no partitions": _write_without_partitions,
    "no partitions, no date": _write_without_date,
    "several partitions, one of them a schema": _write_parts_and_schema,
}


@pytest.mark.parametrize("build", LENIENT.values(), ids=LENIENT.keys())
def test_lenient(build: Callable[[Path], object], tmp_path: Path) -> None:
    """However the export is written, the same rows come out."""
    build(tmp_path)

    assert _rows(tmp_path) == READ


def test_model_json_itself(tmp_path: Path) -> None:
    """Who declares the path of model.json instead of its folder is understood."""
    LENIENT["no header"](tmp_path)
    source = CustomerInsightsSource(type="customer_insights", path="model.json", entity="Vip")

    assert CustomerInsightsReader(source, tmp_path).read_customers().collect().rows() == READ


def test_longest_part_of_the_location(tmp_path: Path) -> None:
    """Where a location could mean several files, the one with most of its path is read."""
    _with_location(LOCATION)(tmp_path)
    write(tmp_path / "Vip_1.csv", csv_bytes(None, [["other", None]]))

    assert _rows(tmp_path) == READ


def test_never_above_the_folder(tmp_path: Path) -> None:
    """A location leads to no file outside the export's folder."""
    write(tmp_path / "other.csv", csv_bytes(None, ROWS))
    write_model(tmp_path / "feed", entity(ATTRIBUTES, [partition(f"{BLOB}/../other.csv")]))

    with pytest.raises(SourceMissing):
        _rows(tmp_path / "feed")


def test_names_like_patterns(tmp_path: Path) -> None:
    """An attribute's name is never taken for a pattern."""
    write(tmp_path / FILE, csv_bytes(None, [["x", "1"]]))
    write_model(tmp_path, entity({"^.*$": "string", "Points": "int64"}, [partition(LOCATION)]))

    assert _open(tmp_path).read_customers().collect().to_dict(as_series=False) == {"^.*$": ["x"], "Points": [1]}


def test_unquoted_style(tmp_path: Path) -> None:
    """Where quotes are declared to be characters like others, they are."""
    _with_settings(FILE, b'c1,"ada"\nc2,5" x\n', quoteStyle="QuoteStyle.None")(tmp_path)

    assert _rows(tmp_path) == [("c1", '"ada"'), ("c2", '5" x')]


def test_iso_8859_1(tmp_path: Path) -> None:
    """A partition in another encoding is read with its letters, more than once."""
    _with_settings(FILE, "c1,Zoë\n".encode("iso-8859-1"), encoding="iso-8859-1")(tmp_path)
    customers = _open(tmp_path).read_customers()

    assert customers.collect().rows() == [("c1", "Zoë")]
    assert customers.select("EMail").collect().rows() == [("Zoë",)]


def _with_bytes(data: bytes) -> Callable[[Path], object]:
    return lambda folder: write(folder / "model.json", data)


BAD: Mapping[str, tuple[str, Callable[[Path], object]]] = {
    "model: cut": (r"model.json is not a model.json: it is not JSON", _with_bytes(b'{"entities": [')),
    "model: empty": ("it is not JSON, or is being written", _with_bytes(b"")),
    "model: not UTF": ("it is not JSON, or is being written", _with_bytes(b'{"\xff')),
    "model: a list": ("not a model.json: at its top", _with_bytes(b"[]")),
    "model: no entities": ("not a model.json: at entities: Field required", _with_bytes(b"{}")),
    "model: nameless attribute": (
        "at entities.0.attributes.0.name",
        _with_model(lambda model: model["entities"][0]["attributes"][0].pop("name")),
    ),
    "model: long delimiter": (
        "at entities.0.partitions.0.fileFormatSettings.delimiter: .*one character",
        _with_settings(FILE, b"", delimiter=", "),
    ),
    "unknown entity": (
        "has no entity 'Vip', expected one of: Other; correct",
        lambda folder: write_model(folder, entity(ATTRIBUTES, [], name="Other")),
    ),
    "reference entity": (
        "describes entity 'Vip' without attributes",
        lambda folder: write_model(folder, {"$type": "ReferenceEntity", "name": "Vip", "source": "x", "modelId": "y"}),
    ),
    "attribute twice": (
        "several of one name",
        _with_model(lambda model: model["entities"][0]["attributes"].append({"name": "Id", "dataType": "string"})),
    ),
    "row too short": (
        "Vip_1.csv, row ending in line 3: found 1 values, expected 2",
        _with_settings(FILE, csv_bytes(None, [*ROWS, ["secret"]])),
    ),
    "row too long": (
        "Vip_1.csv, row ending in line 1: found 3 values, expected 2",
        _with_settings(FILE, csv_bytes(None, [["c1", "secret", "x"]])),
    ),
    "other header": (
        "'Vip_1' is declared with a header, .* 2 values, not among them 'EMail'",
        _with_settings(FILE, csv_bytes(["Id", "secret"], ROWS), columnHeaders=True),
    ),
    "header declared and absent": (
        "'Vip_1' is declared with a header, .* not among them 'Id', 'EMail'",
        _with_settings(FILE, csv_bytes(None, [["c1", "secret@example.com"]]), columnHeaders=True),
    ),
    "unknown encoding": ("encoding 'EBCDIC-x', which is not known", _with_settings(FILE, b"", encoding="EBCDIC-x")),
    "encoding that is not of text": ("bytes that are not base64", _with_settings(FILE, b"", encoding="base64")),
    "other encoding": ("bytes that are not UTF-16", _with_settings(FILE, b"secre", encoding="UTF-16-BE")),
    "not UTF-8": ("Vip_1.csv, line 2: found bytes that are not UTF-8", _with_settings(FILE, b"c1,a\nc2,\xff\n")),
    "Parquet by settings": ("'Vip_1' .* is not CSV", _with_settings(FILE, b"", **{"$type": "ParquetFormatSettings"})),
    "Parquet by name": ("is not CSV", _with_location(f"{BLOB}/Vip/Vip_1.parquet")),
}


@pytest.mark.parametrize(("says", "build"), BAD.values(), ids=BAD.keys())
def test_unreadable(says: str, build: Callable[[Path], object], tmp_path: Path) -> None:
    """It is told what is wrong and where, without a customer's values."""
    build(tmp_path)

    with pytest.raises(SourceUnreadable, match=says) as failure, reading("the source"):
        _rows(tmp_path)

    assert "secret" not in str(failure.value)


def test_missing_partition(tmp_path: Path) -> None:
    """A partition whose file is not there is named, and its location without what may be a signature."""
    write_model(tmp_path, entity(ATTRIBUTES, [partition(f"{LOCATION}?sig=secret")]))

    with pytest.raises(
        SourceMissing, match=r"Partition 'Vip_1' of entity 'Vip' is missing: .*/0605/Vip_1.csv"
    ) as failure:
        _rows(tmp_path)

    assert "secret" not in str(failure.value)


def test_no_data(tmp_path: Path) -> None:
    """An entity whose partitions have no location was never refreshed, and is missing, not empty."""
    write_model(tmp_path, entity(ATTRIBUTES, [partition(None)]))

    with pytest.raises(SourceMissing, match=r"no data: model\.json gives no location .* never refreshed"):
        _rows(tmp_path)


def test_no_rows(tmp_path: Path) -> None:
    """A partition without rows is an empty segment, with the columns and types that are declared."""
    write(tmp_path / FILE, b"")
    write_model(tmp_path, entity({"Id": "string", "Points": "int64"}, [partition(LOCATION)]))

    customers = _open(tmp_path).read_customers().collect()

    assert customers.height == 0
    assert [str(dtype) for dtype in customers.dtypes] == ["String", "Int64"]


def test_no_partitions_and_no_files(tmp_path: Path) -> None:
    """An entity that has neither partitions nor files is missing, not empty."""
    write_model(tmp_path, entity(ATTRIBUTES, []))

    with pytest.raises(SourceMissing, match=r"no partitions in model\.json, and no files"):
        _rows(tmp_path)


def test_compressed_and_cut(tmp_path: Path) -> None:
    """A compressed partition that is cut is told of by its name."""
    data = gzip.compress(csv_bytes(None, [[f"c{n}", f"{n}@secret.example.com"] for n in range(999)]))
    write_model(tmp_path, entity(ATTRIBUTES, [partition(f"{LOCATION}.gz")]))
    path = tmp_path / f"{FILE}.gz"
    path.parent.mkdir(parents=True)
    path.write_bytes(data[: len(data) // 2])

    with pytest.raises(SourceUnreadable, match="Partition 'Vip_1' cannot be read: it is compressed and damaged"):
        _rows(tmp_path)
