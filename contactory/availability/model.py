"""Questions about availability: their bodies and answers."""

import msgspec

from contactory.local_time.verdict import Availability
from contactory.rules.checks import (
    WORKSPACE_ID,
    Errors,
    Form,
    Object,
    ids_schema,
    parse_ids,
    unchecked,
)
from contactory.rules.errors import ProblemBody
from contactory.values.questions import QUESTION

MOST = 1000


_REST = {"workspaceId": WORKSPACE_ID, **QUESTION}
MANY = Form({**_REST, "ids": unchecked(ids_schema(MOST))}, required=("ids", "channel"))


def parse_many(data: Object, errors: Errors) -> Object:
    """The body of a question about several contacts; adds the errors to `errors`."""
    values = MANY.collect(data, errors)
    if "ids" in data:
        values["ids"] = parse_ids(data["ids"], errors, MOST, "ids")
    return values


class AvailabilityResult(msgspec.Struct, omit_defaults=True):
    """The verdict on one of the contacts; 404 if it does not exist or is not visible."""

    id: str
    status: int
    availability: Availability | None = None
    problem: ProblemBody | None = None


class AvailabilityResults(msgspec.Struct):
    """The verdicts on the contacts, in the order of the ids."""

    results: list[AvailabilityResult]
