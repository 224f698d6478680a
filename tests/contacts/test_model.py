"""Any sequence of operations leaves contacts as the model says (model.py), over HTTP, one workspace a run.

CONTACTORY_TEST_EXAMPLES=500 looks at 500 sequences, other ones each time; else they are few, and the same.
"""

import os
from collections.abc import Callable
from typing import Any

import httpx
import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from tests.contacts.model import PAIRS, TAGS, VALUES, Answer, Contact, Workspace
from tests.world import Caller, World

EXAMPLES = int(os.environ.get("CONTACTORY_TEST_EXAMPLES", "0"))
SETTINGS = settings(
    max_examples=EXAMPLES or 15,
    stateful_step_count=20,
    derandomize=not EXAMPLES,
    database=None,
    deadline=None,
    print_blob=True,
    suppress_health_check=[*HealthCheck],  # pyright: ignore[reportArgumentType] - an enum is its members
    # To make a failure small takes minutes, and the same steps lead to it every time.
    phases=[Phase.generate, Phase.shrink] if EXAMPLES else [Phase.generate],
    report_multiple_bugs=False,
)
FIELDS = [("Plan", "text"), ("Size", "number")]
Pair = tuple[Any, Any]


def pairs(known: dict[Any, Any]) -> st.SearchStrategy[Pair]:
    return st.sampled_from(list(known.items()))


TAG = pairs(TAGS)
GIVEN = st.fixed_dictionaries(
    {},
    optional={
        **{name: pairs(known) for name, known in PAIRS.items()},
        "tags": st.lists(TAG, max_size=3),
        "customFields": st.fixed_dictionaries(
            {}, optional={i: st.sampled_from(VALUES[kind]) for i, (_, kind) in enumerate(FIELDS)}
        ),
    },
).filter(bool)
PICK = st.integers(0, 5)
BATCH = st.lists(
    st.tuples(st.sampled_from(["create", "upsert", "update", "delete"]), PICK, GIVEN, st.booleans()),
    min_size=1,
    max_size=4,
)
FILTERS = st.fixed_dictionaries(
    {},
    optional={
        "email": pairs(PAIRS["email"]).filter(lambda pair: pair[1]),
        "phone": pairs(PAIRS["phone"]).filter(lambda pair: pair[1]),
        "tag": st.lists(TAG, min_size=1, max_size=2),
    },
)


def filled_in(given: dict[str, Any]) -> dict[str, Any]:
    """What of it counts for an upsert: all but empty strings."""

    def counts(pair: Pair) -> bool:
        return not (isinstance(pair[0], str) and not pair[0].strip())

    kept = {name: value for name, value in given.items() if name not in PAIRS or counts(value)}
    custom = {i: pair for i, pair in given.get("customFields", {}).items() if counts(pair)}
    return {**kept, "customFields": custom}


class Contacts(RuleBasedStateMachine):
    """A caller who does what hypothesis likes, and a model that says what must come of it."""

    def __init__(self, caller: Caller, fields: list[str]) -> None:
        super().__init__()
        self.caller = caller
        self.field_ids = fields
        self.model = Workspace(FIELDS)

    def sent(self, given: dict[str, Any]) -> dict[str, Any]:
        """Pairs as they are sent, custom values under the present names of their fields."""
        body = {name: pair[0] for name, pair in given.items() if name in PAIRS}
        if "tags" in given:
            body["tags"] = [sent for sent, _ in given["tags"]]
        if "customFields" in given:
            names = self.model.field_names
            body["customFields"] = {names[i]: sent for i, (sent, _) in given["customFields"].items()}
        return body

    def meant(self, given: dict[str, Any]) -> dict[str, Any]:
        """Pairs as they will be shown."""
        values = {name: pair[1] for name, pair in given.items() if name in PAIRS}
        values["tags"] = [shown for _, shown in given.get("tags", ())]
        values["customFields"] = {i: shown for i, (_, shown) in given.get("customFields", {}).items()}
        return values

    def some(self, pick: int) -> Contact:
        return self.model.contacts[pick % len(self.model.contacts)]

    def agree(self, answer: httpx.Response, expected: Answer) -> None:
        assert answer.status_code == expected.status, answer.text
        if expected.contact:
            self.agree_on(answer.json(), expected.contact)

    def agree_on(self, shown: dict[str, Any], contact: Contact) -> None:
        contact.id = contact.id or shown["id"]
        assert shown["id"] == contact.id
        assert {name: shown[name] for name in self.model.shown(contact)} == self.model.shown(contact)

    some_contacts = precondition(lambda self: self.model.contacts)
    some_tags = precondition(lambda self: self.model.tags)

    def a_tag(self, pick: int) -> str:
        return sorted(self.model.tags)[pick % len(self.model.tags)]

    @initialize(several=st.lists(GIVEN, min_size=2, max_size=3), tags=st.lists(TAG, min_size=2, max_size=2))
    def begin(self, several: list[dict[str, Any]], tags: list[Pair]) -> None:
        for given in several:
            self.create({**given, "tags": tags})

    @precondition(lambda self: len(self.model.contacts) < 6)
    @rule(given=GIVEN)
    def create(self, given: dict[str, Any]) -> None:
        self.agree(self.caller.create(self.sent(given)), self.model.create(self.meant(given)))

    @precondition(lambda self: len(self.model.contacts) < 6)
    @rule(given=GIVEN, preserve=st.booleans())
    def upsert(self, given: dict[str, Any], preserve: bool) -> None:
        answer = self.caller.upsert({**self.sent(given), "preserveExisting": preserve})
        self.agree(answer, self.model.upsert(self.meant(filled_in(given)), preserve))

    @some_contacts
    @rule(pick=PICK, given=GIVEN)
    def patch(self, pick: int, given: dict[str, Any]) -> None:
        contact = self.some(pick)
        answer = self.caller.patch(contact.id, self.sent(given))
        self.agree(answer, self.model.update(contact, self.meant(given)))

    @some_contacts
    @rule(pick=PICK)
    def delete(self, pick: int) -> None:
        contact = self.some(pick)
        self.agree(self.caller.remove(contact.id), self.model.delete(contact))

    @some_contacts
    @rule(pick=PICK)
    def restore(self, pick: int) -> None:
        contact = self.some(pick)
        self.agree(self.caller.restore(contact.id), self.model.restore(contact))

    @some_contacts
    @rule(pick=PICK, tags=st.lists(TAG, max_size=3))
    def set_tags(self, pick: int, tags: list[Pair]) -> None:
        contact = self.some(pick)
        answer = self.caller.set_tags(contact.id, [sent for sent, _ in tags])
        self.agree(answer, self.model.set_tags(contact, [shown for _, shown in tags]))

    @some_contacts
    @rule(pick=PICK, tag=TAG)
    def remove_tag(self, pick: int, tag: Pair) -> None:
        contact = self.some(pick)
        answer = self.caller.delete(f"/v1/contacts/{contact.id}/tags/{tag[0].strip()}")
        self.agree(answer, self.model.remove_tag(contact, tag[1]))

    @some_tags
    @rule(pick=PICK, new=TAG, merge=st.booleans())
    def rename_tag(self, pick: int, new: Pair, merge: bool) -> None:
        tag = self.a_tag(pick)
        answer = self.caller.request("PATCH", f"/v1/tags/{tag}", {"name": new[0], "merge": merge})
        self.agree(answer, self.model.rename_tag(tag, new[1], merge))

    @some_tags
    @rule(pick=PICK)
    def delete_tag(self, pick: int) -> None:
        tag = self.a_tag(pick)
        self.agree(self.caller.delete(f"/v1/tags/{tag}"), self.model.delete_tag(tag))

    @rule(
        num=st.sampled_from(range(len(FIELDS))), name=st.sampled_from(["Plan", "Size", "Größe", "firstName"])
    )
    def rename_field(self, num: int, name: str) -> None:
        answer = self.caller.request("PATCH", f"/v1/custom-fields/{self.field_ids[num]}", {"name": name})
        self.agree(answer, self.model.rename_field(num, name))

    @some_contacts
    @rule(operations=BATCH)
    def batch(self, operations: list[tuple[str, int, dict[str, Any], bool]]) -> None:
        body: list[dict[str, Any]] = []
        expected: list[Callable[[], Answer]] = []
        for op, pick, given, preserve in operations:
            contact, meant = self.some(pick), self.meant(given)
            if op == "create":
                body.append({"op": op, "data": self.sent(given)})
                expected.append(lambda meant=meant: self.model.create(meant))
            elif op == "upsert":
                body.append({"op": op, "data": {**self.sent(given), "preserveExisting": preserve}})
                meant = self.meant(filled_in(given))
                expected.append(lambda meant=meant, keep=preserve: self.model.upsert(meant, keep))
            elif op == "update":
                body.append({"op": op, "id": contact.id, "data": self.sent(given)})
                expected.append(lambda contact=contact, meant=meant: self.model.update(contact, meant))
            else:
                body.append({"op": op, "id": contact.id})
                expected.append(lambda contact=contact: self.model.delete(contact))
        answer = self.caller.batch(*body)
        assert answer.status_code == 200, answer.text
        for result, expect in zip(answer.json()["results"], expected, strict=True):
            due = expect()
            assert result["status"] == due.status, result
            if due.contact:
                self.agree_on(result["contact"], due.contact)

    @rule(filters=FILTERS)
    def find(self, filters: dict[str, Any]) -> None:
        params = {n: [t[0] for t in v] if n == "tag" else v[0] for n, v in filters.items()}
        found = self.caller.list(**params)
        assert found.status_code == 200, found.text
        wanted = {t[1] for t in filters.get("tag", ())}
        due = [
            contact.id
            for contact in self.model.active()
            if wanted <= contact.tags
            and all(self.model.owner(n, filters[n][1]) is contact for n in ("email", "phone") if n in filters)
        ]
        assert sorted(contact["id"] for contact in found.json()) == sorted(due)

    @invariant()
    def all_is_as_the_model_says(self) -> None:
        listed = {contact["id"]: contact for contact in self.caller.list(limit=1000).json()}
        assert listed.keys() == {contact.id for contact in self.model.active()}
        for contact in self.model.contacts:
            if contact.touched:
                self.look_at(contact)
            if not contact.deleted:
                self.agree_on(listed[contact.id], contact)
                assert listed[contact.id]["updatedAt"] == contact.updated_at
        tags = self.caller.get("/v1/tags", limit=1000).json()
        assert {tag["name"]: tag["contactCount"] for tag in tags} == {
            tag: sum(tag in contact.tags for contact in self.model.active()) for tag in self.model.tags
        }

    def look_at(self, contact: Contact) -> None:
        """Version, time and history moved just where something has changed."""
        answer = self.caller.fetch(contact.id, include=["deleted", "timezones"])
        self.agree(answer, Answer(200, contact))
        assert answer.json()["timezoneSource"] == contact.source
        assert (answer.json()["deletedAt"] is not None) == contact.deleted
        assert self.caller.fetch(contact.id).status_code == (404 if contact.deleted else 200)
        events = self.caller.history(contact.id, include="deleted", limit=1000).json()
        known = int(answer.headers["etag"].strip('"'))
        assert known == len(events) == contact.version
        assert answer.json()["updatedAt"] == events[0]["at"] >= contact.updated_at
        assert len({event["at"] for event in events}) == len(events)
        kind, changes = contact.event
        assert events[0]["type"] == kind
        shown = {change["field"]: (change["from"], change["to"]) for change in events[0]["changes"]}
        # A tag that was renamed since has its new name in the history too.
        assert shown == changes or events[0]["at"] == contact.updated_at
        contact.updated_at, contact.touched = events[0]["at"], False


@pytest.mark.timeout(120 + 10 * EXAMPLES)
def test_contacts_are_what_the_model_says(world: World) -> None:
    def fresh() -> Contacts:
        workspace_id = world.workspace()
        fields = [world.field(name, kind, workspace_id) for name, kind in FIELDS]
        return Contacts(world.caller(workspace_id), fields)

    run_state_machine_as_test(fresh, settings=SETTINGS)  # pyright: ignore[reportArgumentType] - any maker
