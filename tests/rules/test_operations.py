"""The table of operations, its description and the pages say the same."""

import re
from typing import Any

import jsonschema_rs
import pytest

from contactory.app import OPERATIONS
from contactory.public.openapi import describe, statuses, with_fields
from contactory.rules.actor import PERMISSIONS
from contactory.rules.errors import PROBLEMS
from contactory.tags.api import RENAME
from contactory.web.operations import Operation
from tests.world import World

PAGES = {"docs", "static", "errors", "error"}
"""For people: they say nothing about what they answer, and are not described."""
DOORS = {
    *("home", "anyWorkspace", "login", "showSignIn", "signIn", "signOut", "chooseTheme"),
    *("showSetUp", "setUp"),
    *("showInvitation", "acceptInvitation", "showReset", "reset"),
}
"""Pages of the dashboard that are open to everybody."""
OPEN = PAGES | DOORS | {"live", "ready", "metrics", "openapi"}
DESCRIPTION = describe(OPERATIONS)
NAMED = {
    operation["operationId"]: operation for p in DESCRIPTION["paths"].values() for operation in p.values()
}


def test_every_operation_has_a_name_and_a_place_of_its_own() -> None:
    assert len({operation.id for operation in OPERATIONS}) == len(OPERATIONS)
    assert len({(operation.method, operation.path) for operation in OPERATIONS}) == len(OPERATIONS)


def test_the_description_has_every_operation_but_the_pages() -> None:
    described = {
        (method.upper(), path, operation["operationId"])
        for path, methods in DESCRIPTION["paths"].items()
        for method, operation in methods.items()
    }
    assert described == {(o.method, o.path, o.id) for o in OPERATIONS if o.id not in PAGES and not o.page}


@pytest.mark.parametrize("operation", OPERATIONS, ids=lambda operation: operation.id)
def test_an_operation_needs_a_permission_or_is_known_to_be_open(operation: Operation) -> None:
    assert (operation.permission in PERMISSIONS) != (operation.id in OPEN)
    if operation.page:
        assert operation.path.startswith("/w/{workspaceId}") == (operation.permission is not None)
        assert not operation.answers
        assert not operation.idempotent
    else:
        assert operation.path.startswith("/v1/") == (operation.permission is not None)


@pytest.mark.parametrize(
    "operation", [o for o in OPERATIONS if o.answers], ids=lambda operation: operation.id
)
def test_an_operation_describes_all_that_it_takes_and_answers(operation: Operation) -> None:
    shown = NAMED[operation.id]
    names = {parameter["name"] for parameter in shown["parameters"]}
    assert names >= {*operation.parameters, *operation.headers, *re.findall(r"\{(\w+)\}", operation.path)}
    assert set(shown["responses"]) == {*map(str, operation.answers), *map(str, statuses(operation))}
    assert bool(shown["security"]) == (operation.permission is not None)
    assert ("requestBody" in shown) == (operation.body is not None)


def test_every_problem_is_one_schema() -> None:
    for problem in PROBLEMS:
        content = DESCRIPTION["components"]["responses"][str(problem.status)]["content"]
        assert content == {
            "application/problem+json": {"schema": {"$ref": "#/components/schemas/ProblemBody"}}
        }


def test_every_reference_leads_somewhere() -> None:
    for reference in set(re.findall(r"'\$ref': '#/components/(\w+)/(\w[\w-]*)'", str(DESCRIPTION))):
        kind, name = reference
        assert name in DESCRIPTION["components"][kind]


def test_a_workspace_s_key_sees_the_fields_of_its_workspace(world: World) -> None:
    world.field("MRR", "number")
    world.field("Globex only", workspace_id=world.globex)
    shown = world.alice.get("/openapi.json").json()["components"]["schemas"]["CustomFieldValues"]
    assert list(shown["properties"]) == ["MRR"]
    assert shown["additionalProperties"] is False
    check = jsonschema_rs.validator_for({"$schema": "https://json-schema.org/draft/2020-12/schema", **shown})
    assert check.is_valid({"MRR": 5})
    assert check.is_valid({"MRR": "-12.50"})
    assert check.is_valid({"MRR": None})
    assert not check.is_valid({"MRR": "much"})
    assert not check.is_valid({"Globex only": "x"})


def test_others_see_that_there_may_be_fields(world: World) -> None:
    world.field("Lead Source")
    for caller in (world.ada, world.revoked, world.stranger()):
        answer = caller.get("/openapi.json")
        assert answer.status_code == 200
        assert answer.json() == DESCRIPTION


def test_the_description_of_no_fields_takes_no_fields() -> None:
    closed = with_fields(DESCRIPTION, [])["components"]["schemas"]
    assert closed["CustomFieldValues"]["properties"] == {}
    assert closed["Contact"]["properties"]["customFields"]["additionalProperties"] is False
    assert DESCRIPTION["components"]["schemas"]["CustomFieldValues"]["additionalProperties"] is not False


@pytest.mark.parametrize("other", [{"page": True}, {"idempotent": True}, {"body": RENAME}])
def test_a_body_in_pieces_is_not_taken_as_a_whole_as_well(other: dict[str, Any]) -> None:
    given: dict[str, Any] = {"id": "a", "method": "POST", "path": "/v1/a", "summary": "A", "handler": None}
    assert Operation(**given, in_pieces=1).in_pieces == 1
    with pytest.raises(ValueError, match="in pieces"):
        Operation(**given, in_pieces=1, **other)
