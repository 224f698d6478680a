"""The checked operations of a batch, and their order."""

from collections.abc import Sequence
from typing import cast

import msgspec

from contactory.base.ids import parse_id, parse_number
from contactory.catalog.catalog import Catalog
from contactory.contacts.identities import Handle, Identity, handles_of
from contactory.contacts.model import Values, parse_upsert, parse_values
from contactory.contacts.write.purge import address_ids
from contactory.rules.checks import BOOLEAN, ErrorBudget, Errors, Json, Object, is_blank, quote
from contactory.rules.errors import NotFound
from contactory.rules.invalid import Invalid

KINDS = ("create", "upsert", "update", "delete")
_NAMES = ("op", "id", "data", "ifMatch")
_BY_ID = ("update", "delete")
_ADDRESSES = frozenset(("phone", "email"))


class Step(msgspec.Struct):
    """One checked operation of a batch."""

    index: int
    """Its place in the batch."""
    kind: str
    contact_id: str = ""
    if_match: list[int] | None = None
    values: Values = msgspec.field(default_factory=Values)
    preserve: bool = False

    @property
    def is_plain(self) -> bool:
        """Whether it can affect only its own contact, for which the writer keeps the order."""
        return self.kind in _BY_ID and _ADDRESSES.isdisjoint(self.values.given)

    @property
    def handles(self) -> list[Handle]:
        """The handles that it could share with other operations."""
        return handles_of(self.contact_id, self.values.phone, self.values.email_key)


def parse_step(operation: Json, index: int, catalog: Catalog, budget: ErrorBudget) -> Step:
    """Checks an operation. Raises ValidationProblem, or NotFound if its id is not valid."""
    errors = Errors(budget)
    if not isinstance(operation, dict):
        errors.add(Invalid("wrong_type", "must be an object"))
        raise errors.problem()
    sent = cast(Object, operation)
    kind = _kind(sent, errors)
    _check_names(sent, kind, errors)
    data = sent.get("data", {})
    if not isinstance(data, dict) or (kind != "delete" and "data" not in sent):
        errors.add(Invalid("required", "must be an object with the contact's fields"), "data")
        data = {}
    if_match = _if_match(sent, kind in _BY_ID, errors)
    errors.check()
    contact_id = parse_id(sent.get("id"))
    if kind in _BY_ID and contact_id is None:
        raise NotFound
    step = Step(index, kind, contact_id or "", if_match)
    if kind != "delete":
        _take(step, dict(cast(Object, data)), catalog, errors)
    errors.check()
    return step


def _kind(sent: Object, errors: Errors) -> str:
    kind = sent.get("op")
    if kind in KINDS:
        return kind
    errors.add(Invalid("unknown_value", f"must be one of {', '.join(KINDS)}"), "op")
    return ""


def _check_names(sent: Object, kind: str, errors: Errors) -> None:
    for name in sent:
        if name not in _NAMES:
            errors.unknown(name, _NAMES, "field", name)
    if kind in _BY_ID and "id" not in sent:
        errors.add(Invalid("required", f"is required for {kind}"), "id")
    if kind and kind not in _BY_ID and "id" in sent:
        errors.add(Invalid("not_here", f"is possible only with update and delete, not with {kind}"), "id")


def _if_match(sent: Object, by_id: bool, errors: Errors) -> list[int] | None:
    """A version, as a number or as an ETag."""
    given = sent.get("ifMatch")
    if given is None:
        return None
    text = str(given).strip('"') if isinstance(given, str | int) and not isinstance(given, bool) else ""
    version = parse_number(text)
    if version is None:
        detail = f"{quote(str(given)[:40])} is not a version of a contact"
        errors.add(Invalid("invalid_version", detail), "ifMatch")
    elif not by_id:
        errors.add(Invalid("not_here", "is possible only with update and delete"), "ifMatch")
    return None if version is None else [version]


def _take(step: Step, data: Object, catalog: Catalog, errors: Errors) -> None:
    if step.kind != "upsert":
        step.values = parse_values(data, catalog, errors, "data")
        return
    preserve = data.pop("preserveExisting", False)
    try:
        step.preserve = not is_blank(preserve) and BOOLEAN.parse(preserve)
    except Invalid as error:
        errors.add(error, "data", "preserveExisting")
    step.values = parse_upsert(data, catalog, errors, "data")


def subjects_of(operation: Json, catalog: Catalog) -> list[str]:
    """The ids by which a purge finds the refusal of an operation: of its contact, phone and e-mail."""
    sent = cast(Object, operation) if isinstance(operation, dict) else {}
    data = sent.get("data")
    given = cast(Object, data) if isinstance(data, dict) else {}
    addresses = {name: given[name] for name in ("phone", "email") if name in given}
    values = parse_values(addresses, catalog, Errors())
    found = address_ids(catalog.workspace_id, values.phone, values.email_key)
    contact_id = parse_id(sent.get("id"))
    return [contact_id, *found] if contact_id else found


def need_identities(steps: Sequence[Step]) -> bool:
    """Whether steps could affect a contact that they name by different handles."""
    apart = {step.kind for step in steps if not step.is_plain}
    only_makes = apart <= {"create"} and not any(step.kind == "delete" for step in steps)
    return len(steps) > 1 and bool(apart) and not only_makes


def in_order(steps: Sequence[Step], identities: Sequence[Identity]) -> list[list[Step]]:
    """The steps in groups that run one after the other; the steps of one group may run at the same time.

    Steps that could affect the same contact are in different groups, in their order, or the writer keeps the
    order. `identities` are those of the contacts that the steps name or could find: they also connect steps.
    """
    if all(step.is_plain for step in steps):
        return [list(steps)] if steps else []
    links = _Links()
    for each in identities:
        links.join(handles_of(each.id, each.phone, each.email_key))
    for step in steps:
        links.join(step.handles)
    groups: list[list[Step]] = []
    last: dict[Handle, tuple[int, bool]] = {}
    for step in steps:
        number = 0
        if step.handles:
            chain = links.root(step.handles[0])
            before, after_plain = last.get(chain, (-1, False))
            number = before if after_plain and step.is_plain else before + 1
            last[chain] = number, step.is_plain
        if number == len(groups):
            groups.append([])
        groups[number].append(step)
    return groups


class _Links:
    """The handles that lead, directly or through others, to one contact (a union-find)."""

    def __init__(self) -> None:
        self._above: dict[Handle, Handle] = {}

    def root(self, handle: Handle) -> Handle:
        """The representative of all handles that are linked with this one."""
        above = self._above
        above.setdefault(handle, handle)
        while above[handle] != handle:
            above[handle] = above[above[handle]]  # Halves the path for later look-ups.
            handle = above[handle]
        return handle

    def join(self, handles: Sequence[Handle]) -> None:
        """Links these handles."""
        for handle in handles[1:]:
            self._above[self.root(handle)] = self.root(handles[0])
