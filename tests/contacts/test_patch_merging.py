"""PATCHes that change different things give the same contact in whatever order, and one alone given twice."""

from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.contacts.model import NAMES, TAGS, TIMEZONES, VALUES
from tests.world import World

FIELDS = {"Plan": "text", "Size": "number"}
SCALARS = {"firstName": NAMES, "lastName": NAMES, "timezone": TIMEZONES, "email": ["x@example.com", None]}
# Every value that a PATCH can change, by its path.
VALUE = {
    **{(name,): st.sampled_from(list(known)) for name, known in SCALARS.items()},
    **{
        ("customFields", name): st.sampled_from([sent for sent, _ in VALUES[kind]])
        for name, kind in FIELDS.items()
    },
}
CHANGES = st.fixed_dictionaries({}, optional=VALUE)
ADDED = st.lists(st.sampled_from(list(TAGS)), max_size=3)
OVER_HTTP = settings(
    max_examples=25,
    derandomize=True,
    deadline=None,
    database=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)


def patch_of(changes: dict[tuple[str, ...], Any], tags: list[str]) -> dict[str, Any]:
    body: dict[str, Any] = {"tags": tags}
    for path, value in changes.items():
        inner = body.setdefault("customFields", {}) if path[0] == "customFields" else body
        inner[path[-1]] = value
    return body


def left_by(world: World, workspace_id: str, *patches: dict[str, Any]) -> dict[str, Any]:
    """What is left of a contact after the patches, but for who it is and when that was."""
    started = {"lastName": "Doe", "timezone": "Europe/Paris", "customFields": {"Plan": "old"}, "tags": ["z"]}
    made = world.ada.made({"workspaceId": workspace_id, **started})
    for patch in patches:
        answer = world.ada.patch(made["id"], patch)
        assert answer.status_code == 200, answer.text
    contact = world.ada.read(made["id"])
    assert world.ada.remove(made["id"]).status_code == 204
    return {name: value for name, value in contact.items() if name not in ("id", "createdAt", "updatedAt")}


@OVER_HTTP
@given(CHANGES, st.sets(st.sampled_from(sorted(VALUE))), ADDED, ADDED)
def test_two_patches_of_different_values_commute(
    world: World, changes: dict[Any, Any], chosen: set[Any], tags: list[str], more_tags: list[str]
) -> None:
    home = with_fields(world)
    one = patch_of({path: value for path, value in changes.items() if path in chosen}, tags)
    two = patch_of({path: value for path, value in changes.items() if path not in chosen}, more_tags)
    both = patch_of(changes, tags + more_tags)
    assert left_by(world, home, one, two) == left_by(world, home, two, one) == left_by(world, home, both)


@OVER_HTTP
@given(CHANGES, ADDED)
def test_a_patch_given_twice_changes_nothing_the_second_time(
    world: World, changes: dict[Any, Any], tags: list[str]
) -> None:
    home = with_fields(world)
    made = world.ada.made({"workspaceId": home, "lastName": "Doe", "customFields": {"Plan": "old"}})
    patch = patch_of(changes, tags)
    once = world.ada.patch(made["id"], patch)
    twice = world.ada.patch(made["id"], patch)
    assert twice.json() == once.json()
    assert twice.headers["etag"] == once.headers["etag"]
    world.ada.remove(made["id"])


def with_fields(world: World) -> str:
    """A new workspace with the custom fields."""
    workspace_id = world.workspace()
    for name, kind in FIELDS.items():
        world.field(name, kind, workspace_id)
    return workspace_id
