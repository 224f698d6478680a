"""What is open to everybody: health, metrics, the API's description, and the pages that explain it."""

from contactory.health import live, ready
from contactory.http import Response
from contactory.metrics import CONTENT_TYPE, POOL_SIZE, POOL_USED, WAITING, exposition
from contactory.operations import Call, Operation


async def metrics(call: Call) -> Response:
    """Prometheus metrics."""
    WAITING.set(call.app.changes.waiting + call.app.creates.waiting)
    POOL_SIZE.set(call.app.db.size)
    POOL_USED.set(call.app.db.in_use)
    return Response(200, exposition(), [("content-type", CONTENT_TYPE)])


PAGE_OPERATIONS = [
    Operation(
        id="live", method="GET", path="/health/live", summary="Whether the process lives", handler=live
    ),
    Operation(id="ready", method="GET", path="/health/ready", summary="Whether it can serve", handler=ready),
    Operation(id="metrics", method="GET", path="/metrics", summary="Prometheus metrics", handler=metrics),
]
