"""One request from its arrival to its answer."""

import time
from collections.abc import Mapping
from typing import Any, Protocol

from contactory.base.logs import log
from contactory.base.metrics import ERRORS, Meter
from contactory.database.db import COLLISION
from contactory.rules.actor import ANONYMOUS
from contactory.rules.checks import Object
from contactory.rules.errors import MethodNotAllowed, NoSuchPath, Problem, Unavailable, ValidationProblem
from contactory.web.idempotency import claim_of, run_once
from contactory.web.messages import (
    ENDS,
    NO_STORE,
    NOSNIFF,
    Peer,
    Request,
    Response,
    end_in_order,
    problem_response,
)
from contactory.web.operations import Call, Operation, permit, prepare
from contactory.web.packing import WORTH_PACKING, may_pack, pack
from contactory.web.queries import check_query, read_query
from contactory.web.routes import Routes
from contactory.web.shared import Shared

_ATTEMPTS = 5
_ALL_PATHS = "This path does not exist: /docs shows all paths."
_SLOW_SECONDS = 1.0
_LONGEST_ADDRESS = 64  # It may come from a header.


class Pages(Protocol):
    """The differences between pages and the API: sessions, forms, and the form of a problem."""

    async def enter(self, app: Shared, operation: Operation, request: Request, path: dict[str, str]) -> Call:
        """The checked call of a page. Raises a Problem."""
        ...

    def leave(self, call: Call, response: Response) -> Response:
        """The final answer."""
        ...

    def show_problem(self, request: Request, problem: Problem) -> Response | None:
        """The problem as a page; None for a script, which gets JSON."""
        ...

    def asks_for_page(self, request: Request) -> bool:
        """Whether a browser opens this path, which has no page."""
        ...


class Dispatcher:
    """Answers requests by the table of operations."""

    def __init__(self, app: Shared, operations: list[Operation], pages: Pages) -> None:
        self._app = app
        self.largest_whole = max(each.body_limit(app.settings) for each in operations if not each.in_pieces)
        """Bytes of the largest body that is taken as a whole."""
        self._routes = Routes(operations)
        self._pages = pages
        self._unknown = Meter("unknown")

    async def handle(self, request: Request, peer: Peer) -> None:
        """Answers one request, whatever happens."""
        begun = time.perf_counter()
        meter = self._unknown
        operation: Operation | None = None
        try:
            operation, meter, path = self._route(request)
            request.in_pieces = operation.in_pieces > 0
            response = await self._call(operation, request, path)
        except Problem as problem:
            response = self._render(request, problem, operation)
        except ENDS as error:
            end_in_order()
            response = self._unexpected(request, operation, error, Unavailable())
        except Exception as error:
            response = self._unexpected(request, operation, error, Problem())
        if len(response.body) > WORTH_PACKING or response.status == 304:
            await self._pack(request, operation, response)
        response.headers += (("x-request-id", request.request_id), NOSNIFF)
        if response.stream is None:
            peer.send(request, response)
        else:
            await peer.send_stream(request, response, response.stream)
        seconds = time.perf_counter() - begun
        meter.count(response.status, seconds)
        if response.status >= 400 or seconds >= _SLOW_SECONDS or self._app.settings.log_requests == "all":
            self._log(request, operation, response.status, seconds)

    def limit_of(self, request: Request) -> int:
        """How many bytes the body of a request may have."""
        settings = self._app.settings
        try:
            return self._route(request)[0].body_limit(settings)
        except Problem:
            return settings.max_body_bytes

    def _route(self, request: Request) -> tuple[Operation, Meter, dict[str, str]]:
        if request.failure is not None:
            raise request.failure
        found = self._routes.find(request)
        if found is None or "\0" in request.path:
            raise NoSuchPath(_ALL_PATHS if self._app.settings.docs else "")
        leaf, path = found
        method = "GET" if request.method == "HEAD" else request.method
        if method not in leaf.methods:
            raise MethodNotAllowed(request.method, leaf.allowed)
        operation, meter = leaf.methods[method]
        return operation, meter, path

    async def _call(self, operation: Operation, request: Request, path: Mapping[str, str]) -> Response:
        if operation.page:
            call = await self._pages.enter(self._app, operation, request, dict(path))
            return self._pages.leave(call, await self._run(call, b""))
        if operation.permission is None:
            call = Call(operation, request, self._app, ANONYMOUS)
            call.path = dict(path)
            call.query = self._open_query(operation, request)
            return await operation.handler(call)
        actor = await self._app.keys.authenticate(request.header("authorization"))
        request.key_id, request.workspace_id = actor.id, actor.workspace_id
        call = Call(operation, request, self._app, actor)
        call.path = dict(path)
        limited = self._app.limiter.limit(actor) is not None
        try:
            permit(operation, actor)
            if limited and operation.writes:
                await self._app.limiter.draw(actor)
            body = await prepare(call, request, operation.parameters)
            response = await self._run(call, body)
        except Problem as problem:
            response = self._render(request, problem, operation)
        if call.dry_run:
            response.headers.append(("x-dry-run", "true"))
        if limited:
            response.headers += self._app.limiter.headers(actor)
        return response

    def _open_query(self, operation: Operation, request: Request) -> Object:
        if operation.for_programs:
            return check_query(request.query_string, operation.query)
        values, wrong = read_query(request.query_string, operation.query)
        if wrong:
            raise ValidationProblem(errors=wrong)
        return values

    async def _run(self, call: Call, body: bytes) -> Response:
        """The answer of the handler: directly, in a transaction with a rollback, or once for its key."""
        if not call.operation.writes:
            return await call.operation.handler(call)
        claim = claim_of(call, body)
        # A body in pieces is gone once it was taken.
        for _ in range(1 if call.operation.in_pieces else _ATTEMPTS):
            try:
                if call.dry_run:
                    async with call.work.undone():
                        return await call.operation.handler(call)
                if claim is not None:
                    return await run_once(call, claim, call.operation.handler, self._problem_of)
                return await call.operation.handler(call)
            except COLLISION:
                call.begin_anew()
        raise Unavailable("Other requests are changing the same data: try again in a second.")

    async def _pack(self, request: Request, operation: Operation | None, response: Response) -> None:
        """Compresses an answer if that is safe; pages do it themselves."""
        apart = operation is not None and (operation.page or operation.secret)
        if not apart and may_pack(request, response):
            await pack(response)

    def _unexpected(
        self, request: Request, operation: Operation | None, error: BaseException, problem: Problem
    ) -> Response:
        ERRORS.inc()
        # The exception's text may quote what was sent, so only its kind and place are logged.
        frames: list[str] = []
        trace = error.__traceback__
        while trace is not None:
            code = trace.tb_frame.f_code
            frames.append(f"{code.co_filename.rpartition('/')[2]}:{trace.tb_lineno} {code.co_name}")
            trace = trace.tb_next
        name = operation.id if operation else "unknown"
        kind = type(error).__name__
        who = self._who(request)
        log.error("unexpected", **who, operation=name, error=kind, trace=frames[-12:])
        return self._render(request, problem, operation)

    def _log(self, request: Request, operation: Operation | None, status: int, seconds: float) -> None:
        if self._app.settings.log_requests == "none":
            return
        problem = request.problem
        wrong: dict[str, Any] = {}
        if problem is not None:
            # Only codes, because the texts quote the request.
            codes = sorted({error.code for error in problem.errors})
            wrong = {"problem": problem.name, **({"codes": codes} if codes else {})}
        log.info(
            "request",
            **self._who(request),
            operation=operation.id if operation else "unknown",
            method=request.method,
            status=status,
            **wrong,
            ms=round(seconds * 1000, 1),
        )

    def _who(self, request: Request) -> dict[str, str]:
        """The ids of the request and its caller, for the log."""
        ids = {"key": request.key_id, "user": request.user_id, "workspace": request.workspace_id}
        known = {name: value for name, value in ids.items() if value}
        if self._app.settings.log_addresses:
            known["address"] = request.address(self._app.settings.proxies)[:_LONGEST_ADDRESS]
        return {"request_id": request.request_id, **known}

    def _problem_of(self, call: Call, problem: Problem) -> Response:
        return self._render(call.request, problem, call.operation)

    def _render(self, request: Request, problem: Problem, operation: Operation | None = None) -> Response:
        """A problem as an answer; as a page if a browser requested one."""
        request.problem = problem.caught()
        page = operation.page if operation else self._pages.asks_for_page(request)
        shown = self._pages.show_problem(request, problem) if page else None
        if shown is not None:
            return shown
        response = problem_response(problem, request.path, request.request_id)
        if page:
            response.headers.append(NO_STORE)
        return response
