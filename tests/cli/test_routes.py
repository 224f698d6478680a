"""`contactory routes` lists what the server answers, and the functions that do."""

import importlib
from typing import Any

from contactory.app import OPERATIONS
from tests.cli.conftest import CommandLine


def found(rows: list[dict[str, Any]], method: str, path: str) -> dict[str, Any]:
    [row] = [row for row in rows if (row["method"], row["path"]) == (method, path)]
    return row


def test_every_operation_is_listed_with_a_handler_that_exists(contactory: CommandLine) -> None:
    rows = contactory.gives("routes")
    assert sorted((row["method"], row["path"]) for row in rows) == sorted(
        (each.method, each.path) for each in OPERATIONS
    )
    for row in rows:
        module, _, name = row["handler"].partition(":")
        assert callable(getattr(importlib.import_module(module), name)), row


def test_a_row_says_who_may_call_it_and_whether_it_is_a_page(contactory: CommandLine) -> None:
    rows = contactory.gives("routes")
    update = found(rows, "PATCH", "/v1/contacts/{id}")
    assert update == {
        "method": "PATCH",
        "path": "/v1/contacts/{id}",
        "permission": "write",
        "operation": "updateContact",
        "page": False,
        "handler": "contactory.contacts.api.one:update_contact",
    }
    assert found(rows, "GET", "/w/{workspaceId}/contacts")["page"] is True
    assert found(rows, "GET", "/health/live")["permission"] is None


def test_people_and_pipes_get_a_line_for_each(contactory: CommandLine) -> None:
    lines = contactory.says("routes").splitlines()
    assert lines[0].split("\t") == ["METHOD", "PATH", "PERMISSION", "HANDLER"]
    update = ["PATCH", "/v1/contacts/{id}", "write", "contactory.contacts.api.one:update_contact"]
    assert update in [line.split("\t") for line in lines]
    assert len(lines) == len(OPERATIONS) + 1


def test_what_a_setting_closes_is_not_listed(contactory: CommandLine) -> None:
    contactory.environment["CONTACTORY_DOCS"] = "false"
    assert "/openapi.json" not in {row["path"] for row in contactory.gives("routes")}
