"""The application with a few operations more, for servers: a test that imported it would change the table.

`POST /v1/uploads` tells what it has got. It takes `wait` ms for each piece, and with `stop` it answers
once it has so many bytes; with `clash` others have changed the same. `GET /v1/ticks` answers line by line for
ever, `GET /v1/broken` ends in the middle. `GET /v1/uploads` tells how many of all have begun, and how they
have ended.
"""

import asyncio
import hashlib
import itertools
from collections import Counter
from collections.abc import AsyncGenerator
from typing import Any

from contactory.app import OPERATIONS
from contactory.asgi import app as app
from contactory.database.db import COLLISION
from contactory.rules.checks import BOOLEAN, integer
from contactory.web.messages import Response, json_response
from contactory.web.operations import Call, Operation

LARGEST = 1 << 30

QUERY = {"wait": integer(0, 10_000), "stop": integer(0, LARGEST), "clash": BOOLEAN}
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
        if call.query.get("clash"):
            raise COLLISION[0]
        outcome = "whole"
    except asyncio.CancelledError:
        outcome = "cancelled"
        raise
    finally:
        ended[outcome] += 1
    return json_response(201, {"bytes": sum(sizes), "sha256": digest.hexdigest(), "pieces": len(sizes)})


async def tick(call: Call) -> Response:
    async def lines() -> AsyncGenerator[bytes]:
        ended["streams begun"] += 1
        try:
            for number in itertools.count():
                yield b"%d\n" % number
                await asyncio.sleep(0.02)
        finally:
            ended["streams ended"] += 1

    return Response(200, stream=lines())


async def break_off(call: Call) -> Response:
    async def lines() -> AsyncGenerator[bytes]:
        yield b"first\n"
        await asyncio.sleep(0.2)
        raise ValueError("secret")

    return Response(200, stream=lines())


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
        query=QUERY,
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
        query=QUERY,
        answers={201: dict[str, Any]},
        in_pieces=3 << 20,
    ),
    *(
        Operation(
            id=name,
            method="GET",
            path=f"/v1/{name}",
            summary="A stream",
            handler=handler,
            permission="read",
            answers={200: str},
        )
        for name, handler in (("ticks", tick), ("broken", break_off))
    ),
    Operation(
        id="uploads",
        method="GET",
        path="/v1/uploads",
        summary="How uploads and streams have ended",
        handler=tell,
        permission="read",
        answers={200: dict[str, Any]},
    ),
]
