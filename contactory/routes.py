"""From a path to the operations that are there."""

from typing import Any

from contactory.metrics import Meter
from contactory.operations import Operation


class Leaf:
    """What a path leads to: its operations by method."""

    __slots__ = ("methods", "names")

    def __init__(self, names: list[str]) -> None:
        self.names = names
        self.methods: dict[str, tuple[Operation, Meter]] = {}


class Routes:
    """The table of operations as a tree of path segments.

    A name in the last segment takes the whole rest of the path, slashes too: a tag may have them.
    """

    def __init__(self, operations: list[Operation]) -> None:
        self._tree: dict[str, Any] = {}
        self._exact: dict[str, Leaf] = {}
        """Leaves by a whole path without a name."""
        self._under: dict[str, Leaf] = {}
        """Leaves with one name, at the end, by the path before it."""
        for operation in operations:
            node = self._tree
            segments = [segment for segment in operation.path.split("/") if segment]
            for segment in segments:
                node = node.setdefault("{}" if segment.startswith("{") else segment, {})
            names = [segment[1:-1] for segment in segments if segment.startswith("{")]
            leaf = node.setdefault("", Leaf(names))
            leaf.methods[operation.method] = (operation, Meter(operation.id))
            if not names:
                self._exact[operation.path] = leaf
            elif operation.path.endswith(f"/{{{names[0]}}}"):
                self._under[operation.path[: -len(names[0]) - 3]] = leaf

    def find(self, path: str) -> tuple[Leaf, dict[str, str]] | None:
        """The leaf of a path, and the values of the names in it."""
        if leaf := self._exact.get(path):
            return leaf, {}
        above, _, name = path.rpartition("/")
        if name and (leaf := self._under.get(above)):
            return leaf, {leaf.names[0]: name}
        return self._walk(path)

    def _walk(self, path: str) -> tuple[Leaf, dict[str, str]] | None:
        node: dict[str, Any] = self._tree
        values: list[str] = []
        segments = path[1:].split("/") if path != "/" else []
        for index, segment in enumerate(segments):
            if segment in node and segment:
                node = node[segment]
            elif "{}" in node:
                node = node["{}"]
                if len(node) == 1 and "" in node:
                    values.append("/".join(segments[index:]))
                    break
                values.append(segment)
            else:
                return None
        leaf: Leaf | None = node.get("") if all(values) else None
        return (leaf, dict(zip(leaf.names, values, strict=True))) if leaf else None
