"""What the kernel says of a process: its time, memory and descriptors (on Linux; elsewhere nothing)."""

import os
from functools import cache
from pathlib import Path

KINDS = {
    "process_cpu_seconds_total": ("counter", "Seconds of processor time, as user and as system"),
    "process_resident_memory_bytes": ("gauge", "Resident memory"),
    "process_virtual_memory_bytes": ("gauge", "Virtual memory"),
    "process_start_time_seconds": ("gauge", "When it started, in seconds since 1970"),
    "process_open_fds": ("gauge", "Open file descriptors"),
    "process_max_fds": ("gauge", "File descriptors that may be open"),
}
"""Kind and help of each metric, under the names that Prometheus' own libraries give them."""


def process_samples(pid: int) -> dict[str, float]:
    """The values of a process by the names of the metrics; of one that has ended, none."""
    folder = Path("/proc", str(pid))
    try:
        # The name of the program stands in parentheses, and may have spaces and parentheses itself.
        fields = (folder / "stat").read_text().rpartition(")")[2].split()
        ticks, page = os.sysconf("SC_CLK_TCK"), os.sysconf("SC_PAGE_SIZE")
        # Numbered as in proc(5), from the third field on.
        number = {name: int(fields[at - 3]) for name, at in _FIELDS.items()}
        found = {
            "process_cpu_seconds_total": (number["utime"] + number["stime"]) / ticks,
            "process_resident_memory_bytes": float(number["rss"] * page),
            "process_virtual_memory_bytes": float(number["vsize"]),
            "process_start_time_seconds": _booted() + number["starttime"] / ticks,
        }
        limits = (folder / "limits").read_text().partition("Max open files")[2].split()
        return {
            **found,
            "process_open_fds": float(sum(1 for _ in (folder / "fd").iterdir())),
            "process_max_fds": float("inf" if limits[0] == "unlimited" else limits[0]),
        }
    except (OSError, IndexError):
        return {}


_FIELDS = {"utime": 14, "stime": 15, "starttime": 22, "vsize": 23, "rss": 24}


@cache
def _booted() -> float:
    """When the machine started, in seconds since 1970."""
    return float(Path("/proc/stat").read_text().partition("btime ")[2].split()[0])
