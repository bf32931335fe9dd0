"""Runs as processes of the code location, of which the daemon can tell whether they are still there.

Dagster's own launcher starts runs in the same way, and a code server tells of a run whose process died. But when the
server dies with all its runs, as a container does, nobody tells of them: they count as started for ever, and keep
their places in the pools. Only that is mended here; `deploy/dagster.yaml` names this launcher.
"""

from __future__ import annotations

from typing import Final

import dagster as dg
from dagster._core.errors import DagsterUserCodeUnreachableError
from dagster._core.launcher import CheckRunHealthResult, WorkerStatus
from dagster._grpc.types import GetCurrentRunsResult
from dagster_shared.serdes import deserialize_value

_GONE: Final = "The code server that started this run does not know it any more: it was started anew meanwhile."


class CodeServerRunLauncher(dg.DefaultRunLauncher):
    """Launches runs in their code server, and asks that server for them when the daemon monitors runs.

    There must be one server behind a code location's address. While it does not answer, its runs count as running:
    it may be out of reach, and a run that was taken for dead would be started beside itself.
    """

    @property
    def supports_check_run_worker_health(self) -> bool:
        """Yes: this is what Dagster's own cannot."""
        return True

    def check_run_worker_health(self, run: dg.DagsterRun) -> CheckRunHealthResult:
        """Whether the code server that started the run still has it."""
        server = self._get_grpc_client_for_termination(run.run_id)  # type: ignore[no-untyped-call]
        if server is None:  # it has just ended, or another launcher started it
            return CheckRunHealthResult(WorkerStatus.RUNNING)
        try:
            current = deserialize_value(server.get_current_runs(), GetCurrentRunsResult)
        except DagsterUserCodeUnreachableError:
            return CheckRunHealthResult(WorkerStatus.RUNNING, "The code server that started this run does not answer.")
        if run.run_id in current.current_runs:
            return CheckRunHealthResult(WorkerStatus.RUNNING)
        return CheckRunHealthResult(WorkerStatus.NOT_FOUND, _GONE)
