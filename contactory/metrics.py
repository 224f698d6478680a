"""What `/metrics` tells, in the Prometheus text format, of every server process together."""

import os
from typing import Any

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


class Meter:
    """Counts the answers of one operation; its children are looked up once."""

    def __init__(self, operation: str) -> None:
        self._operation = operation
        self._latency: Any = LATENCY.labels(operation)
        self._statuses: dict[int, Any] = {}

    def count(self, status: int, seconds: float) -> None:
        """One answer."""
        counter = self._statuses.get(status)
        if counter is None:
            counter = self._statuses[status] = REQUESTS.labels(self._operation, str(status))
        counter.inc()
        self._latency.observe(seconds)


def exposition() -> bytes:
    """The metrics as text: of all processes where the server runs several, else of this one."""
    if "PROMETHEUS_MULTIPROC_DIR" not in os.environ:
        return generate_latest()
    registry = CollectorRegistry()
    multiprocess.MultiProcessCollector(registry)  # type: ignore[no-untyped-call]
    return generate_latest(registry)
