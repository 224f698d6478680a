"""A custom field: its JSON shape, and the rules for its fields."""

from datetime import datetime

import msgspec

from contactory.rules.checks import WORKSPACE_ID, Form, integer, one_of
from contactory.values.field_types.registry import FIELD_TYPES
from contactory.values.names import NAME


class CustomField(msgspec.Struct, rename="camel"):
    """A custom field as the API shows it; `position` counts from 0."""

    id: str
    workspace_id: str
    name: str
    type: str
    position: int
    created_at: datetime
    updated_at: datetime


class FieldPatch(msgspec.Struct):
    """The values of a request for a field; None for a value that is not sent."""

    name: str | None = None
    type: str | None = None
    position: int | None = None


_GIVEN = {"name": NAME, "type": one_of(*FIELD_TYPES), "position": integer(0, 1_000_000)}
CREATE = Form({"workspaceId": WORKSPACE_ID, **_GIVEN}, required=("name", "type"))
UPDATE = Form(_GIVEN, some=True)
