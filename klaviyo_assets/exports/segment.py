"""A segment: a named set of customers, and the source that it is read from."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from klaviyo_assets.exports.values import Declaration, EnvName, Name, SegmentEntity, Switch, Text, Texts, Timezone


class FileSource(Declaration):
    """Files of one format: one file, a glob, or a folder."""

    type: Literal["parquet", "csv", "ndjson"]
    """The format: parquet, csv or ndjson."""
    path: Text = Field(examples=["data/vip.parquet"])
    """File, glob or folder; relative to the project's root, or s3://, abfss://, gs://, https://."""


class DeltaSource(Declaration):
    """A Delta table."""

    type: Literal["delta"]
    """The format: delta."""
    path: Text = Field(examples=["data/vip"])
    """The folder of the table, which holds _delta_log; relative to the project's root, or s3://, abfss://, gs://."""


class SqlSource(Declaration):
    """A query on a database."""

    type: Literal["sql"]
    """The format: sql."""
    database_env: EnvName = Field(examples=["WAREHOUSE_URL"])
    """The name of the environment variable that holds the database's URL, as postgresql://user:password@host/name."""
    query: Text = Field(examples=["select * from vip_customers"])
    """The select that gives the customers, a row each."""
    refresh_mark_query: Text | None = None
    """A select that gives one row, which changes when the customers were refreshed, as its latest time of change."""


class CustomerInsightsSource(Declaration):
    """A segment that Dynamics 365 Customer Insights wrote: model.json beside CSV partitions."""

    type: Literal["customer_insights"]
    """The format: customer_insights."""
    path: Text = Field(examples=["data/customer_insights"])
    """The folder that holds model.json; relative to the project's root, or s3://, abfss://, gs://, https://."""
    entity: SegmentEntity = Field(examples=["HighValueSegment"])
    """The name of the entity in model.json; it is the segment's output entity name, as HighValueSegment."""


class SynapseLinkSource(Declaration):
    """A segment of Customer Insights in a folder of Azure Synapse Link for Dataverse."""

    type: Literal["synapse_link"]
    """The format: synapse_link."""
    path: Text = Field(examples=["abfss://dataverse-contoso-org@lake.dfs.core.windows.net"])
    """The folder that holds model.json; relative to the project's root, or s3://, abfss://, gs://."""
    segment: Text = Field(examples=["HighValueSegment"])
    """The name of the segment in the column msdynci_segments; it is the output table name, as HighValueSegment."""


Source = Annotated[
    FileSource | DeltaSource | SqlSource | CustomerInsightsSource | SynapseLinkSource, Field(discriminator="type")
]


class Segment(Declaration):
    """A named set of customers, read from a source into the asset segments/<name>."""

    name: Name = Field(examples=["vip_customers"])
    """Letters, digits and _; the asset is segments/<name>."""
    source: Source = Field(examples=[{"type": "parquet", "path": "data/vip.parquet"}])
    """Where the customers come from, as {type: parquet, path: data/vip.parquet}."""
    refresh: Texts = Field(default=(), examples=['"0 5 * * *"'])
    """A cron on which the segment is read anew, or a list of them."""
    timezone: Timezone = "UTC"
    """The time zone of the crons, as Europe/Riga."""
    watch: Switch = True
    """Whether a sensor reads the segment anew when its source was refreshed."""

    @property
    def asset_key(self) -> str:
        """The asset key, its parts joined by slashes."""
        return f"segments/{self.name}"
