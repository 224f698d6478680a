"""The suggestions for every input of a time zone in the dashboard; for a script."""

from contactory.dashboard.inputs import TEXT
from contactory.timezones.current import current_places
from contactory.timezones.search import search
from contactory.web.messages import Response, json_response
from contactory.web.operations import Call, workspace_page


async def suggest_time_zones(call: Call) -> Response:
    """The places that the typed text may mean, each with the names of its zone and a title."""
    found = search(await current_places(), call.query.get("q", ""))
    return json_response(200, [{"names": place.names, "title": place.title} for place in found])


TIMEZONE_PAGES = [
    workspace_page(
        "suggestTimeZones", "GET", "time-zones", "Suggest time zones", suggest_time_zones, query={"q": TEXT}
    ),
]
