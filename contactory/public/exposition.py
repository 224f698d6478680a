"""The text of `/metrics`: prometheus-client writes it from the numbers of all processes together."""

from collections.abc import Iterable, Iterator, Mapping
from itertools import accumulate

from prometheus_client import CollectorRegistry, ProcessCollector, generate_latest
from prometheus_client.core import (
    CounterMetricFamily,
    GaugeMetricFamily,
    HistogramMetricFamily,
    InfoMetricFamily,
)
from prometheus_client.core import Metric as Family
from prometheus_client.registry import Collector

from contactory.base.metrics import Gauge, Histogram, Info, Metric, Moment, Series
from contactory.base.shared_metrics import Numbers, SharedMetrics, Snapshot, add


def exposition(shared: SharedMetrics, own: bytes) -> bytes:
    """The metrics of all processes; `own` is the snapshot of this one. May run in any thread."""
    registry = CollectorRegistry()
    registry.register(_Processes(shared.supervisor, *shared.read(own)))
    return generate_latest(registry)


class _Processes(Collector):
    """The counters of several processes, for one text."""

    def __init__(self, supervisor: int | None, snapshots: list[Snapshot], total: Numbers) -> None:
        self._supervisor = supervisor
        self._snapshots = snapshots
        self._total = total
        for each in snapshots:
            add(total, each.lasting)
            _add_gauges(total, each.gauges)

    def collect(self) -> Iterator[Family]:
        """The metrics with their values."""
        for metric in Metric.all:
            yield _family(metric, self._total[metric.name])
        for info in Info.all:
            labels: dict[str, str] = {}
            for each in self._snapshots:
                labels |= each.infos.get(info.name, {})
            yield InfoMetricFamily(info.name, info.help, labels)
        pids = {each.process: each.pid for each in self._snapshots}
        supervisor = {"supervisor": self._supervisor} if self._supervisor else {}
        yield from _of_the_system({**supervisor, **pids})


def _add_gauges(total: Numbers, more: Numbers) -> None:
    """As add, but of moments the newest counts."""
    moments = {metric.name for metric in Metric.all if isinstance(metric, Moment)}
    add(total, {name: series for name, series in more.items() if name not in moments})
    for name in moments & more.keys():
        newest = total.setdefault(name, {})
        for labels, numbers in more[name].items():
            newest[labels] = max(newest.get(labels, numbers), numbers)


def _family(metric: Metric, series: Series) -> Family:
    if isinstance(metric, Histogram):
        histogram = HistogramMetricFamily(metric.name, metric.help, labels=metric.labels)
        bounds = [*(str(float(bound)) for bound in metric.bounds), "+Inf"]
        for labels, (*counts, total) in series.items():
            # Each bucket includes the ones below.
            histogram.add_metric(labels, [*zip(bounds, accumulate(counts), strict=False)], total)
        return histogram
    kind = GaugeMetricFamily if isinstance(metric, Gauge) else CounterMetricFamily
    family = kind(metric.name, metric.help, labels=metric.labels)
    for labels, (number,) in series.items():
        family.add_metric(labels, number)
    return family


def _of_the_system(pids: Mapping[str, int]) -> Iterable[Family]:
    """Linux's metrics of processes: time, memory, descriptors. Ended processes have none."""
    families: dict[str, CounterMetricFamily | GaugeMetricFamily] = {}
    for process, pid in sorted(pids.items()):
        for found in ProcessCollector(pid=lambda pid=pid: pid, registry=None).collect():
            kind = CounterMetricFamily if found.type == "counter" else GaugeMetricFamily
            family = kind(found.name, found.documentation, labels=["process"])
            families.setdefault(found.name, family).add_metric([process], found.samples[0].value)
    return families.values()
