"""The job verify_<connection>: can Klaviyo be used as it must be, and can the exports' sources be read.

What is looked at is in `delivery.verifying` and `source_findings.py`; here it is told to Dagster, a line each in the
run's log, and all of it as metadata. No export is selected or run by it, and nothing is changed anywhere.
"""

# No `from __future__ import annotations`: Dagster takes the class of a context from the annotation as it stands.
from collections.abc import Sequence
from pathlib import Path
from typing import Final

import dagster as dg

from klaviyo_assets.delivery.verifying import Verification, verify
from klaviyo_assets.errors import KlaviyoAssetsError
from klaviyo_assets.exports import Export, KlaviyoConnection, Segment
from klaviyo_assets.ledger import Remembered
from klaviyo_assets.orchestration.keys import NO_RETRY_TAGS, connection_tags
from klaviyo_assets.orchestration.resources import KlaviyoAccount
from klaviyo_assets.orchestration.source_findings import find_sources
from klaviyo_assets.orchestration.storage import storage_root

LONGEST_S: Final = 300  # beyond it the run says what Klaviyo asks to wait for


def verify_job(
    connection: KlaviyoConnection,
    account: KlaviyoAccount,
    segments: Sequence[Segment],
    exports: Sequence[Export],
    *,
    project_root: Path,
) -> dg.JobDefinition:
    """The job of a connection.

    Args:
        connection: which.
        account: its resource; a job that lacks one is given those of all connections.
        segments: all that are declared.
        exports: all that are declared.
        project_root: the folder below which everything is stored by default.
    """

    @dg.op(
        name=f"klaviyo__{connection.name}__verify",
        required_resource_keys={connection.resource_key},
        out=dg.Out(dg.Nothing),
    )
    def ask_klaviyo(context: dg.OpExecutionContext) -> None:
        resource: KlaviyoAccount = getattr(context.resources, connection.resource_key)
        try:
            with resource.connect() as client:
                client.session.set_deadline(LONGEST_S)
                remembered = Remembered(storage_root(project_root))
                verification = verify(connection, exports, client=client, remembered=remembered)
        except KlaviyoAssetsError as error:
            raise dg.Failure(str(error), allow_retries=False) from error
        _tell(context, verification)

    @dg.op(name=f"klaviyo__{connection.name}__verify_sources", out=dg.Out(dg.Nothing))
    def read_sources(context: dg.OpExecutionContext) -> None:
        findings = find_sources(connection, segments, exports, root=project_root)
        _tell(context, Verification(connection, list(findings)))

    @dg.job(
        name=f"verify_{connection.name}",
        description=_describe(connection),
        tags=NO_RETRY_TAGS | connection_tags(connection.name),
        resource_defs={connection.resource_key: account},
    )
    def verify_connection() -> None:
        ask_klaviyo()
        read_sources()

    return verify_connection


def _tell(context: dg.OpExecutionContext, verification: Verification) -> None:
    for finding in verification.findings:
        tell = context.log.error if finding.is_good is False else context.log.info
        tell(finding.words)
    metadata = {finding.name: finding.words for finding in verification.findings}
    if verification.problem:
        raise dg.Failure(verification.problem, metadata=metadata, allow_retries=False)
    context.add_output_metadata(metadata)


def _describe(connection: KlaviyoConnection) -> str:
    return (
        f"Asks Klaviyo whether connection `{connection.name}`, {connection.title}, can be used: is the key good, does "
        f"it have the scopes, whose account is it, are the lists of its exports there. Tries to read the sources of "
        f"their segments too, and says by whose identity. Each is a line in the run's log; nothing is sent or changed. "
        f"Whether the key may write is not known before something is written."
    )
