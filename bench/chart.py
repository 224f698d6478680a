"""The chart for README, from a result: `python -m bench.chart RESULT.json CHART.svg`."""

import sys
from collections.abc import Iterable
from html import escape
from pathlib import Path

from bench.figures import LIMIT_CLIENTS, Figure
from bench.report import Result, load

WIDTH, LABEL, BAR, GAP = 760, 210, 15, 14
_PLOT = WIDTH - LABEL - 150
_OTHERS = {
    "get": "GET",
    "list": "List of 20",
    "pages": "List of 20, all different",
    "create": "Create",
    "upsert": "Upsert",
}
_STYLE = """
svg { font: 13px system-ui, -apple-system, "Segoe UI", Roboto, sans-serif; }
text { fill: #1f2328; } .quiet { fill: #59636e; font-size: 12px; }
.title { font-weight: 600; font-size: 15px; }
.api { fill: #0969da; } .limit { fill: #afb8c1; } .axis { stroke: #d1d9e0; }
@media (prefers-color-scheme: dark) {
  text { fill: #f0f6fc; } .quiet { fill: #9198a1; }
  .api { fill: #4493f8; } .limit { fill: #656c76; } .axis { stroke: #3d444d; }
}
"""


def _text(x: float, y: float, words: str, style: str = "", anchor: str = "start") -> str:
    kind = f' class="{style}"' if style else ""
    return f'<text x="{x:.0f}" y="{y:.0f}" text-anchor="{anchor}"{kind}>{escape(words)}</text>'


def _bar(y: float, value: float, most: float, style: str, words: str) -> list[str]:
    width = max(1.0, _PLOT * value / most)
    return [
        f'<rect class="{style}" x="{LABEL}" y="{y:.0f}" width="{width:.1f}" height="{BAR}" rx="2"/>',
        _text(LABEL + width + 6, y + BAR - 3, words, "" if style == "api" else "quiet"),
    ]


def _panel(top: float, title: str, rows: Iterable[tuple[str, Figure]]) -> tuple[list[str], float]:
    """Pairs of bars, and where the next thing may begin."""
    listed = list(rows)
    most = max(max(figure.api.rate, figure.limit.rate if figure.limit else 0) for _, figure in listed)
    parts, y = [_text(0, top + 14, title, "title")], top + 30
    start = y
    for label, figure in listed:
        parts.append(_text(LABEL - 12, y + BAR + 5, label, anchor="end"))
        parts += _bar(y, figure.api.rate, most, "api", f"{figure.api.rate:,.0f}/s")
        if figure.limit:
            fewer = f" with {LIMIT_CLIENTS}" if figure.clients > LIMIT_CLIENTS else ""
            words = f"{figure.limit.rate:,.0f}/s{fewer}"
            parts += _bar(y + BAR + 2, figure.limit.rate, most, "limit", words)
        y += 2 * BAR + 2 + GAP
    parts.append(f'<path class="axis" d="M{LABEL} {start - 4}V{y - GAP + 4}"/>')
    return parts, y + 10


def _legend(y: float) -> list[str]:
    return [
        f'<rect class="api" x="0" y="{y}" width="12" height="12" rx="2"/>',
        _text(18, y + 11, "Contactory, over HTTP, checked and with history"),
        f'<rect class="limit" x="370" y="{y}" width="12" height="12" rx="2"/>',
        _text(388, y + 11, "pgbench, the best single statement for the same job"),
    ]


def chart(found: Result) -> str:
    """The SVG of a result."""
    by_key = {(figure.scenario, figure.clients): figure for figure in found.figures if not figure.subject}
    patches = [
        (f"{clients} client{'s' * (clients > 1)}", figure)
        for (name, clients), figure in by_key.items()
        if name == "patch"
    ]
    others = [(title, by_key[name, 64]) for name, title in _OTHERS.items() if (name, 64) in by_key]
    parts, y = _legend(0), 36.0
    for title, rows in (("PATCH requests a second", patches), ("Requests a second, 64 clients", others)):
        panel, y = _panel(y, title, rows)
        parts += panel
    m = found.machine
    note = f"{m.processor}, {m.cores} cores shared by server, PostgreSQL {m.postgresql} and load generator; "
    parts.append(_text(0, y + 8, f"{note}{found.contacts:,} contacts; medians. More is better.", "quiet"))
    return _svg(parts, y + 20)


def _svg(parts: list[str], height: float) -> str:
    box = f"-10 -8 {WIDTH + 20} {height + 16:.0f}"
    about = "Requests a second of Contactory beside PostgreSQL alone"
    head = f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="{box}" role="img" aria-label="{about}">'
    return "\n".join([head, f"<style>{_STYLE}</style>", *parts, "</svg>\n"])


def main() -> None:
    """Reads a result and writes its chart."""
    if len(sys.argv) != 3:
        sys.exit("Usage: python -m bench.chart RESULT.json CHART.svg")
    source, target = map(Path, sys.argv[1:])
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_text(chart(load(source)))


if __name__ == "__main__":
    main()
