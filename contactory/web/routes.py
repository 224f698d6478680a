"""From a path to its operations."""

from contactory.base.metrics import Meter
from contactory.web.messages import Request, Response, decoded
from contactory.web.operations import Call, Operation

_ANY_METHOD = "DELETE, GET, HEAD, OPTIONS, PATCH, POST, PUT"


class Leaf:
    """The end of a path: its operations by method."""

    __slots__ = ("methods", "names")

    def __init__(self, names: list[str]) -> None:
        self.names = names
        self.methods: dict[str, tuple[Operation, Meter]] = {}

    @property
    def allowed(self) -> list[str]:
        """The methods of the path."""
        head = {"HEAD"} if "GET" in self.methods else set[str]()
        return sorted(self.methods.keys() | head | {"OPTIONS"})


class _Node:
    """One segment in the tree of paths."""

    __slots__ = ("below", "leaf", "named")

    def __init__(self) -> None:
        self.below: dict[str, _Node] = {}
        """The next nodes, by fixed segments."""
        self.named: _Node | None = None
        """The next node for a segment that is a name (`{id}`), which matches any text."""
        self.leaf: Leaf | None = None

    def under(self, segment: str) -> "_Node":
        if not segment.startswith("{"):
            return self.below.setdefault(segment, _Node())
        self.named = self.named or _Node()
        return self.named

    @property
    def last(self) -> bool:
        """Whether this is the end of all its paths."""
        return self.named is None and not self.below


class Routes:
    """The table of operations as a tree of path segments.

    A name in the last segment matches the whole rest of the path, including slashes, because a tag may have
    them. A slash at the end is ignored, unless it is encoded.
    """

    def __init__(self, operations: list[Operation]) -> None:
        self._root = _Node()
        self._exact: dict[str, Leaf] = {}
        """Leaves by a complete path without names."""
        self._under: dict[str, Leaf] = {}
        """Leaves with one name at the end, by the path before it."""
        for operation in operations:
            leaf = self._leaf(operation.path)
            leaf.methods[operation.method] = (operation, Meter(operation.id))
        self._exact["*"] = Leaf([])  # The server itself (RFC 9110, section 9.3.7).
        meter = Meter("options")
        for path, leaf in {operation.path: self._leaf(operation.path) for operation in operations}.items():
            leaf.methods["OPTIONS"] = (_options(path, ", ".join(leaf.allowed)), meter)
        self._exact["*"].methods["OPTIONS"] = (_options("*", _ANY_METHOD), meter)

    def _leaf(self, path: str) -> Leaf:
        node = self._root
        segments = [segment for segment in path.split("/") if segment]
        for segment in segments:
            node = node.under(segment)
        if node.leaf is None:
            names = [segment[1:-1] for segment in segments if segment.startswith("{")]
            node.leaf = Leaf(names)
            if not names:
                self._exact[path] = node.leaf
            elif path.endswith(f"/{{{names[0]}}}"):
                self._under[path[: -len(names[0]) - 3]] = node.leaf
        return node.leaf

    def find(self, request: Request) -> tuple[Leaf, dict[str, str]] | None:
        """The leaf of a request's path, and the values of the names in it.

        A slash at the end of the request's path is removed.
        """
        path = request.path
        if not request.encoded:
            if leaf := self._exact.get(path):
                return leaf, {}
            above, _, name = path.rpartition("/")
            if name and (leaf := self._under.get(above)):
                return leaf, {leaf.names[0]: name}
        raw = request.raw_path
        if not raw.startswith(b"/"):
            return None
        # Each segment is decoded on its own: an encoded slash does not separate segments.
        segments = [decoded(segment) for segment in raw.split(b"/")[1:]]
        if len(segments) > 1 and raw.endswith(b"/") and not raw.endswith(b"//"):
            segments.pop()
            request.path = path.removesuffix("/")
        return self._walk(segments)

    def _walk(self, segments: list[str]) -> tuple[Leaf, dict[str, str]] | None:
        node, values = self._root, list[str]()
        for index, segment in enumerate(segments):
            if segment in node.below:
                node = node.below[segment]
            elif node.named is None:
                return None
            else:
                node = node.named
                if node.last:
                    values.append("/".join(segments[index:]))
                    break
                values.append(segment)
        leaf = node.leaf if all(values) else None
        return (leaf, dict(zip(leaf.names, values, strict=True))) if leaf else None


def _options(path: str, allowed: str) -> Operation:
    """The operation that only returns the methods of a path."""

    async def options(call: Call) -> Response:
        return Response(204, b"", [("allow", allowed)])

    return Operation(
        id="options", method="OPTIONS", path=path, summary="The methods of a path", handler=options
    )
