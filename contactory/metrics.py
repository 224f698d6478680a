"""What `/metrics` tells, in the Prometheus text format, of every server process together."""

import os
from bisect import bisect_left
from typing import Any, ClassVar

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest, multiprocess

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"
_BUCKETS = (0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10)

REQUESTS = Counter("contactory_requests_total", "Requests answered", ["operation", "status"])
LATENCY = Histogram(
    "contactory_request_seconds", "Seconds from request to answer", ["operation"], buckets=_BUCKETS
)
ERRORS = Counter("contactory_errors_total", "Unexpected errors, each of which is a fault of the server")
BATCH = Histogram(
    "contactory_write_batch_size", "Changes that one commit carried", buckets=(1, 2, 4, 8, 16, 32, 64, 128)
)
WAITING = Gauge("contactory_writes_waiting", "Changes that wait for a commit", multiprocess_mode="livesum")
POOL_SIZE = Gauge("contactory_pool_connections", "Open pool connections", multiprocess_mode="livesum")
POOL_USED = Gauge(
    "contactory_pool_connections_in_use", "Pool connections at work", multiprocess_mode="livesum"
)
CONNECTIONS = Gauge("contactory_connections", "Open connections of clients", multiprocess_mode="livesum")
REFUSED = Counter("contactory_connections_refused_total", "Connections for which there was no room")
TZDATA = Gauge(
    "contactory_tzdata_info", "The release of the time zone data", ["version"], multiprocess_mode="livemax"
)


class Meter:
    """Counts the answers of one operation.

    A request only adds to plain numbers, since updating a metric costs more than parsing a request's body;
    `flush` adds them to the metrics that all processes share.
    """

    _all: ClassVar[list["Meter"]] = []

    def __init__(self, operation: str) -> None:
        self._operation = operation
        self._statuses: dict[int, int] = {}
        self._buckets = [0] * (len(_BUCKETS) + 1)
        self._seconds = 0.0
        self._all.append(self)

    def count(self, status: int, seconds: float) -> None:
        """One answer."""
        self._statuses[status] = self._statuses.get(status, 0) + 1
        self._buckets[bisect_left(_BUCKETS, seconds)] += 1
        self._seconds += seconds

    def _flush(self) -> None:
        if not self._statuses:
            return
        for status, count in self._statuses.items():
            REQUESTS.labels(self._operation, str(status)).inc(count)
        self._statuses.clear()
        latency: Any = LATENCY.labels(self._operation)
        # The library adds to a histogram one value at a time only; these are what it adds to.
        latency._sum.inc(self._seconds)
        for index, count in enumerate(self._buckets):
            if count:
                latency._buckets[index].inc(count)
                self._buckets[index] = 0
        self._seconds = 0.0

    @classmethod
    def flush(cls) -> None:
        """Adds what has been counted to the metrics."""
        for meter in cls._all:
            meter._flush()


def exposition() -> bytes:
    """The metrics as text: of all processes where the server runs several, else of this one."""
    if "PROMETHEUS_MULTIPROC_DIR" not in os.environ:
        return generate_latest()
    registry = CollectorRegistry()
    multiprocess.MultiProcessCollector(registry)  # type: ignore[no-untyped-call]
    return generate_latest(registry)
