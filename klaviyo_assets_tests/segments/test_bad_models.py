"""Folders of Customer Insights in which model.json or a partition is broken: each has one clear end."""

from __future__ import annotations

import gzip
import json
from collections.abc import Callable, Mapping
from copy import deepcopy
from pathlib import Path
from typing import Any

import pytest

from klaviyo_assets.exports import CustomerInsightsSource
from klaviyo_assets_tests.segments.told import SECRET, told
from klaviyo_assets_tests.segments.written import BLOB, entity, partition

SOURCE = CustomerInsightsSource(type="customer_insights", path=".", entity="Vip")
FILE = "Vip/2026/01/02/0605/Vip_1.csv"
ROWS = f"c1,{SECRET}\n".encode()

NOT_JSON = "model.json is not a model.json: it is not JSON, or is being written"
SETTINGS = "at entities.0.partitions.0.fileFormatSettings"
DELIMITER = f"{SETTINGS}.delimiter: Value error, expected one character that is no quote"


def model(**settings: Any) -> dict[str, Any]:
    """A good model of one partition."""
    attributes = {"Id": "string", "EMail": "string"}
    return {"entities": [entity(attributes, [partition(f"{BLOB}/{FILE}", **settings)])]}


GOOD = json.dumps(model()).encode()

# name of the case: model.json, what is told of it
BYTES: Mapping[str, tuple[bytes, str]] = {
    "text behind": (GOOD + b"secret", NOT_JSON),
    "twice": (GOOD * 2, NOT_JSON),
    "cut": (GOOD[:-9], NOT_JSON),
    "single quotes": (b"{'entities': []}", NOT_JSON),
    "comment": (b"// secret\n" + GOOD, NOT_JSON),
    "comma too many": (b'{"entities": [],}', NOT_JSON),
    "NUL bytes": (bytes(50), NOT_JSON),
    "NUL byte in a text": (GOOD.replace(b"LocalEntity", b"Local\0Entity"), NOT_JSON),
    "two byte order marks": (b"\xef\xbb\xbf" * 2 + GOOD, NOT_JSON),
    "Latin-1": ('{"entities": "é"}'.encode("latin-1"), NOT_JSON),
    "half a surrogate pair": (GOOD.replace(b"EMail", b"\\ud800"), NOT_JSON),
    "surrogate in UTF-8": (GOOD.replace(b"EMail", b"\xed\xa0\x80"), NOT_JSON),
    "web page": (b"<html>secret</html>", NOT_JSON),
    "CSV": (ROWS, NOT_JSON),
    "nested without end": (b'{"entities":' + b"[" * 100_000, NOT_JSON),
    "nested deep": (b'{"entities":' + b"[" * 100_000 + b"]" * 100_000 + b"}", NOT_JSON),
    "endless number": (b'{"entities": ' + b"1" * 5000 + b"}", NOT_JSON),
    "gzip cut": (gzip.compress(GOOD)[:-10], "Entity 'Vip' cannot be read: it is compressed and damaged"),
    "null": (b"null", "at its top: Input should be an object"),
    "number": (b"7", "at its top: Input should be an object"),
    "text": (b'"secret"', "at its top: Input should be an object"),
    "null for entities": (b'{"entities": null}', "at entities: Input should be a valid array"),
    "object for entities": (b'{"entities": {"Vip": {}}}', "at entities: Input should be a valid array"),
    "text for entities": (b'{"entities": "Vip"}', "at entities: Input should be a valid array"),
    "no entities": (b'{"entities": []}', "has no entity 'Vip', expected one of: none"),
    "other letters for entities": (b'{"Entities": []}', "at entities: Field required"),
    "null for an entity": (b'{"entities": [null]}', "at entities.0: Input should be an object"),
    "text for an entity": (b'{"entities": ["secret"]}', "at entities.0: Input should be an object"),
    "entity without name": (b'{"entities": [{}]}', "at entities.0.name: Field required"),
    "manifest": (b'{"entities": [{"entityName": "Vip"}]}', "at entities.0.name: Field required"),
    "number for a name": (b'{"entities": [{"name": 7}]}', "at entities.0.name: Input should be a valid string"),
}

# name of the case: which object of the model gets which value under which key, what is told of it
VALUES: Mapping[str, tuple[str, str, Any, str]] = {
    "entity in other letters": ("entity", "name", "vip", "has no entity 'Vip', expected one of: vip"),
    "attributes: null": ("entity", "attributes", None, "without attributes"),
    "attributes: none": ("entity", "attributes", [], "without attributes"),
    "attributes: text": ("entity", "attributes", "secret", "at entities.0.attributes: Input should be a valid"),
    "attributes: object": ("entity", "attributes", {"Id": "secret"}, "at entities.0.attributes: Input should be a"),
    "attributes: texts": ("entity", "attributes", ["secret"], "at entities.0.attributes.0: Input should be an object"),
    "attributes: too many": ("entity", "attributes", [{"name": n} for n in "abc"], "found 2 values, expected 3"),
    "attributes: too few": ("entity", "attributes", [{"name": "a"}], "found 2 values, expected 1"),
    "attribute: number for a name": ("attribute", "name", 7, "at entities.0.attributes.0.name: Input should be"),
    "attribute: null for a name": ("attribute", "name", None, "at entities.0.attributes.0.name: Field required"),
    "attribute: name of another": ("attribute", "name", "EMail", "several of one name"),
    "attribute: name of our row numbers": ("attribute", "name", "row\0", "expected a name without a NUL character"),
    "attribute: name of our partitions": ("attribute", "name", "partition\0", "expected a name without a NUL"),
    "attribute: number for a type": ("attribute", "dataType", 7, "attributes.0.dataType: Input should be a valid"),
    "attribute: list for a type": ("attribute", "dataType", ["secret"], "attributes.0.dataType: Input should be"),
    "attribute: type of other values": ("attribute", "dataType", "int64", "row 1, column 'Id': the value is not int64"),
    "partitions: text": ("entity", "partitions", "secret", "at entities.0.partitions: Input should be a valid"),
    "partitions: object": ("entity", "partitions", {}, "at entities.0.partitions: Input should be a valid"),
    "partitions: nulls": ("entity", "partitions", [None], "at entities.0.partitions.0: Input should be an object"),
    "partitions: texts": ("entity", "partitions", ["secret"], "at entities.0.partitions.0: Input should be an object"),
    "partition: number for a name": ("partition", "name", 7, "at entities.0.partitions.0.name: Input should be"),
    "partition: number for a time": ("partition", "refreshTime", 7, "partitions.0.refreshTime: Input should be"),
    "partition: number for a location": ("partition", "location", 7, "partitions.0.location: Input should be"),
    "partition: object for a location": ("partition", "location", {}, "partitions.0.location: Input should be"),
    "partition: endless location": ("partition", "location", "x" * 5000, "The location of partition 'Vip_1' of entity"),
    "partition: text for settings": ("partition", "fileFormatSettings", "secret", f"{SETTINGS}: Input should be"),
    "partition: list for settings": ("partition", "fileFormatSettings", [], f"{SETTINGS}: Input should be"),
    "delimiter: nothing": ("settings", "delimiter", "", DELIMITER),
    "delimiter: quote": ("settings", "delimiter", '"', DELIMITER),
    "delimiter: line feed": ("settings", "delimiter", "\n", DELIMITER),
    "delimiter: carriage return": ("settings", "delimiter", "\r", DELIMITER),
    "delimiter: NUL": ("settings", "delimiter", "\0", DELIMITER),
    "delimiter: letter": ("settings", "delimiter", "e", DELIMITER),
    "delimiter: digit": ("settings", "delimiter", "1", DELIMITER),
    "delimiter: not ASCII": ("settings", "delimiter", "§", DELIMITER),
    "delimiter: number": ("settings", "delimiter", 7, f"{SETTINGS}.delimiter: Input should be a valid string"),
    "delimiter: another": ("settings", "delimiter", ";", "line 1: found 1 values, expected 2"),
    "header: word": ("settings", "columnHeaders", "secret", f"{SETTINGS}.columnHeaders: Input should be a valid"),
    "header: number": ("settings", "columnHeaders", 7, f"{SETTINGS}.columnHeaders: Input should be a valid"),
    "quotes: number": ("settings", "quoteStyle", 7, f"{SETTINGS}.quoteStyle: Input should be a valid string"),
    "encoding: number": ("settings", "encoding", 7, f"{SETTINGS}.encoding: Input should be a valid string"),
    "encoding: nothing": ("settings", "encoding", "", "in the encoding '', which is not known; expected UTF-8"),
    "encoding: NUL": ("settings", "encoding", "utf-8\0", "which is not known; expected UTF-8"),
    "encoding: of one system": ("settings", "encoding", "mbcs", "which is not known; expected UTF-8"),
    "encoding: of no bytes": ("settings", "encoding", "undefined", "holds bytes that are not undefined"),
    "encoding: of texts": ("settings", "encoding", "rot13", "holds bytes that are not rot13"),
    "encoding: compression": ("settings", "encoding", "zlib", "holds bytes that are not zlib"),
    "encoding: UTF-16": ("settings", "encoding", "utf-16", "holds bytes that are not utf-16"),
    "encoding: UTF-32": ("settings", "encoding", "utf-32", "holds bytes that are not utf-32"),
    "encoding: EBCDIC": ("settings", "encoding", "cp037", "line 1: found 1 values, expected 2"),
}

# name of the case: the partition, what is told of it
PARTITIONS: Mapping[str, tuple[bytes, str]] = {
    "zip": (b"PK\x03\x04\0\0secret", "line 1: found a NUL byte"),
    "Parquet": (b"PAR1secretPAR1", "line 1: found 1 values, expected 2"),
    "NUL bytes at the end": (ROWS + bytes(4096), "line 2: found a NUL byte"),
    "UTF-16": (ROWS.decode().encode("utf-16"), "line 1: found bytes that are not UTF-8"),
    "UTF-16 without mark": (ROWS.decode().encode("utf-16-le"), "line 1: found a NUL byte"),
    "Latin-1": ("c1,Müsecret\n".encode("latin-1"), "line 1: found bytes that are not UTF-8"),
    "gzip's first bytes": (b"\x1f\x8b", "Partition 'Vip_1' cannot be read: it is compressed and damaged"),
    "quote never closed": (b'c1,"secret\n', "line 1: a quote is never closed"),
    "quote within a value": (b'c1,sec"ret\n', "line 1: a quote stands inside a value"),
    "semicolons": (b"c1;secret\n", "line 1: found 1 values, expected 2"),
    "carriage returns": (b"c1,secret\rc2,secret\r", "line 1: found 3 values, expected 2"),
    "web page": (b"<html>secret</html>\n", "line 1: found 1 values, expected 2"),
}


def _told(folder: Path, described: bytes, rows: bytes = ROWS) -> str:
    return told(SOURCE, folder, {"model.json": described, FILE: rows})


@pytest.mark.parametrize(("data", "says"), BYTES.values(), ids=BYTES.keys())
def test_a_file_that_is_no_model(data: bytes, says: str, tmp_path: Path) -> None:
    """It is told what is wrong in model.json, and where."""
    assert says in _told(tmp_path, data)


@pytest.mark.parametrize(("place", "key", "value", "says"), VALUES.values(), ids=VALUES.keys())
def test_a_model_with_a_wrong_value(place: str, key: str, value: Any, says: str, tmp_path: Path) -> None:
    """It is told which value of model.json is wrong, or does not go with the partition."""
    described = model(kind="csv")
    places: dict[str, Callable[[dict[str, Any]], dict[str, Any]]] = {
        "entity": lambda one: one,
        "attribute": lambda one: one["attributes"][0],
        "partition": lambda one: one["partitions"][0],
        "settings": lambda one: one["partitions"][0]["fileFormatSettings"],
    }
    places[place](described["entities"][0])[key] = value

    assert says in _told(tmp_path, json.dumps(described).encode())


@pytest.mark.parametrize(("rows", "says"), PARTITIONS.values(), ids=PARTITIONS.keys())
def test_a_partition_that_is_broken(rows: bytes, says: str, tmp_path: Path) -> None:
    """It is told in which partition and line, without a customer's values."""
    assert says in _told(tmp_path, GOOD, rows)


def test_two_entities_of_one_name(tmp_path: Path) -> None:
    """Which of them is meant is not guessed."""
    described = model()
    described["entities"].append(deepcopy(described["entities"][0]))

    assert "has 2 entities 'Vip', expected one of each name" in _told(tmp_path, json.dumps(described).encode())
