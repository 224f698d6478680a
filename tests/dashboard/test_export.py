"""Contacts as a file: of a selection, of all that match, as CSV and as JSON lines."""

import csv
import io
import json
import re
from typing import Any

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from contactory.base.ids import new_id
from contactory.contacts.columns import Column
from contactory.contacts.pages.export import PIECE
from contactory.contacts.pages.export_formats import as_csv
from contactory.values.field_types.text import TEXT
from contactory.web.spreadsheet import guarded
from tests.dashboard.test_search import settle
from tests.world import Person, World, a_phone


@pytest.fixture
def olive(world: World) -> Person:
    return world.person()


def export(person: Person, world: World, status: int = 200, **form: Any) -> httpx.Response:
    answer = person.post(f"/w/{world.acme}/contacts/export", form)
    assert answer.status_code == status, answer.text
    return answer


def rows_of(answer: httpx.Response) -> list[list[str]]:
    """The cells of a CSV file, its head first."""
    assert answer.content.startswith(b"\xef\xbb\xbf")
    text = answer.content.decode("utf-8-sig")
    assert text.endswith('"\r\n')
    return list(csv.reader(io.StringIO(text, newline=""), strict=True))


def lines_of(answer: httpx.Response) -> list[dict[str, Any]]:
    return [json.loads(line) for line in answer.text.splitlines()]


def test_all_columns_are_exported_as_csv(world: World, olive: Person) -> None:
    world.field("Source, or so")
    phone = a_phone()
    made = world.alice.made(
        firstName='Jane "J"',
        lastName="O'Neil\nDoe",
        phone=phone,
        tags=["b", "a; c"],
        customFields={"Source, or so": "=1+1"},
    )
    head, row = rows_of(export(olive, world, all="1", back="", columns="all"))
    assert head == [
        *("Id", "First name", "Last name", "E-mail", "Phone", "Tags", "Time zone", "Source, or so"),
        *("Created", "Updated"),
    ]
    assert row == [
        *(made["id"], 'Jane "J"', "O'Neil\nDoe", "", phone, "a; c; b", "America/Los_Angeles", "'=1+1"),
        *(made["createdAt"], made["updatedAt"]),
    ]


def test_the_columns_are_those_of_the_layout(world: World, olive: Person) -> None:
    world.alice.made(firstName="Jane", lastName="Doe", tags=["x"])
    order = {"order": ["lastName", "tags", "firstName"], "shown": ["lastName", "firstName"]}
    olive.post(f"/w/{world.acme}/contacts/layout", order)
    head, row = rows_of(export(olive, world, all="1", back=""))
    assert (head[:2], row[:2]) == (["Last name", "First name"], ["Doe", "Jane"])
    assert "Tags" not in head
    [line] = lines_of(export(olive, world, all="1", back="", format="jsonl"))
    assert line["firstName"] == "Jane"
    assert "tags" not in line
    assert "customFields" not in line


def test_json_lines_have_the_contacts_as_the_api_has_them(world: World, olive: Person) -> None:
    world.field("MRR", "number")
    made = [world.alice.made(firstName=f"{i}", customFields={"MRR": i}) for i in range(3)]
    answer = export(olive, world, all="1", back="", format="jsonl", columns="all")
    assert lines_of(answer) == made
    assert answer.headers["content-type"] == "application/jsonl"
    shown = lines_of(export(olive, world, all="1", back="", format="jsonl"))
    assert shown[0]["customFields"] == {"MRR": "0"}
    assert "id" not in shown[0]


def test_what_matches_is_exported_and_nothing_else(world: World, olive: Person) -> None:
    operations = ({"op": "create", "data": {"firstName": f"{i}", "tags": ["x"]}} for i in range(PIECE + 7))
    made = [r["contact"]["id"] for r in world.alice.batch(*operations).json()["results"]]
    world.alice.made(firstName="Other")
    gone = world.alice.made(tags=["x"])
    world.alice.remove(gone["id"])
    back = "where=tags%3Ahas%3Ax&sort=firstName"
    found = lines_of(export(olive, world, all="1", back=back, format="jsonl", columns="all"))
    assert [line["id"] for line in found] == made
    settle(world, PIECE + 8)
    found = lines_of(export(olive, world, all="1", back="q=other", format="jsonl"))
    assert [line["firstName"] for line in found] == ["Other"]


def test_a_selection_is_exported(world: World, olive: Person) -> None:
    ids = [world.alice.made(firstName=f"{i}")["id"] for i in range(4)]
    theirs = world.carol.made(firstName="Carol")["id"]
    world.alice.remove(ids[2])
    chosen = [f"{ids[3]}:1", f"{ids[0]}:1", f"{ids[2]}:1", theirs, "nonsense", ids[0]]
    found = lines_of(export(olive, world, contact=chosen, format="jsonl", columns="all"))
    assert [line["firstName"] for line in found] == ["3", "0"]
    export(olive, world, 400)
    export(olive, world, 400, contact="nonsense")


def test_a_selection_of_twelve_thousand_is_exported(world: World, olive: Person) -> None:
    made = world.alice.made(firstName="Last")["id"]
    chosen = [*(new_id() for _ in range(12_000)), made]
    [line] = lines_of(export(olive, world, contact=chosen, format="jsonl"))
    assert line["firstName"] == "Last"


def test_nobody_is_a_file_too(world: World, olive: Person) -> None:
    assert len(rows_of(export(olive, world, all="1", back=""))) == 1
    assert export(olive, world, all="1", back="", format="jsonl").content == b""


@pytest.mark.parametrize("form", [{"format": "xlsx"}, {"columns": "some"}, {"back": "where=nobody:is:x"}])
def test_an_export_that_is_none_is_refused(world: World, olive: Person, form: dict[str, str]) -> None:
    export(olive, world, 400, **{"all": "1", "back": "", **form})


@pytest.mark.parametrize(
    ("name", "plain"),
    [
        ("Größe & Söhne", "Gr__e S_hne"),
        ('a"b/../c\r\n', "a b .. c"),
        ("株式会社", "____"),
        ("///", "contacts"),
    ],
)
def test_the_file_is_named_after_the_workspace_and_the_day(
    world: World, olive: Person, name: str, plain: str
) -> None:
    world.sql.execute("update workspaces set name = $2 where id = $1", world.acme, name)
    said = export(olive, world, all="1", back="").headers["content-disposition"]
    assert re.fullmatch(
        rf"attachment; filename=\"{re.escape(plain)} \d{{4}}-\d\d-\d\d\.csv\"; filename\*=UTF-8''[\w%.~-]+",
        said,
    )


def test_a_viewer_may_export(world: World) -> None:
    world.alice.made(firstName="Jane")
    assert len(rows_of(export(world.person("viewer"), world, all="1", back=""))) == 2


@pytest.mark.parametrize(
    "text",
    [
        *(
            "=1+1",
            "+1+1",
            "-1+1",
            "@SUM(A1)",
            "\t=1",
            "\r=1",
            "\n=1",
            "=cmd|' /C calc'!A0",
            "＝1",
            "+49 30",
            "-x",
        ),
        *("+", "-", "+1e5", "-1.", "+1,5"),
    ],
)
def test_what_could_be_a_formula_gets_an_apostrophe(text: str) -> None:
    assert guarded(text) == f"'{text}"


@pytest.mark.parametrize("text", ["", "Jane", "+14155551234", "-12.5", "-5", "1+1", "'=1", "a=b", "٣"])
def test_what_is_none_stays_as_it_is(text: str) -> None:
    assert guarded(text) == text


@given(st.lists(st.text(st.characters(exclude_categories=["Cs"]), max_size=20), min_size=1, max_size=4))
def test_every_text_comes_back_out_of_the_file(titles: list[str]) -> None:
    head, _ = as_csv([Column(str(i), title, "text", TEXT.look) for i, title in enumerate(titles)])
    [found] = csv.reader(io.StringIO(head.decode("utf-8-sig"), newline=""), strict=True)
    assert found == [guarded(title) for title in titles]
