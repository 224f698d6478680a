"""The parameters of a question about availability: a channel, a send window and a moment."""

from datetime import UTC, datetime

from contactory.local_time.windows import CHANNELS
from contactory.rules.checks import TIMESTAMP, Json, Rule, described, offset_plus, one_of
from contactory.rules.invalid import Invalid
from contactory.values.names import NAME

_FIRST = datetime(1999, 12, 31, tzinfo=UTC)


_LAST = datetime(2100, 1, 2, tzinfo=UTC)


_MONTH_DAYS = (
    "(?:(?:0[13578]|1[02])-(?:0[1-9]|[12][0-9]|3[01])|(?:0[469]|11)-(?:0[1-9]|[12][0-9]|30)"
    "|02-(?:0[1-9]|1[0-9]|2[0-8]))"
)


_CLOCK = r"(?:[01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9](?:\.[0-9]{1,6})?(?:Z|[+-](?:0[0-9]|1[0-3]):[0-5][0-9])"


def _at(value: Json) -> datetime:
    moment: datetime = TIMESTAMP.parse(value)
    if not _FIRST <= moment < _LAST:
        raise Invalid("out_of_range", "must be in the years 2000 to 2099")
    return moment


AT = Rule(
    _at,
    {
        "type": "string",
        "format": "date-time",
        "pattern": f"^20[0-9][0-9]-{_MONTH_DAYS}T{_CLOCK}$",
        "description": "The moment of the question, in the years 2000 to 2099; default: now.",
    },
    plus=offset_plus,
)


CHANNEL = described(one_of(*CHANNELS), "The channel of the contact.")


WINDOW = described(NAME, "The name of the send window; default: the workspace's default for the channel.")


QUESTION = {"channel": CHANNEL, "window": WINDOW, "at": AT}
