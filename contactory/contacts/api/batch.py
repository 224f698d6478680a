"""Many operations in one request: they are independent, and run in order if they could affect one contact."""

import asyncio
from collections import deque
from collections.abc import Sequence
from typing import Any, NamedTuple, cast

import msgspec

from contactory.base.turns import Turns
from contactory.catalog.calls import ATTEMPTS, BEING_CHANGED, catalog_of, catalogs_of
from contactory.catalog.catalog import Catalog, Stale
from contactory.contacts.api.batch_steps import Step, in_order, need_identities, parse_step, subjects_of
from contactory.contacts.api.context import context_of
from contactory.contacts.identities import Identity, identities, lock_identities
from contactory.contacts.model import Contact
from contactory.contacts.schemas import BATCH_ITEM
from contactory.contacts.write.change import Change, new_change
from contactory.contacts.write.commands import (
    checked_new,
    refuse_taken,
    refuse_two,
    upsert,
    upsert_change,
    write,
)
from contactory.contacts.write.create import NewContact
from contactory.contacts.write.many import (
    Again,
    ByAddress,
    Changed,
    Created,
    know_tags,
    shown_changes,
    shown_creations,
    write_many,
)
from contactory.contacts.write.statement import DELETE
from contactory.database.db import Connection
from contactory.rules.checks import WORKSPACE_ID, ErrorBudget, Errors, Form, Json, Object, unchecked
from contactory.rules.errors import (
    Conflict,
    PayloadTooLarge,
    Problem,
    ProblemBody,
    Unavailable,
    ValidationProblem,
)
from contactory.rules.invalid import Invalid
from contactory.web.messages import JSON, Response, encode_json
from contactory.web.operations import Call

MOST = 1000
MOST_BYTES = 63 << 20
"""The limit of the results; with the problems of operations that are not executed, an answer has 64 MiB."""
_PIECE = 128
"""Operations that are given to the queues at once, or written by one statement of a transaction."""
_AT_WORK = 2
"""Pieces in the queues at the same time: one is written while the results of the other are rendered."""


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


class _Piece(NamedTuple):
    """Steps at work, with what is written for each of them."""

    changes: list[tuple[Step, Change]]
    creations: list[tuple[Step, NewContact]]
    writing: "asyncio.Future[tuple[Changed, Created]]"

    @property
    def size(self) -> int:
        return len(self.changes) + len(self.creations)


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
        self._again: list[Step] = []

    def answer(self) -> bytes:
        """The results, as JSON."""
        return b'{"results":[' + b",".join(filter(None, self._results)) + b"]}"

    async def run(self) -> None:
        """Executes the operations. An operation whose names were resolved by an old catalogue, and the ones
        after it, are tried again."""
        if self._call.conn is not None:
            await self._take_turn(self._call.conn)
        for _ in range(ATTEMPTS):
            await self._carry_out(await self._steps())
            if not self._left():
                return
            self._catalog = await self._newest()
        for index in self._left():
            self._refuse(index, Unavailable(BEING_CHANGED))

    async def _take_turn(self, conn: Connection) -> None:
        """Lets a batch that has collided with another one run alone, so that they do not collide for ever.

        Both lock addresses in the order of the addresses, but two contacts may exchange theirs.
        """
        how = "pg_advisory_xact_lock" if self._call.failed else "pg_advisory_xact_lock_shared"
        await conn.execute(f"select {how}(hashtextextended($1, {_TURNS}))", self._catalog.workspace_id)

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
                if self._turns.is_over:
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
        met = await self._all_met(steps)
        for group in in_order(steps, met or ()):
            await self._run_group(group, met)
            if any(self._results[step.index] is None for step in group):
                return
            met = None

    async def _all_met(self, steps: Sequence[Step]) -> list[Identity] | None:
        """The active contacts that the steps name or could find, locked in a transaction; None if not needed.

        A transaction locks them all at once, because several such statements could deadlock.
        """
        if self._call.conn is not None:
            handles = {handle for step in steps for handle in step.handles}
            return await lock_identities(self._call.conn, self._catalog.workspace_id, handles)
        return await self._met(steps) if need_identities(steps) else None

    async def _met(self, steps: Sequence[Step]) -> list[Identity]:
        handles = {handle for step in steps for handle in step.handles}
        async with self._call.connection() as conn:
            return await identities(conn, self._catalog.workspace_id, handles)

    async def _run_group(self, group: Sequence[Step], met: list[Identity] | None) -> None:
        """Runs steps of different contacts, as long as there is room for their results in the answer.

        `met` are the contacts that they could find, if these were looked up just before.
        """
        if met is None and any(step.kind == "upsert" for step in group):
            met = await self._met([step for step in group if step.kind == "upsert"])
        known = ByAddress(met or ())
        if self._call.conn is not None:
            group = sorted(group, key=_addresses)
        todo, at_work = deque(group), deque[_Piece]()
        try:
            while todo or at_work:
                room = self._room() - sum(piece.size for piece in at_work)
                if at_work and (len(at_work) == _AT_WORK or room < 1 or not todo):
                    await self._finish(at_work[0])
                    at_work.popleft()
                elif room < 1:
                    self._refuse(todo.popleft().index, PayloadTooLarge(_NO_ROOM))
                else:
                    steps = [todo.popleft() for _ in range(min(_PIECE, room, len(todo)))]
                    at_work.append(self._begin(steps, known, at_work))
        finally:  # After an error too, a transaction can end only when its statement has ended.
            await asyncio.gather(*(piece.writing for piece in at_work), return_exceptions=True)
        again, self._again = self._again, []
        if again:
            await self._try_alone(again)

    def _room(self) -> int:
        """For how many more results the answer has room, if all are as large as the largest one."""
        return (MOST_BYTES - self._size) // self._largest if self._largest else _PIECE

    def _begin(self, steps: Sequence[Step], known: ByAddress, others: Sequence[_Piece]) -> _Piece:
        """Starts to write a piece, in a transaction after the others."""
        changes: list[tuple[Step, Change]] = []
        creations: list[tuple[Step, NewContact]] = []
        for step in steps:
            try:
                prepared = self._prepared(step, known)
            except Problem as problem:
                self._refuse(step.index, problem)
            else:
                if isinstance(prepared, Change):
                    changes.append((step, prepared))
                else:
                    creations.append((step, prepared))
        after = others[-1].writing if others else None
        changed, new = [change for _, change in changes], [new for _, new in creations]
        return _Piece(changes, creations, write_many(self._ctx, self._catalog, changed, new, after))

    def _prepared(self, step: Step, known: ByAddress) -> Change | NewContact:
        values, catalog = step.values, self._catalog
        if step.kind in ("update", "delete"):
            return self._change(step)
        if step.kind == "upsert":
            found = known.found(values.phone, values.email_key)
            refuse_two(found)
            if found.id:
                return upsert_change(self._ctx, values, catalog, step.preserve, found)
        return checked_new(self._ctx, values, catalog)

    def _change(self, step: Step) -> Change:
        mask = DELETE if step.kind == "delete" else 0
        change = new_change(self._ctx, self._catalog, step.contact_id, mask)
        if step.kind == "update":
            change.take(step.values, self._catalog)
        change.if_match = step.if_match
        return change

    async def _finish(self, piece: _Piece) -> None:
        """Waits until a piece is written, and keeps the results."""
        outcomes, created = await piece.writing
        ctx, catalog = self._ctx, self._catalog
        await know_tags(ctx, catalog, outcomes)
        contacts = shown_changes(ctx, catalog, [change for _, change in piece.changes], outcomes)
        for (step, _), contact in zip(piece.changes, contacts, strict=True):
            self._keep_or_try(step, contact, 200)
        names = [step.values.tags for step, _ in piece.creations]
        contacts = shown_creations(ctx, catalog, names, created)
        for (step, _), contact in zip(piece.creations, contacts, strict=True):
            self._keep_or_try(step, contact, 201)
        await self._turns.pause()

    def _keep_or_try(self, step: Step, result: Contact | Exception, status: int) -> None:
        if isinstance(result, Contact):
            self._keep_contact(step, result, status)
        elif isinstance(result, Again):
            self._again.append(step)
        elif isinstance(result, Problem):
            self._refuse(step.index, result)
        elif not isinstance(result, Stale):  # Outdated steps remain, and are tried again.
            raise result

    async def _try_alone(self, steps: Sequence[Step]) -> None:
        """Writes the steps that were refused together with others, or whose contacts have changed."""
        creations = [step for step in steps if step.kind == "create"]
        if creations:
            await self._refuse_taken(creations)
        others = [self._alone(step) for step in steps if step.kind != "create"]
        if self._call.conn is None:
            await asyncio.gather(*others)
        else:
            for each in others:
                await each

    async def _refuse_taken(self, creations: Sequence[Step]) -> None:
        """Refuses creations with the contacts that have their addresses. Outdated ones remain."""
        known = ByAddress(await self._met(creations))
        for step in creations:
            try:
                refuse_taken(known.found(step.values.phone, step.values.email_key))
            except Conflict as taken:
                self._refuse(step.index, taken)

    async def _alone(self, step: Step) -> None:
        ctx, catalog = self._ctx, self._catalog
        try:
            if step.kind == "upsert":
                written = await upsert(ctx, step.values, catalog, step.preserve)
            else:
                written = await write(ctx, self._change(step), catalog)
        except Stale:
            return  # It remains, and is tried again.
        except Problem as problem:
            self._refuse(step.index, problem)
        else:
            self._keep_contact(step, written.contact, 201 if written.created else 200)

    def _keep_contact(self, step: Step, contact: Contact, status: int) -> None:
        if step.kind == "delete":
            self._keep(step.index, {"status": 204})
        else:
            self._keep(step.index, {"status": status, "contact": contact})

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


def _addresses(step: Step) -> tuple[str, str]:
    """The order in which all transactions lock addresses, so that two of them do not deadlock."""
    return step.values.phone or "", step.values.email_key or ""


_TURNS = 20_261_128
"""Marks the locks by which batches of a workspace take turns."""
_NO_ROOM = (
    "The answer would be larger than 64 MiB, so this operation was not executed: send it in another batch."
)
