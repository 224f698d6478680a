"""What a change of a contact and a new contact have in common, in the shape that their statements take."""

from datetime import UTC, datetime

import msgspec

from contactory.base.ids import new_id
from contactory.catalog.catalog import Catalog
from contactory.contacts.model import Scalars
from contactory.rules.actor import Actor


class Origin(msgspec.Struct, frozen=True):
    """Who writes, and in which request: the history names both."""

    actor: Actor
    request_id: str


class Draft(Scalars, kw_only=True):
    """A new contact, or a change of one, whose names were resolved by a catalogue of this version."""

    workspace_id: str
    catalog_version: int
    actor_type: str
    actor_id: str | None
    via: str
    request_id: str
    timezone_source: str | None = None
    timezones: list[str] | None = None
    """All possible zones, if there are several."""
    tag_ids: list[int] = []
    new_tags: list[str] = []
    """Names of tags that do not exist yet."""
    at: datetime = msgspec.field(default_factory=lambda: datetime.now(UTC))
    event_id: str = msgspec.field(default_factory=new_id)

    def take_tag_names(self, names: list[str], catalog: Catalog) -> None:
        """Takes the tags of these names; the ones that the catalogue does not have will be created."""
        self.tag_ids = [catalog.tag_ids[name] for name in names if name in catalog.tag_ids]
        self.new_tags = [name for name in names if name not in catalog.tag_ids]
