"""The counters for `/metrics`, as plain numbers: a request only adds to some of them.

prometheus-client writes the text (exposition.py), but does not count: the two updates of a request would take
2.5 µs, or 1 µs with prepared labels, and take 0.2 µs here. It does not share the counters either: its mode
for several processes maps files into memory, took 35 ms of the event loop, and left files of dead processes.
"""

import platform
from bisect import bisect_left
from typing import ClassVar, TypeAlias

from contactory import __version__

Series: TypeAlias = dict[tuple[str, ...], list[float]]
"""By the values of the labels: one number, or for a histogram the number of values between each two bounds,
followed by the sum of all values."""


class Metric:
    """One metric. The text shows all metrics in the order in which they were created."""

    all: ClassVar[list["Metric"]] = []

    def __init__(self, name: str, help_: str, *labels: str, bounds: tuple[float, ...] = ()) -> None:
        self.name = name
        self.help = help_
        self.labels = labels
        self.bounds = bounds
        self.series: Series = {}
        self.all.append(self)
        self._own = [] if labels else self.numbers()

    def numbers(self, *labels: str) -> list[float]:
        """The numbers of one series; the text shows it from the first call on."""
        return self.series.setdefault(labels, [0.0] * (len(self.bounds) + 2 if self.bounds else 1))


class Counter(Metric):
    """A number that only increases."""

    def inc(self) -> None:
        """One more."""
        self._own[0] += 1


class Gauge(Metric):
    """A current number; for several running processes, their sum."""

    def set(self, value: float) -> None:
        """Sets the current number."""
        self._own[0] = value


class Moment(Gauge):
    """A moment, in seconds since 1970; of several processes that live, the newest."""


class Histogram(Metric):
    """How many of the observed values are at most as large as each bound."""

    def observe(self, value: float) -> None:
        """One more value."""
        self._own[bisect_left(self.bounds, value)] += 1
        self._own[-1] += value


class Info:
    """A value that is always 1, with informative labels. In the text its name ends in `_info`."""

    all: ClassVar[list["Info"]] = []

    def __init__(self, name: str, help_: str, **labels: str) -> None:
        self.name = name
        self.help = help_
        self.labels = labels
        self.all.append(self)

    def say(self, **labels: str) -> None:
        """Adds or replaces labels; a label without a value is left out."""
        self.labels.update((name, value) for name, value in labels.items() if value)


REQUESTS = Counter("contactory_requests_total", "Requests answered", "operation", "status")
LATENCY = Histogram(
    "contactory_request_seconds",
    "Seconds from request to answer",
    "operation",
    bounds=(0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10),
)
ERRORS = Counter("contactory_errors_total", "Unexpected errors; each of them is a fault of the server")
BATCH = Histogram(
    "contactory_write_batch_size", "Changes that one commit carried", bounds=(1, 2, 4, 8, 16, 32, 64, 128)
)
WAITING = Gauge("contactory_writes_waiting", "Changes that wait for a commit")
POOL_SIZE = Gauge("contactory_pool_connections", "Open pool connections")
POOL_USED = Gauge("contactory_pool_connections_in_use", "Pool connections in use")
POOL_WAITING = Gauge("contactory_pool_waiting", "Requests that wait for a pool connection")
CONNECTIONS = Gauge("contactory_connections", "Open connections of clients")
REFUSED = Counter("contactory_connections_refused_total", "Connections refused because there were too many")
JOB_SUCCESS = Moment(
    "contactory_job_last_success_seconds",
    "When a recurring job, or a piece of it, last came to its end, in seconds since 1970",
    "job",
)
TZDATA = Info("contactory_tzdata", "The release of the time zone data")
BUILD = Info(
    "contactory_build",
    "The versions of the installation",
    version=__version__,
    python=platform.python_version(),
)


class Meter:
    """Counts the answers of one operation."""

    def __init__(self, operation: str) -> None:
        self._operation = operation
        self._answers: dict[int, list[float]] = {}
        self._seconds: list[float] = []

    def count(self, status: int, seconds: float) -> None:
        """One answer."""
        if status not in self._answers:
            self._answers[status] = REQUESTS.numbers(self._operation, str(status))
            self._seconds = LATENCY.numbers(self._operation)
        self._answers[status][0] += 1
        self._seconds[bisect_left(LATENCY.bounds, seconds)] += 1
        self._seconds[-1] += seconds
