"""Tags that a script offers while the user types."""

from contactory.dashboard.inputs import TEXT
from contactory.rules.invalid import Invalid
from contactory.tags.store import names_like, suggest_names
from contactory.values.names import display_name
from contactory.web.messages import Response, json_response
from contactory.web.operations import Call

_MOST = 20
SUGGESTED = {"q": TEXT, "like": TEXT}


async def suggest_tags(call: Call) -> Response:
    """The tags whose names contain `q`; or those that look like a new name, except for accents and case."""
    async with call.connection() as conn:
        if "like" not in call.query:
            typed = call.query.get("q", "")
            return json_response(200, await suggest_names(conn, call.workspace_id, typed, _MOST))
        try:
            name = display_name(call.query["like"])
        except Invalid:  # The form refuses it.
            return json_response(200, [])
        return json_response(200, await names_like(conn, call.workspace_id, name))
