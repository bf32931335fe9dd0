"""Who is compared: what each is, with how many customers it is measured, and what it does where it cannot do a case.

Each contender is a program of the same name beside this file, `python -m benchmarks.contenders.<name> <case>`, which
brings the list to the segment in `customers.parquet` and ends with 0. It finds in its environment

    BENCH_FOLDER      its own folder, which it keeps from case to case; with the customers
    BENCH_COUNT       how many customers there are before any has left
    BENCH_LIST_ID     the list, named Bench
    BENCH_LIMITS      real, or off
    KLAVIYO_API_URL, KLAVIYO_API_KEY

A program that prepares for a case is first run as `prepare <case>`, which is not measured. One that writes `wall_s`
into its folder says itself how long it took. The programs of peers run in environments that have nothing of the
project: they import of it only `setting`, which needs no library.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from benchmarks.cases import Case

_NO_REMOVALS: Final = "cannot: who left stays on the list"


@dataclass(frozen=True)
class Contender:
    """One who is compared.

    Attributes:
        name: of its program.
        title: what it is called in tables.
        told: what it is, in a sentence or two.
        distributions: the packages whose versions are told.
        peer: the folder of its requirements in `peers`, where it has an environment of its own.
        oldest_python: the oldest Python that it runs with.
        sizes: two numbers of customers: with more than the greater one it is not measured, but extrapolated from both.
        nothing_to_do: the cases in which there is nothing to do for it.
        cannot: what it does instead, in the cases that it cannot do; there it is not run.
        remark: what a row of a case says beside its figures.
        prepares: the cases before which its program does what is not measured.
    """

    name: str
    title: str
    told: str
    distributions: tuple[str, ...]
    peer: str = ""
    oldest_python: tuple[int, int] = (3, 11)
    sizes: tuple[int, int] | None = None
    nothing_to_do: frozenset[Case] = frozenset()
    cannot: Mapping[Case, str] = field(default_factory=dict)
    remark: Mapping[Case, str] = field(default_factory=dict)
    prepares: frozenset[Case] = frozenset()


_SENDS_ALL: Final = {Case.UNCHANGED: "sends all again", Case.CHANGED: "sends all again"}

FLOOR: Final = Contender(
    name="floor",
    title="floor",
    told="ready-made requests, sent by a bare httpx client as fast as the limits allow, and bulk jobs followed to "
    "their end. Its time counts from the first request: nobody who waits for the outcome can be faster. The limits let "
    "a million customers leave in 10 s; what takes longer is the local Klaviyo, which reads one body after the other",
    distributions=("httpx",),
    nothing_to_do=frozenset({Case.UNCHANGED}),
    prepares=frozenset(Case),
)
DAGSTER_RUN: Final = Contender(
    name="dagster_run",
    title="klaviyo_assets",
    told="this project through a run of Dagster: read, mapped, planned, delivered, recorded",
    distributions=("dagster", "polars", "deltalake", "httpx"),
    prepares=frozenset({Case.FIRST}),
)
PLAIN_DELIVERY: Final = Contender(
    name="plain_delivery",
    title="klaviyo_assets without Dagster",
    told="the same functions, called by a script",
    distributions=("polars", "deltalake", "httpx"),
)
SDK_SCRIPT: Final = Contender(
    name="sdk_script",
    title="script on the official SDK",
    told="10 000 profiles a bulk import, each bulk job polled to its end, as the SDK's documentation shows it",
    distributions=("klaviyo-api", "polars"),
    cannot={Case.LEFT: _NO_REMOVALS},
    remark=_SENDS_ALL,
)
DLT_PEER: Final = Contender(
    name="dlt_peer",
    title="dlt, custom destination",
    told="a function under `@dlt.destination` that sends a bulk import for each batch, as dlt's page on reverse ETL "
    "shows it. It does not wait for bulk jobs",
    distributions=("dlt", "pyarrow"),
    peer="dlt",
    cannot={Case.LEFT: _NO_REMOVALS},
    remark={
        Case.FIRST: "does not wait",
        Case.UNCHANGED: "sends all again, does not wait",
        Case.CHANGED: "sends all again, does not wait",
    },
)
CONDOR_PEER: Final = Contender(
    name="condor_peer",
    title="condor-retl-klaviyo",
    told="its surface `list_memberships`, from DuckDB. It remembers what it sent, and does not wait for bulk jobs. It "
    "can only call Klaviyo itself; here it is given a transport that calls the local one, as its own tests do",
    distributions=("condor-retl", "condor-retl-klaviyo", "duckdb"),
    peer="condor",
    oldest_python=(3, 12),
    sizes=(1_000, 10_000),
    cannot={Case.LEFT: "cannot: what removes needs Klaviyo's own ids"},
    remark={Case.FIRST: "does not wait", Case.CHANGED: "does not wait"},
)
DRT_PEER: Final = Contender(
    name="drt_peer",
    title="drt with dagster-drt",
    told="a sync from DuckDB through a run of Dagster. It sends a profile a request, and another to put it on the "
    "list; names and phone numbers become custom properties. It can only call Klaviyo itself; here the constant that "
    "holds the address is replaced before it starts",
    distributions=("drt-core", "dagster-drt", "dagster", "duckdb"),
    peer="drt",
    sizes=(20, 200),
    cannot={Case.LEFT: _NO_REMOVALS},
    remark=_SENDS_ALL,
)

CONTENDERS: Final = (FLOOR, DAGSTER_RUN, PLAIN_DELIVERY, SDK_SCRIPT, DLT_PEER, CONDOR_PEER, DRT_PEER)

NOT_COMPARED: Final = {
    "target-klaviyo (Singer)": "is not published as a package, and needs a Python before 3.11. It looks each profile "
    "up, writes it, and subscribes it: three requests a row, the last of which changes consent",
    "klaviyo-sdk, klaviyo": "the SDKs before klaviyo-api, which are deprecated",
    "airbyte-source-klaviyo, tap-klaviyo": "read from Klaviyo; they write nothing",
    "Multiwoven, Grouparoo, Castled": "servers with databases of their own, not packages that a run can call",
}
"""Who might be expected, and why they are not measured."""
