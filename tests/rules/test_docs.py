"""The documentation names everything that there is, and nothing that there is not."""

import json
import re
import tomllib
from collections.abc import Iterator
from pathlib import Path

import click
import msgspec
import pytest

from contactory.__main__ import main
from contactory.app import OPERATIONS
from contactory.base import metrics
from contactory.base.settings import PREFIX, Settings
from contactory.rules.errors import PROBLEMS

ROOT = Path(__file__).parents[2]
DOCS = ROOT / "docs"
PAGES = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", ROOT / "STYLE.md", *sorted(DOCS.glob("*.md"))]


def page(name: str) -> str:
    return (DOCS / name).read_text("utf-8")


def without_code(text: str) -> str:
    return re.sub(r"```.*?```", "", text, flags=re.DOTALL)


def test_every_setting_stands_in_the_docs_with_its_default() -> None:
    rows = dict(re.findall(rf"^\| `{PREFIX}(\w+)` \| (.+?) \|", page("settings.md"), re.MULTILINE))
    defaults = msgspec.structs.asdict(Settings())
    expected = {name.upper(): f"`{value}`" if value != "" else "empty" for name, value in defaults.items()}
    assert rows == expected


def test_no_page_names_a_setting_that_there_is_not() -> None:
    named = {name for path in PAGES for name in re.findall(rf"{PREFIX}([A-Z_]+)", path.read_text("utf-8"))}
    assert named - {name.upper() for name in Settings.__struct_fields__} <= {"CONFIG"}


def commands(group: click.Group, *path: str) -> Iterator[tuple[str, click.Command]]:
    for name, command in group.commands.items():
        if isinstance(command, click.Group):
            yield from commands(command, *path, name)
        else:
            yield " ".join((*path, name)), command


@pytest.mark.parametrize(("name", "command"), list(commands(main)), ids=str)
def test_every_command_stands_in_the_docs_with_its_options(name: str, command: click.Command) -> None:
    text = page("command-line.md")
    assert f"`contactory {name}" in text
    for parameter in command.params:
        if isinstance(parameter, click.Option):
            assert parameter.opts[0] in text


def test_no_page_names_a_command_that_there_is_not() -> None:
    known = {name.split()[0] for name, _ in commands(main)}
    for path in PAGES:
        for name in re.findall(r"(?:`|^|bin/)contactory ([a-z-]+)", path.read_text("utf-8"), re.MULTILINE):
            assert name in known, f"{path.name}: contactory {name}"


def test_every_type_of_problem_stands_in_the_docs_with_its_status() -> None:
    rows = re.findall(r"^\| `([a-z-]+)` \| (\d{3}) \|", page("errors.md"), re.MULTILINE)
    assert {(name, int(status)) for name, status in rows} == {(p.name, p.status) for p in PROBLEMS}


def test_every_code_of_an_error_stands_in_the_docs() -> None:
    places = (
        r'Invalid\(\s*"([a-z_]+)"',
        r'FieldError\([^"]*(?:f?"[^"]*", None, )"([a-z_]+)"',
        r'code="([a-z_]+)"',
    )
    sources = [path.read_text("utf-8") for path in (ROOT / "contactory").rglob("*.py")]
    used = {code for text in sources for place in places for code in re.findall(place, text)}
    used |= {"unknown_field", "unknown_custom_field"}  # put together from a word
    table = page("errors.md").split("## Codes")[1]
    listed = {
        code
        for row in re.findall(r"^\| (`.*?`) \|", table, re.MULTILINE)
        for code in row.strip("`").split("`, `")
    }
    assert used <= listed
    assert all(
        any(code in text for text in sources) for code in listed - {"unknown_field", "unknown_custom_field"}
    )


def test_every_operation_stands_in_the_docs() -> None:
    text = "\n".join(path.read_text("utf-8") for path in PAGES)
    for operation in OPERATIONS:
        if operation.path.startswith("/v1/"):
            named = rf"{operation.method} {re.escape(operation.path)}(?![/\w])"
            assert re.search(named, text), operation.id


def test_every_metric_stands_in_the_docs() -> None:
    names = re.findall(r'"(contactory_\w+)"', Path(metrics.__file__).read_text("utf-8"))
    assert names
    assert [name for name in names if name not in page("running.md")] == []


def anchors(path: Path) -> set[str]:
    headings = re.findall(r"^#+ (.+)$", without_code(path.read_text("utf-8")), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("path", PAGES, ids=lambda path: path.name)
def test_every_link_of_a_page_leads_somewhere(path: Path) -> None:
    for link in re.findall(r"\]\(([^)\s]+)\)", without_code(path.read_text("utf-8"))):
        target, _, anchor = link.partition("#")
        if target.startswith("https://"):
            continue
        found = (path.parent / target).resolve() if target else path
        assert found.exists(), link
        assert not anchor or anchor in anchors(found), link


@pytest.mark.parametrize("path", PAGES, ids=lambda path: path.name)
def test_every_example_in_json_is_json(path: Path) -> None:
    for example in re.findall(r"```json\n(.*?)```", path.read_text("utf-8"), re.DOTALL):
        json.loads(example)


def test_the_layout_has_the_rooms_in_the_order_of_the_layers() -> None:
    rules = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["tool"]["importlinter"]["contracts"]
    [layers] = [rule["layers"] for rule in rules if "contactory.base" in rule.get("layers", [])]
    block = page("architecture.md").partition("## Layout")[2].split("```")[1]
    lines = [set(re.findall(r"\b\w+(?=/|\.py)", line)) for line in block.splitlines()]
    for layer in layers:
        rooms = set(re.findall(r"contactory\.(\w+)", layer))
        places = [number for number, line in enumerate(lines) if rooms & line]
        assert rooms <= set().union(*lines), layer
        lines = lines[min(places) :]


def test_every_file_that_a_page_names_exists() -> None:
    for path in PAGES:
        for name in re.findall(r"`([\w.]+/[\w./]*\.(?:py|toml|js|html|css|sql))`", path.read_text("utf-8")):
            assert any((base / name).exists() for base in (ROOT, ROOT / "contactory")), f"{path.name}: {name}"


def test_the_docs_name_the_columns_that_cost_a_patch_an_index() -> None:
    schema = (ROOT / "tests" / "rules" / "schema.sql").read_text("utf-8")
    indexes = re.findall(r"INDEX \w+ ON public\.contacts USING \w+ \(([\w, ]+)\)", schema)
    columns = {column for index in indexes for column in index.split(", ")}
    titles = {"phone": "phone", "email_key": "e-mail", "timezone": "time zone", "tag_ids": "tags"}
    assert columns - {"workspace_id", "id", "created_at"} == titles.keys()
    [line] = re.findall(
        r"^A PATCH changes an indexed column only if .*$", page("architecture.md"), re.MULTILINE
    )
    assert all(f"the {title}" in line for title in titles.values())


def test_the_pictures_load_nothing_from_elsewhere() -> None:
    svg = (DOCS / "images" / "terminal.svg").read_text("utf-8")
    assert set(re.findall(r"https?://[^\"' )]+", svg)) == {"http://www.w3.org/2000/svg"}
    assert "url(http" not in svg


@pytest.mark.parametrize(
    ("row", "kind"), [("| empty, where it narrows", "narrows"), ("| given twice", "many")]
)
def test_the_parameters_that_narrow_an_answer_or_may_be_repeated_stand_in_the_docs(
    row: str, kind: str
) -> None:
    rules = [each.query.items() for each in OPERATIONS if each.for_programs]
    known = {name for query in rules for name, rule in query if getattr(rule, kind)}
    [line] = [line for line in page("requests.md").splitlines() if line.startswith(row)]
    assert set(re.findall(r"`(\w+)`", line)) - {"required", "repeated_parameter"} == known


def test_every_page_of_the_docs_stands_in_their_table_of_contents() -> None:
    linked = set(re.findall(r"\]\((\S+\.md)\)", page("README.md")))
    assert {path.name for path in DOCS.glob("*.md")} - {"README.md"} <= linked
