"""The operation on time zones: its row of the table."""

from contactory.timezones import api
from contactory.timezones.model import ZoneListed
from contactory.web.operations import Operation

TIMEZONE_OPERATIONS = [
    Operation(
        id="listTimezones",
        method="GET",
        path="/v1/timezones",
        summary="List the time zones",
        permission="read",
        handler=api.list_timezones,
        query=api.LIST_QUERY,
        answers={200: list[ZoneListed]},
    ),
]
