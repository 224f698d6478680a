"""Problems (RFC 9457): one class per type, and the one place that renders them."""

from collections.abc import Sequence
from typing import Any, ClassVar, Self

import msgspec

LISTED_ERRORS = 100
"""A request may have a hundred thousand errors: checking stops after this many."""


class FieldError(msgspec.Struct, omit_defaults=True):
    """One error of a request, and its place."""

    pointer: str | None = None
    """JSON Pointer (RFC 6901) into the body."""
    parameter: str | None = None
    """Name of a query parameter or header."""
    code: str = "invalid"
    detail: str = ""
    suggestion: str | None = None
    contact_id: str | None = msgspec.field(default=None, name="contactId")
    """The other contact, in a conflict of two contacts."""


class ProblemBody(msgspec.Struct, rename="camel", kw_only=True, omit_defaults=True):
    """A problem (RFC 9457); `type` is the path of a page that explains it."""

    type: str
    title: str
    status: int
    detail: str
    instance: str
    request_id: str
    retryable: bool
    """Whether the same request may succeed later, unchanged."""
    errors: list[FieldError] = []
    """All errors of the request, each with its place."""


def summary(errors: Sequence[FieldError], more: bool = False) -> str:
    """A problem's detail: the first of its errors, and how many others; with `more`, checking has stopped."""
    first, others = errors[0].detail, len(errors) - 1
    if more:
        return f"{first} (and at least {others + 1} more)"
    return f"{first} (and {others} more)" if others else first


class Problem(Exception):
    """A request that is answered with an error. Subclasses name the type."""

    name: ClassVar[str] = "internal-error"
    title: ClassVar[str] = "Internal Error"
    status: ClassVar[int] = 500
    retryable: ClassVar[bool] = False
    default: ClassVar[str] = "Something went wrong on our side. The request id finds it in the server's log."

    def __init__(
        self,
        detail: str = "",
        errors: list[FieldError] | None = None,
        headers: dict[str, str] | None = None,
        retryable: bool | None = None,
    ) -> None:
        """Without `detail`, the text comes from the errors, otherwise from the type."""
        self.errors = errors or []
        self.detail = detail or (summary(self.errors) if self.errors else self.default)
        super().__init__(self.detail)
        self.headers = headers or {}
        self.may_retry = self.retryable if retryable is None else retryable

    @property
    def header_lines(self) -> list[tuple[str, str]]:
        """The headers of its answer, with names in lower case."""
        return [(name.lower(), value) for name, value in self.headers.items()]

    def body(self, instance: str, request_id: str) -> dict[str, Any]:
        """The problem as a JSON object; `instance` is the path of the request."""
        shown: dict[str, Any] = {
            "type": f"/errors/{self.name}",
            "title": self.title,
            "status": self.status,
            "detail": self.detail,
            "instance": instance,
            "requestId": request_id,
            "retryable": self.may_retry,
        }
        if self.errors:
            shown["errors"] = self.errors
        return shown

    def caught(self) -> Self:
        """The same problem, ready to be kept: without the frames of its traceback and of its causes.

        Otherwise the contents of the frames, a request's body for example, would stay in memory until the
        garbage collection.
        """
        error: BaseException | None = self
        while error is not None:
            error.__traceback__ = None
            error = error.__context__
        return self


class ValidationProblem(Problem):
    """400: the request is not valid for the operation."""

    name = "validation-error"
    title = "Validation Error"
    status = 400
    default = "The request is not valid."


class Unauthorized(Problem):
    """401, with the same body for every fault of the key."""

    name = "unauthorized"
    title = "Unauthorized"
    status = 401
    default = 'A valid API key is required: send it as "Authorization: Bearer KEY".'

    def __init__(self) -> None:
        super().__init__(headers={"WWW-Authenticate": "Bearer"})


class SignedOut(Problem):
    """401 of a page: no user is signed in."""

    name = "unauthorized"
    title = "Unauthorized"
    status = 401
    default = "You are signed out: sign in again."


class Forbidden(Problem):
    """403: the key is valid but does not have the permission."""

    name = "forbidden"
    title = "Forbidden"
    status = 403
    default = "This API key does not have the permission that the operation needs."


class NotFound(Problem):
    """404: the resource does not exist, or the key cannot see it."""

    name = "not-found"
    title = "Not Found"
    status = 404
    default = "The resource does not exist, or this API key cannot see it."


class NoSuchPath(NotFound):
    """404: there is no operation or page at the path."""

    default = "This path does not exist."


class MethodNotAllowed(Problem):
    """405, with the methods that the path takes."""

    name = "method-not-allowed"
    title = "Method Not Allowed"
    status = 405

    def __init__(self, method: str, allowed: list[str]) -> None:
        allow = ", ".join(allowed)
        super().__init__(f"The path does not take {method}; it takes {allow}.", headers={"Allow": allow})


class Conflict(Problem):
    """409: the change conflicts with stored data."""

    name = "conflict"
    title = "Conflict"
    status = 409
    default = "The change conflicts with stored data."


class PreconditionFailed(Problem):
    """412: the contact does not have the version of If-Match."""

    name = "precondition-failed"
    title = "Precondition Failed"
    status = 412

    def __init__(self, version: int) -> None:
        super().__init__(
            f'The contact now has version "{version}": read it again and decide again.',
            headers={"ETag": f'"{version}"'},
        )


class PayloadTooLarge(Problem):
    """413."""

    name = "payload-too-large"
    title = "Payload Too Large"
    status = 413
    default = "The body is too large."


class HeadersTooLarge(Problem):
    """431 (RFC 6585, section 5)."""

    name = "headers-too-large"
    title = "Request Header Fields Too Large"
    status = 431
    default = "The URL and the headers are larger than 64 KiB: shorten them."


class UnsupportedMediaType(Problem):
    """415."""

    name = "unsupported-media-type"
    title = "Unsupported Media Type"
    status = 415
    default = "Send the body as application/json."


class IdempotencyMismatch(Problem):
    """422: the Idempotency-Key was used for another request."""

    name = "idempotency-mismatch"
    title = "Idempotency Mismatch"
    status = 422
    default = (
        "This Idempotency-Key was used for another request within 24 hours: use a new key for a new request."
    )


class RateLimited(Problem):
    """429; `seconds` until the next request may be tried."""

    name = "rate-limited"
    title = "Rate Limited"
    status = 429
    retryable = True

    def __init__(self, seconds: int, detail: str = "") -> None:
        super().__init__(
            detail or f"This API key has used up its rate limit: try again in {seconds} s.",
            headers={"Retry-After": str(seconds)},
        )


class Unavailable(Problem):
    """503: the database is not available or the queue is full; the change may or may not have been stored."""

    name = "unavailable"
    title = "Unavailable"
    status = 503
    retryable = True
    default = "The database cannot be reached: try again in a second."

    def __init__(self, detail: str = "", seconds: int = 1) -> None:
        super().__init__(detail, headers={"Retry-After": str(seconds)})


class TooSlow(Unavailable):
    """503: a statement has reached PostgreSQL's time limit."""

    default = "The database needed too long and stopped: request less at once, or try again later."


PROBLEMS: tuple[type[Problem], ...] = (
    ValidationProblem,
    Unauthorized,
    Forbidden,
    NotFound,
    MethodNotAllowed,
    Conflict,
    PreconditionFailed,
    PayloadTooLarge,
    UnsupportedMediaType,
    IdempotencyMismatch,
    RateLimited,
    HeadersTooLarge,
    Problem,
    Unavailable,
)
