"""What the API promises of the contacts of one workspace, as plain Python: test_model.py compares them.

Values come in pairs, as a caller may send them and as the API shows them.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

Given = dict[str, Any]
SCALARS = ("firstName", "lastName", "email", "phone", "timezone")
NAMES = {"Ann": "Ann", " Bob\t": "Bob", "": None, None: None}
EMAILS = {
    "ann@example.com": "ann@example.com",
    "ANN@Example.COM": "ANN@example.com",
    "bob@example.com": "bob@example.com",
    "cat@example.com": "cat@example.com",
    " ": None,
    None: None,
}
PHONES = {
    "+14155550101": "+14155550101",
    "+1 (415) 555-0101": "+14155550101",
    "+44 20 7183 8750": "+442071838750",
    "+18005550199": "+18005550199",
    "": None,
    None: None,
}
ZONE_OF = {"+14155550101": "America/Los_Angeles", "+442071838750": "Europe/London"}
TIMEZONES = {
    "Europe/Paris": "Europe/Paris",
    "US/Pacific": "US/Pacific",
    # What is derived from one of the phones too.
    "America/Los_Angeles": "America/Los_Angeles",
    None: None,
}
TAGS = {"a": "a", " b ": "b", "c": "c", "e\u0301": "\u00e9", "\u00e9": "\u00e9", "F": "F"}
PAIRS = {"firstName": NAMES, "lastName": NAMES, "email": EMAILS, "phone": PHONES, "timezone": TIMEZONES}
# By type of field; a value that is no key here is sent as one of these pairs.
VALUES: dict[str, list[tuple[Any, str | None]]] = {
    "text": [("x", "x"), ("", ""), (" y ", " y "), (250.0, "250"), (True, "true"), (None, None)],
    "number": [
        (7, "7"),
        ("7.0", "7"),
        ("-12.50", "-12.5"),
        (0.1, "0.1"),
        (-0.0, "0"),
        (" ", None),
        (None, None),
    ],
}


@dataclass
class Contact:
    """A contact as it should be; `id` and the times are learnt from the API."""

    values: Given = field(default_factory=lambda: dict.fromkeys(SCALARS))
    tags: set[str] = field(default_factory=set)
    source: str | None = None
    """Who gave the time zone."""
    fields: dict[int, str] = field(default_factory=dict)
    """By the number of the field, which a new name does not change."""
    deleted: bool = False
    version: int = 0
    id: str = ""
    updated_at: str = ""
    touched: bool = True
    """An operation was about it since it was last looked at."""
    event: tuple[str, dict[str, tuple[Any, Any]]] = ("", {})
    """The newest event: its type and, by name of field, what was there before and after."""

    def state(self, names: list[str]) -> dict[str, Any]:
        """All that a change can change, under the names that the history gives it."""
        custom = {f"customFields.{names[num]}": value for num, value in self.fields.items()}
        return {**self.values, "timezoneSource": self.source, "tags": sorted(self.tags), **custom}


@dataclass
class Answer:
    """What an operation should answer."""

    status: int
    contact: Contact | None = None


class Workspace:
    """The contacts, tags and custom fields of a workspace, and what each operation makes of them."""

    def __init__(self, fields: list[tuple[str, str]]) -> None:
        self.contacts: list[Contact] = []
        self.tags: set[str] = set()
        self.field_names = [name for name, _ in fields]
        self.field_types = [kind for _, kind in fields]

    def active(self) -> list[Contact]:
        return [contact for contact in self.contacts if not contact.deleted]

    def owner(self, name: str, value: str | None) -> Contact | None:
        """The active contact whose phone or e-mail this is."""
        same = (c for c in self.active() if value and (c.values[name] or "").lower() == value.lower())
        return next(same, None)

    def taken(self, contact: Contact | None, values: Given) -> bool:
        owners = (self.owner(name, values.get(name)) for name in ("phone", "email"))
        return any(owner is not None and owner is not contact for owner in owners)

    def shown(self, contact: Contact) -> Given:
        """The contact as the API shows it, but for id, workspace and times."""
        custom = {name: contact.fields[i] for i, name in enumerate(self.field_names) if i in contact.fields}
        return {**contact.values, "tags": sorted(contact.tags), "customFields": custom}

    # Operations. `given` has values as the API shows them, custom values by the number of the field.

    def create(self, given: Given) -> Answer:
        if self.taken(None, given):
            return Answer(409)
        contact = Contact()
        if not given.get("timezone"):
            derived = ZONE_OF.get(given.get("phone") or "")
            given = {**given, "timezone": derived, "timezoneSource": "phone"}
        self._apply(contact, given, "contact.created")
        self.contacts.append(contact)
        return Answer(201, contact)

    def update(self, contact: Contact, given: Given) -> Answer:
        if contact.deleted:
            return Answer(404)
        if self.taken(contact, given):
            return Answer(409)
        self._apply(contact, given)
        return Answer(200, contact)

    def upsert(self, given: Given, preserve: bool) -> Answer:
        if not given.get("phone") and not given.get("email"):
            return Answer(400)
        found = [self.owner(name, given.get(name)) for name in ("phone", "email")]
        known = [contact for contact in found if contact is not None]
        if not known:
            return self.create(given)
        contact = known[0]
        if known[-1] is not contact:
            return Answer(409)
        if preserve:
            given = {n: v for n, v in given.items() if n not in SCALARS or contact.values[n] is None}
            custom = given.get("customFields", {}).items()
            given["customFields"] = {i: v for i, v in custom if i not in contact.fields}
        else:
            given = {n: v for n, v in given.items() if n != "timezone"}
        self._apply(contact, given)
        return Answer(200, contact)

    def delete(self, contact: Contact) -> Answer:
        if contact.deleted:
            return Answer(404)
        contact.deleted = True
        self._changed(contact, "contact.deleted", {})
        return Answer(204)

    def restore(self, contact: Contact) -> Answer:
        if not contact.deleted:
            return Answer(200, contact)
        if self.taken(contact, contact.values):
            return Answer(409)
        contact.deleted = False
        self._changed(contact, "contact.restored", {})
        return Answer(200, contact)

    def set_tags(self, contact: Contact, tags: Iterable[str]) -> Answer:
        if contact.deleted:
            return Answer(404)
        before, contact.tags = contact.state(self.field_names), set(tags)
        self._settle(contact, before)
        return Answer(200, contact)

    def remove_tag(self, contact: Contact, tag: str) -> Answer:
        if contact.deleted:
            return Answer(404)
        before, contact.tags = contact.state(self.field_names), contact.tags - {tag}
        self._settle(contact, before)
        return Answer(204)

    def rename_tag(self, tag: str, new: str, merge: bool) -> Answer:
        if tag not in self.tags:
            return Answer(404)
        if new in self.tags and new != tag and not merge:
            return Answer(409)
        self._retag(tag, {new})
        return Answer(200)

    def delete_tag(self, tag: str) -> Answer:
        if tag not in self.tags:
            return Answer(404)
        self._retag(tag, set())
        return Answer(204)

    def rename_field(self, num: int, new: str) -> Answer:
        if new in self.field_names and self.field_names[num] != new:
            return Answer(409)
        self.field_names[num] = new
        return Answer(200)

    def _retag(self, tag: str, instead: set[str]) -> None:
        """No contact is changed by that: it shows its tags by other names."""
        self.tags = self.tags - {tag} | instead
        for contact in self.contacts:
            if tag in contact.tags:
                contact.tags = contact.tags - {tag} | instead

    def _apply(self, contact: Contact, given: Given, kind: str = "contact.updated") -> None:
        before = contact.state(self.field_names)
        if "timezone" in given:
            contact.source = given.get("timezoneSource", "caller") if given["timezone"] else None
        contact.values.update({name: value for name, value in given.items() if name in SCALARS})
        contact.tags = contact.tags | set(given.get("tags", ()))
        custom = {**contact.fields, **given.get("customFields", {})}
        contact.fields = {i: value for i, value in custom.items() if value is not None}
        self._settle(contact, before, kind)

    def _settle(self, contact: Contact, before: Given, kind: str = "contact.updated") -> None:
        self.tags |= contact.tags
        contact.touched = True
        after = contact.state(self.field_names)
        names = [name for name in {**before, **after} if before.get(name) != after.get(name)]
        if names or kind != "contact.updated":
            changes = {name: (before.get(name), after.get(name)) for name in names}
            if "timezone" in changes:
                changes.pop("timezoneSource", None)
            self._changed(contact, kind, changes)

    def _changed(self, contact: Contact, kind: str, changes: dict[str, tuple[Any, Any]]) -> None:
        contact.version += 1
        contact.touched = True
        contact.event = (kind, changes)
