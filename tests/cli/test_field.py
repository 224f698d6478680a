"""`contactory field`."""

from tests.cli.conftest import CommandLine
from tests.world import World

NOBODY = "019297c4-0000-7000-8000-000000000000"


def test_a_new_field_takes_values_within_a_second(contactory: CommandLine, world: World) -> None:
    contact = world.alice.made()
    made = contactory.gives("field", "create", "MRR", "--workspace", world.acme, "--type", "number")
    assert (made["name"], made["type"], made["workspaceId"]) == ("MRR", "number", world.acme)
    answer = world.alice.patch(contact["id"], {"customFields": {"MRR": 500}})
    assert answer.json()["customFields"] == {"MRR": "500"}


def test_the_list_is_in_the_order_of_the_workspace(contactory: CommandLine, world: World) -> None:
    contactory.says("field", "create", "B", "--workspace", world.acme)
    contactory.says("field", "create", "A", "--workspace", world.acme)
    assert [f["name"] for f in contactory.gives("field", "list", "--workspace", world.acme)] == ["B", "A"]
    assert contactory.gives("field", "list", "--workspace", world.acme_two) == []


def test_what_cannot_be_is_refused_in_a_sentence(contactory: CommandLine, world: World) -> None:
    contactory.says("field", "create", "A", "--workspace", world.acme)
    assert "has this name" in contactory.fails("field", "create", "A", "--workspace", world.acme)
    for words in (("create", "A"), ("list",)):
        said = contactory.fails("field", *words, "--workspace", NOBODY)
        assert said == f"Error: The workspace {NOBODY} does not exist."
    assert "is not one of" in contactory.fails("field", "create", "C", "--type", "x", code=2)
