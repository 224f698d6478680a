"""An application with one operation more, which takes its body in pieces: imported before a server starts.

`POST /v1/uploads` tells what it has got. It takes `wait` ms for each piece, and with `stop` it answers
once it has so many bytes. `GET /v1/uploads` tells how many uploads have begun, and how they have ended.
"""

import asyncio
import hashlib
from collections import Counter
from typing import Any

from contactory.app import OPERATIONS
from contactory.rules.checks import integer
from contactory.web.messages import Response, json_response
from contactory.web.operations import Call, Operation

LARGEST = 1 << 30
OWN = """
import os, socket, tempfile
from pathlib import Path

import tests.pieces_app
from contactory.process.server import main
from contactory.process.workers import listen

[listening] = listen("127.0.0.1", int(os.environ["CONTACTORY_PORT"]), 1)
main(listening.fileno(), os.pipe()[1], Path(tempfile.mkdtemp()), "server-1")
"""
"""A server process of our own with it."""

ended: Counter[str] = Counter()


async def take(call: Call) -> Response:
    wait, stop = call.query.get("wait", 0), call.query.get("stop", 0)
    ended["begun"] += 1
    outcome = "failed"
    digest, sizes = hashlib.sha256(), list[int]()
    try:
        async for piece in call.pieces():
            digest.update(piece)
            sizes.append(len(piece))
            if stop and sum(sizes) >= stop:
                break
            await asyncio.sleep(wait / 1000)
        outcome = "whole"
    except asyncio.CancelledError:
        outcome = "cancelled"
        raise
    finally:
        ended[outcome] += 1
    return json_response(201, {"bytes": sum(sizes), "sha256": digest.hexdigest(), "pieces": len(sizes)})


async def tell(call: Call) -> Response:
    return json_response(200, ended)


OPERATIONS += [
    Operation(
        id="upload",
        method="POST",
        path="/v1/uploads",
        summary="Takes a file",
        handler=take,
        permission="write",
        query={"wait": integer(0, 10_000), "stop": integer(0, LARGEST)},
        answers={201: dict[str, Any]},
        in_pieces=LARGEST,
    ),
    Operation(
        id="uploadNamed",
        method="PUT",
        path="/v1/uploads/{name}/file",
        summary="Takes a small file",
        handler=take,
        permission="write",
        query={"wait": integer(0, 10_000), "stop": integer(0, LARGEST)},
        answers={201: dict[str, Any]},
        in_pieces=3 << 20,
    ),
    Operation(
        id="uploads",
        method="GET",
        path="/v1/uploads",
        summary="How uploads have ended",
        handler=tell,
        permission="read",
        answers={200: dict[str, Any]},
    ),
]
