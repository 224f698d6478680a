"""GET /v1/contacts/{id}."""

from tests.world import World

KEYS = [
    "id", "workspaceId", "firstName", "lastName", "email", "phone", "timezone", "tags", "customFields",
    "createdAt", "updatedAt",
]  # fmt: skip


def test_a_contact_has_exactly_the_keys_of_the_contract_in_their_order(world: World) -> None:
    made = world.alice.made(firstName="Jane")
    assert list(world.alice.read(made["id"])) == KEYS
