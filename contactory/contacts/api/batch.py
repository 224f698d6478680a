"""Many operations in one request: they are independent, and run in order if they could affect one contact."""

import asyncio
from collections import deque
from collections.abc import Awaitable, Sequence
from typing import Any, cast

import msgspec

from contactory.base.turns import Turns
from contactory.catalog.calls import ATTEMPTS, BEING_CHANGED, catalog_of, catalogs_of
from contactory.catalog.catalog import Catalog, Stale
from contactory.contacts.api.batch_steps import Step, in_order, need_identities, parse_step, subjects_of
from contactory.contacts.api.context import context_of
from contactory.contacts.api.services import services_of
from contactory.contacts.identities import Identity, identities
from contactory.contacts.model import Contact
from contactory.contacts.schemas import BATCH_ITEM
from contactory.contacts.write.change import Change, Outcome, new_change
from contactory.contacts.write.commands import Written, create, refuse, upsert, write, written
from contactory.contacts.write.lanes import lock
from contactory.contacts.write.statement import DELETE
from contactory.database.db import Connection
from contactory.rules.checks import WORKSPACE_ID, ErrorBudget, Errors, Form, Json, Object, unchecked
from contactory.rules.errors import PayloadTooLarge, Problem, ProblemBody, Unavailable, ValidationProblem
from contactory.rules.invalid import Invalid
from contactory.web.messages import JSON, Response, encode_json
from contactory.web.operations import Call

MOST = 1000
MOST_BYTES = 63 << 20
"""The limit of the results; with the problems of operations that are not executed, an answer has 64 MiB."""
_AT_ONCE = 128


class Result(msgspec.Struct, omit_defaults=True):
    """The result of one operation: the status that it would have alone, and its contact or problem."""

    status: int
    contact: Contact | None = None
    problem: ProblemBody | None = None


class Results(msgspec.Struct):
    """The results of a batch, in the order of the operations."""

    results: list[Result]


_OPERATIONS = {"type": "array", "items": BATCH_ITEM, "minItems": 1, "maxItems": MOST}
FORM = Form({"workspaceId": WORKSPACE_ID, "operations": unchecked(_OPERATIONS)}, required=("operations",))


async def batch(call: Call) -> Response:
    """Runs up to a thousand operations; the answer has a result for each, in order."""
    operations, workspace_id = _operations(call.body)
    running = _Batch(call, await catalog_of(call, workspace_id), operations)
    await running.run()
    return Response(200, running.answer(), [("content-type", JSON)])


def _operations(body: Object) -> tuple[list[Json], str | None]:
    errors = Errors()
    values = FORM.collect(body, errors)
    operations = body.get("operations")
    if "operations" in body and (not isinstance(operations, list) or not operations):
        errors.add(Invalid("required", f"must be an array of 1 to {MOST} operations"), "operations")
    elif len(cast("list[Json]", operations or ())) > MOST:
        errors.add(Invalid("too_many", f"must have at most {MOST} operations"), "operations")
    errors.check()
    return cast("list[Json]", operations), values.get("workspaceId")


class _Batch:
    """A running batch."""

    def __init__(self, call: Call, catalog: Catalog, operations: list[Json]) -> None:
        self._call = call
        self._ctx = context_of(call)
        self._catalog = catalog
        self._operations = operations
        self._results: list[bytes | None] = [None] * len(operations)
        self._size = self._largest = 0
        self._budget = ErrorBudget()
        self._turns = Turns()

    def answer(self) -> bytes:
        """The results, as JSON."""
        return b'{"results":[' + b",".join(filter(None, self._results)) + b"]}"

    async def run(self) -> None:
        """Executes the operations. An operation whose names were resolved by an old catalogue, and the ones
        after it, are tried again."""
        for _ in range(ATTEMPTS):
            await self._carry_out(await self._steps())
            if not self._left():
                return
            self._catalog = await self._newest()
        for index in self._left():
            self._refuse(index, Unavailable(BEING_CHANGED))

    async def _newest(self) -> Catalog:
        return await catalogs_of(self._call).newest(self._catalog, self._call.conn)

    def _left(self) -> list[int]:
        return [index for index, result in enumerate(self._results) if result is None]

    async def _steps(self) -> list[Step]:
        """The remaining operations, checked. An operation is refused only by the newest catalogue."""
        while True:
            steps: list[Step] = []
            refused: dict[int, Problem] = {}
            for index in self._left():
                try:
                    steps.append(parse_step(self._operations[index], index, self._catalog, self._budget))
                except Problem as problem:
                    refused[index] = problem.caught()
                await self._turns.pause()
            known = self._catalog
            if any(isinstance(problem, ValidationProblem) for problem in refused.values()):
                self._catalog = await self._newest()
            if self._catalog is known:
                for index, problem in refused.items():
                    self._refuse(index, problem)
                return steps

    async def _carry_out(self, steps: list[Step]) -> None:
        """Runs the groups one after the other; stops after a group with an outdated operation."""
        for group in await self._groups(steps):
            await self._run_group(group)
            if any(self._results[step.index] is None for step in group):
                return

    async def _groups(self, steps: list[Step]) -> Sequence[Sequence[Step]]:
        conn, workspace_id = self._call.conn, self._catalog.workspace_id
        if conn is not None:  # A transaction can run only one statement at a time.
            named = [each.id for each in await self._met(conn, steps)]
            await lock(conn, workspace_id, [*named, *(step.contact_id for step in steps if step.contact_id)])
            return [[step] for step in steps]
        if not need_identities(steps):
            return in_order(steps, [])
        async with self._call.connection() as own:
            return in_order(steps, await self._met(own, steps))

    async def _met(self, conn: Connection, steps: list[Step]) -> list[Identity]:
        """The active contacts that the steps name or could find."""
        handles = {handle for step in steps for handle in step.handles}
        return await identities(conn, self._catalog.workspace_id, handles)

    async def _run_group(self, group: Sequence[Step]) -> None:
        """Starts one step after the other, as long as there is room for their results in the answer."""
        at_work: deque[tuple[Step, Awaitable[Object]]] = deque()
        for step in group:
            while at_work and (len(at_work) >= _AT_ONCE or not self._has_room(len(at_work))):
                await self._finish(*at_work.popleft())
            try:
                if not self._has_room(0):
                    raise PayloadTooLarge(_NO_ROOM)
                at_work.append((step, self._begin(step)))
            except Problem as problem:
                self._refuse(step.index, problem)
        while at_work:
            await self._finish(*at_work.popleft())

    def _has_room(self, others: int) -> bool:
        """Whether the answer has room for one more result and those of `others` running steps, all large."""
        return self._size + (others + 1) * self._largest <= MOST_BYTES

    def _begin(self, step: Step) -> Awaitable[Object]:
        call = self._call
        if call.conn is not None:
            return self._alone(step)
        if step.is_plain:
            # Queued at once: a task for each would cost more than its change.
            change = self._change(step)
            return self._written(step, change, services_of(call).changes.put(change))
        return asyncio.create_task(self._alone(step))

    def _change(self, step: Step) -> Change:
        mask = DELETE if step.kind == "delete" else 0
        change = new_change(self._ctx, self._catalog, step.contact_id, mask)
        if step.kind == "update":
            change.take(step.values, self._catalog)
        change.if_match = step.if_match
        return change

    async def _written(self, step: Step, change: Change, writing: "asyncio.Future[Outcome]") -> Object:
        outcome = await writing
        refuse(outcome)
        return _result(step, await written(self._ctx, change, outcome, self._catalog))

    async def _alone(self, step: Step) -> Object:
        ctx, catalog = self._ctx, self._catalog
        if step.kind == "create":
            result = await create(ctx, step.values, catalog)
        elif step.kind == "upsert":
            result = await upsert(ctx, step.values, catalog, step.preserve, step.found)
        else:
            result = await write(ctx, self._change(step), catalog)
        return _result(step, result)

    async def _finish(self, step: Step, work: Awaitable[Object]) -> None:
        try:
            self._keep(step.index, await work)
        except Stale:
            pass  # It remains, and is tried again.
        except Problem as problem:
            self._refuse(step.index, problem)
        await self._turns.pause()

    def _keep(self, index: int, result: Any) -> None:
        encoded = self._results[index] = encode_json(result)
        self._size += len(encoded) + 1
        self._largest = max(self._largest, len(encoded) + 1)

    def _refuse(self, index: int, problem: Problem) -> None:
        request = self._call.request
        if self._call.conn is not None:  # The answer may be stored, and a purge must find it.
            self._call.touched += subjects_of(self._operations[index], self._catalog)
        body = problem.caught().body(f"{request.path}#/operations/{index}", request.request_id)
        self._keep(index, {"status": problem.status, "problem": body})


def _result(step: Step, result: Written) -> Object:
    if step.kind == "delete":
        return {"status": 204}
    return {"status": 201 if result.created else 200, "contact": result.contact}


_NO_ROOM = (
    "The answer would be larger than 64 MiB, so this operation was not executed: send it in another batch."
)
