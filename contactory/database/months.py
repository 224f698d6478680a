"""The months of `contact_events`: a partition for each (periods.py)."""

from datetime import UTC, datetime, timedelta

from contactory.database.periods import Periods

AHEAD = 3
"""How many months are made after the present one."""


def month_of(moment: datetime) -> datetime:
    """The beginning of the month of this moment."""
    return moment.astimezone(UTC).replace(day=1, hour=0, minute=0, second=0, microsecond=0)


def following(month: datetime) -> datetime:
    """The beginning of the next month."""
    return month_of(month + timedelta(days=31))


MONTHS = Periods(
    "contact_events",
    "at",
    begin=month_of,
    following=following,
    label="%Y_%m",
    ahead=AHEAD,
    keys=[
        # A unique index of the whole table would have to include the time.
        "alter table {name} add primary key (workspace_id, contact_id, version)",
        # Its statistics change little while it grows, and no plan needs those of the JSON.
        """alter table {name} set (autovacuum_analyze_scale_factor = 0.5),
                              alter column changes set statistics 0""",
    ],
)
