"""The operation on time zones."""

from contactory.timezones.current import current_zones
from contactory.timezones.model import SEARCH, matching
from contactory.web.messages import Response, json_response
from contactory.web.operations import Call

LIST_QUERY = {"q": SEARCH}


async def list_timezones(call: Call) -> Response:
    """Every accepted name of a time zone, with its current offset and its next change."""
    zones = await current_zones()
    text: str = call.query.get("q", "")
    return json_response(200, matching(zones, text) if text else zones)
