"""What `dagster dev` loads: every declaration under `klaviyo_assets/defs`, as Dagster's definitions.

Only this deployment's own choices stand here, which a project that installs the package makes for itself: where its
declarations are, and how the steps of a run are carried out.
"""

from __future__ import annotations

import functools
import warnings
from pathlib import Path

import dagster as dg

import klaviyo_assets.defs


@dg.definitions
@functools.cache  # Dagster asks several times in one process, and would build everything each time
def defs() -> dg.Definitions:
    """Everything that is declared."""
    with warnings.catch_warnings():
        # Dagster's own components use functions of Dagster's that it warns of; nobody here can change that.
        for category in (dg.BetaWarning, dg.PreviewWarning):
            warnings.filterwarnings("ignore", category=category, module="dagster")
        tree = dg.ComponentTree.from_module(defs_module=klaviyo_assets.defs, project_root=project_root())
        declared = tree.build_defs()
    return dg.Definitions.merge(declared, dg.Definitions(executor=dg.in_process_executor))


def project_root() -> Path:
    """Where relative paths start: the checkout, or the working directory where the package is installed."""
    checkout = Path(__file__).resolve().parent.parent
    return checkout if (checkout / "pyproject.toml").exists() else Path.cwd()
