"""How much room the disk of a SQLite file has. On PostgreSQL that is the server's to look at."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING

from taskforge.services.findings import found

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from taskforge.services.findings import Finding

MEBIBYTE = 2**20
TIGHT_MEBIBYTES = 1_024
FULL_MEBIBYTES = 64


def examine_disk(folder: Path | None) -> Sequence[Finding]:
    """What is to be said of the disk of this folder; nothing where there is no folder."""
    if folder is None:
        return []
    try:
        mebibytes = shutil.disk_usage(folder).free // MEBIBYTE
    except OSError:  # who opens the file says so
        return []
    if mebibytes < FULL_MEBIBYTES:
        return [found("disk_full", mebibytes=mebibytes)]
    return [found("disk_tight" if mebibytes < TIGHT_MEBIBYTES else "disk", mebibytes=mebibytes)]
