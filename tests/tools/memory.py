"""The memory of a process, for benchmarks and load tests."""

from __future__ import annotations

import os
from pathlib import Path


def get_resident_mib(pid: int | str = "self") -> float:
    """Return the resident memory of a process in MiB."""
    pages = int(Path(f"/proc/{pid}/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 2**20
