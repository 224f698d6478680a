"""What is counted for `/metrics`, in plain numbers: a request only adds to some of them.

The state of a metric is what another process needs to add its own to it. Its samples are its values under the
names and labels that they have in the text (exposition.py), which is in the Prometheus text format, 0.0.4.
"""

import operator
import platform
from bisect import bisect_left
from collections.abc import Sequence
from itertools import accumulate
from typing import Any, ClassVar, TypeAlias

from contactory import __version__

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"
_SECONDS = (0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10)

State: TypeAlias = Any
"""A number, a text, a list of numbers, or a dict of states; a decoder takes no type that names itself."""
Samples: TypeAlias = dict[str, float]


def merged(one: State, other: State) -> State:
    """Two states as one: numbers added up, wherever they stand; of two texts the second."""
    if isinstance(one, dict):
        states: dict[str, State] = dict(one)  # pyright: ignore[reportUnknownArgumentType]
        for key, value in other.items():
            states[key] = merged(states[key], value) if key in states else value
        return states
    if isinstance(one, list):
        numbers: list[float] = list(map(operator.add, one, other))  # pyright: ignore[reportUnknownArgumentType]
        return numbers
    return other if isinstance(one, str) else one + other


class Metric:
    """One metric. All that are made stand in the text, in the order in which they were made."""

    all: ClassVar[list["Metric"]] = []
    kind: ClassVar[str] = "counter"
    lasting: ClassVar[bool] = True
    """Whether what a process has counted still counts when it has ended."""

    def __init__(self, name: str, help_: str) -> None:
        self.name = name
        self.help = help_
        self.all.append(self)

    def state(self) -> State:
        """That of this process."""
        raise NotImplementedError

    def samples(self, state: State) -> Samples:
        """What a state, of one process or several, is in the text."""
        return {self.name: float(state)}


class Counter(Metric):
    """A number that only grows."""

    def __init__(self, name: str, help_: str) -> None:
        super().__init__(name, help_)
        self._count = 0

    def inc(self) -> None:
        """One more."""
        self._count += 1

    def state(self) -> State:
        """The count."""
        return self._count


class Gauge(Metric):
    """A number as it is now; of several processes, their sum."""

    kind = "gauge"
    lasting = False

    def __init__(self, name: str, help_: str) -> None:
        super().__init__(name, help_)
        self._value = 0.0

    def set(self, value: float) -> None:
        """What it is now."""
        self._value = value

    def state(self) -> State:
        """The number."""
        return self._value


class Info(Metric):
    """A value that is always 1, with labels that say what there is to say."""

    kind = "gauge"
    lasting = False

    def __init__(self, name: str, help_: str, **labels: str) -> None:
        super().__init__(name, help_)
        self._labels = labels

    def say(self, **labels: str) -> None:
        """Labels to be added, or to stand in the place of others."""
        self._labels.update(labels)

    def state(self) -> State:
        """The labels that there is something in."""
        return {name: value for name, value in self._labels.items() if value}

    def samples(self, state: State) -> Samples:
        """A single one."""
        return {labelled(self.name, **state): 1.0}


class Histogram(Metric):
    """How many of the values that were observed are at most so large, for several sizes."""

    kind = "histogram"

    def __init__(self, name: str, help_: str, bounds: Sequence[float]) -> None:
        super().__init__(name, help_)
        self._bounds = bounds
        self._observed = [0.0] * (len(bounds) + 2)

    def observe(self, value: float) -> None:
        """One more value."""
        self._observed[bisect_left(self._bounds, value)] += 1
        self._observed[-1] += value

    def state(self) -> State:
        """How many fell between each two bounds, and at the end their sum."""
        return list(self._observed)

    def samples(self, state: State) -> Samples:
        """Buckets, count and sum."""
        return _buckets(self.name, self._bounds, state)


def _buckets(name: str, bounds: Sequence[float], observed: list[float], **labels: str) -> Samples:
    """Each bucket holds what those below hold, too."""
    *counts, total = observed
    count = sum(counts)
    begin = labelled(f"{name}_bucket", **labels, le="")[: -len('"}')]
    found = {
        f'{begin}{float(bound)}"}}': below for bound, below in zip(bounds, accumulate(counts), strict=False)
    }
    found[f'{begin}+Inf"}}'] = count
    found[labelled(f"{name}_count", **labels)] = count
    found[labelled(f"{name}_sum", **labels)] = total
    return found


class Meter:
    """Counts the answers of one operation."""

    all: ClassVar[list["Meter"]] = []

    def __init__(self, operation: str) -> None:
        self.operation = operation
        self.statuses: dict[int, int] = {}
        self.seconds = [0.0] * (len(_SECONDS) + 2)
        self.all.append(self)

    def count(self, status: int, seconds: float) -> None:
        """One answer."""
        self.statuses[status] = self.statuses.get(status, 0) + 1
        self.seconds[bisect_left(_SECONDS, seconds)] += 1
        self.seconds[-1] += seconds


class _Requests(Metric):
    """The answers that the meters have counted, by operation and status."""

    def state(self) -> State:
        return {
            meter.operation: {str(status): count for status, count in meter.statuses.items()}
            for meter in Meter.all
            if meter.statuses
        }

    def samples(self, state: State) -> Samples:
        return {
            labelled(self.name, operation=operation, status=status): float(count)
            for operation, statuses in state.items()
            for status, count in statuses.items()
        }


class _Latency(Metric):
    """How long the answers took that the meters have counted, by operation."""

    kind = "histogram"

    def state(self) -> State:
        return {meter.operation: list(meter.seconds) for meter in Meter.all if meter.statuses}

    def samples(self, state: State) -> Samples:
        found: Samples = {}
        for operation, observed in state.items():
            found |= _buckets(self.name, _SECONDS, observed, operation=operation)
        return found


def labelled(name: str, **labels: str) -> str:
    """The name of a value, with its labels."""
    said = ",".join(f'{key}="{_escaped(value)}"' for key, value in labels.items())
    return f"{name}{{{said}}}" if said else name


def _escaped(value: str) -> str:
    return value.replace("\\", r"\\").replace('"', r"\"").replace("\n", r"\n")


REQUESTS = _Requests("contactory_requests_total", "Requests answered")
LATENCY = _Latency("contactory_request_seconds", "Seconds from request to answer")
ERRORS = Counter("contactory_errors_total", "Unexpected errors, each of which is a fault of the server")
BATCH = Histogram(
    "contactory_write_batch_size", "Changes that one commit carried", (1, 2, 4, 8, 16, 32, 64, 128)
)
WAITING = Gauge("contactory_writes_waiting", "Changes that wait for a commit")
POOL_SIZE = Gauge("contactory_pool_connections", "Open pool connections")
POOL_USED = Gauge("contactory_pool_connections_in_use", "Pool connections at work")
CONNECTIONS = Gauge("contactory_connections", "Open connections of clients")
REFUSED = Counter("contactory_connections_refused_total", "Connections for which there was no room")
TZDATA = Info("contactory_tzdata_info", "The release of the time zone data")
BUILD = Info("contactory_build_info", "What runs here", version=__version__, python=platform.python_version())
