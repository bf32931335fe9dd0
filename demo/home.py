"""Where the demonstration keeps its things, and the environment that points Dagster and the project there."""

from __future__ import annotations

import os
import shutil
from dataclasses import dataclass
from pathlib import Path

from klaviyo_assets.sandbox import RunningSandbox

ROOT = Path(__file__).resolve().parent.parent
DATA = ROOT / "demo" / "data"


@dataclass(frozen=True)
class Home:
    """A folder for one command's runs, ledgers and frames."""

    folder: Path

    @property
    def dagster(self) -> Path:
        """Dagster's home."""
        return self.folder / "dagster"

    @property
    def storage(self) -> Path:
        """Where segments, profiles, rejections and ledgers are kept."""
        return self.folder / "storage"


def prepare_home(name: str) -> Home:
    """A home in which nothing has happened yet.

    What an earlier demonstration left would speak of lists in a local Klaviyo that has ended with it.
    """
    home = Home(ROOT / "demo" / ".home" / name)
    shutil.rmtree(home.folder, ignore_errors=True)
    home.dagster.mkdir(parents=True)
    shutil.copy(ROOT / "dagster.yaml", home.dagster / "dagster.yaml")
    return home


def environment(home: Home, sandbox: RunningSandbox) -> dict[str, str]:
    """The variables with which the project exports to this sandbox."""
    return {
        **os.environ,
        "DAGSTER_HOME": str(home.dagster),
        "DAGSTER_DISABLE_TELEMETRY": "1",
        "KLAVIYO_API_URL": sandbox.url,
        "KLAVIYO_API_KEY": sandbox.key,
        "KLAVIYO_ASSETS_STORAGE": str(home.storage),
    }
