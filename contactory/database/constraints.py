"""The error for each violated unique index: one table for all stores."""

import re
from typing import NamedTuple

from contactory.rules.errors import Conflict, FieldError


class Taken(NamedTuple):
    """The error for a value that another row has."""

    pointer: str
    detail: str

    def error(self, contact_id: str | None = None) -> FieldError:
        """The error, with the id of the other contact if it is known."""
        return FieldError(self.pointer, None, "taken", self.detail, None, contact_id)


TAKEN = {
    "api_keys_hash": Taken("", "Another API key has the same secret: send the request again"),
    "contacts_email": Taken("/email", "Another contact has this email"),
    "contacts_phone": Taken("/phone", "Another contact has this phone"),
    "custom_fields_name": Taken("/name", "Another custom field of the workspace has this name"),
    "send_windows_default": Taken("/isDefault", "Another send window of the workspace is the default"),
    "send_windows_name": Taken("/name", "Another send window of the workspace has this name"),
    "tags_name": Taken("/name", 'Another tag has this name: send "merge": true to make one tag of the two'),
    "users_email": Taken("/email", "A user of the account signs in with this e-mail address already"),
}
"""By the name of the unique index."""


class Violation(Conflict):
    """409: a statement violated a unique index; `index` is its name, without the suffix of a shard."""

    def __init__(self, index: str) -> None:
        self.index = re.sub(r"_\d+$", "", index)
        taken = TAKEN.get(self.index)
        super().__init__(errors=[taken.error()] if taken else None)
