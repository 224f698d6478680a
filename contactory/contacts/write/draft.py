"""What a change of a contact and a new contact have in common, as their statements take it."""

from datetime import UTC, datetime

import msgspec

from contactory.base.ids import new_id
from contactory.catalog.catalog import Catalog
from contactory.contacts.model import Scalars
from contactory.rules.actor import Actor


class Origin(msgspec.Struct, frozen=True):
    """Who writes, and by which request, as the history names it."""

    actor: Actor
    request_id: str


class Draft(Scalars, kw_only=True):
    """A contact, or a change of one, that is to be written; by a catalogue of that version."""

    workspace_id: str
    catalog_version: int
    timezone_source: str | None = None
    timezones: list[str] | None = None
    """Every zone that is possible, where there are several."""
    tag_ids: list[int] = []
    new_tags: list[str] = []
    """Names of tags that are to be made."""
    at: datetime = msgspec.field(default_factory=lambda: datetime.now(UTC))
    event_id: str = msgspec.field(default_factory=new_id)

    def take_tag_names(self, names: list[str], catalog: Catalog) -> None:
        """Is about the tags of these names, of which those that the catalogue lacks are to be made."""
        self.tag_ids = [catalog.tag_ids[name] for name in names if name in catalog.tag_ids]
        self.new_tags = [name for name in names if name not in catalog.tag_ids]
