"""The settings of tags: a list with counts that load later, and a page to rename, merge or delete a tag."""

from typing import Any
from urllib.parse import urlencode

from contactory.base.ids import parse_number
from contactory.catalog.calls import changing_catalog
from contactory.dashboard.html import errors_by_field, see_other, status_of
from contactory.dashboard.inputs import TEXT, touched
from contactory.dashboard.visits import (
    done_of,
    html_page,
    html_page_or_part,
    html_part,
    page_path,
    visit_of,
    wants_page,
)
from contactory.rules.checks import Form, Rule
from contactory.rules.errors import Conflict, NotFound, Problem, ValidationProblem
from contactory.tags import store
from contactory.tags.model import CURSOR, NamedTag, TagCursor
from contactory.values.names import NAME, NEW_NAME
from contactory.web.messages import Response, json_response
from contactory.web.operations import Call, workspace_page

_HERE = "settings/tags"
PAGE_SIZE = 50
COUNTED = 5
"""The number of tags that one request counts: a tag on a million contacts takes a second."""
_NAME, _INTO = Form({"name": NEW_NAME}, ("name",)), Form({"into": NAME}, ("into",))
_MESSAGES = {
    "renamed": "Tag renamed.",
    "same": "Nothing has changed.",
    "merged": "Tags merged.",
    "deleted": "Tag deleted.",
}
_TAKEN = "Another tag has this name. You can merge the two tags instead."


def _tag_id(text: str) -> int:
    tag_id = parse_number(text)
    if tag_id is None:
        raise NotFound
    return tag_id


async def show_tags(call: Call) -> Response:
    """The tags by name; for a script only the list, or its next rows."""
    typed, cursor = call.query.get("q", "").strip(), call.query.get("cursor")
    async with call.connection() as conn:
        found = await store.list_named(
            conn, call.workspace_id, typed=typed, after=cursor.name if cursor else "", limit=PAGE_SIZE + 1
        )
    tags, following = found[:PAGE_SIZE], None
    if len(found) > PAGE_SIZE:
        following = page_path(
            call, f"{_HERE}?{urlencode({'q': typed, 'cursor': TagCursor(tags[-1].name).text()})}"
        )
    shown: dict[str, Any] = {"tags": tags, "following": following, "typed": typed, "message": None}
    if wants_page(call.request):
        done = done_of(call, _MESSAGES)
        return await html_page(
            call, "tags/list.html", done=done, counted=COUNTED, here=page_path(call, _HERE), **shown
        )
    return html_part(call, f"tags/{'rows' if cursor else 'table'}.html", here=page_path(call, _HERE), **shown)


async def count_tags(call: Call) -> Response:
    """The number of contacts with each of a few tags; for a script."""
    wanted = [_tag_id(text) for text in call.query.get("of", ())][:COUNTED]
    async with call.connection() as conn:
        counts = {str(each): await store.count_carriers(conn, call.workspace_id, each) for each in wanted}
    return json_response(200, counts)


async def show_tag(call: Call) -> Response:
    """One tag, with forms to rename, merge and delete it."""
    async with call.connection() as conn:
        tag = await store.get_named(conn, call.workspace_id, _tag_id(call.path["id"]))
    return await _tag_page(call, tag, tag.name)


async def _tag_page(
    call: Call, tag: NamedTag, name: str, into: str = "", problem: Problem | None = None, sure: str = ""
) -> Response:
    """The page of a tag; `sure` is the new name that looks like the tag `into`, to be confirmed."""
    async with call.connection() as conn:
        count = await store.count_carriers(conn, call.workspace_id, tag.id)
    errors = errors_by_field(problem)
    if problem and any(error.code == "taken" for error in problem.errors):
        errors, into = {"name": _TAKEN}, name
    status = Conflict.status if sure else status_of(problem)
    shown = {"tag": tag, "count": count, "name": name, "into": into, "errors": errors, "sure": sure}
    return await html_page_or_part(
        call, "tags/tag.html", "tags/edit.html", status, here=page_path(call, _HERE), **shown
    )


async def _done(call: Call, done: str, *tags: NamedTag) -> Response:
    """Redirects to the list; for a script the current rows and a message."""
    if wants_page(call.request):
        return see_other(page_path(call, f"{_HERE}?done={done}"))
    shown: dict[str, Any] = {
        "tags": tags,
        "following": None,
        "message": _MESSAGES[done],
        "here": page_path(call, _HERE),
    }
    return html_part(call, "tags/rows.html", **shown)


async def rename_tag(call: Call) -> Response:
    """Renames a tag."""
    workspace_id, typed = call.workspace_id, visit_of(call).value("name")
    async with call.connection() as conn:
        tag = await store.get_named(conn, workspace_id, _tag_id(call.path["id"]))
    if not touched({"name": typed}, {"name": tag.name}):
        return await _done(call, "same", tag)
    try:
        name: str = _NAME.parse({"name": typed})["name"]
        twin = await _twin(call, tag, name)
        if twin and visit_of(call).value("sure") != name:
            return await _tag_page(call, tag, typed, twin, sure=name)
        async with changing_catalog(call, workspace_id) as conn:
            await store.name_tag(conn, workspace_id, tag.name, name, merge=False)
    except (ValidationProblem, Conflict) as problem:
        return await _tag_page(call, tag, typed, problem=problem)
    return await _done(call, "renamed", NamedTag(tag.id, name))


async def _twin(call: Call, tag: NamedTag, name: str) -> str:
    """Another tag that differs from a new name only in case and accents; empty if there is none."""
    async with call.connection() as conn:
        found = await store.names_like(conn, call.workspace_id, name)
    return next((other for other in found if other != tag.name), "")


async def merge_tag(call: Call) -> Response:
    """Merges a tag into another."""
    workspace_id, typed = call.workspace_id, visit_of(call).value("into")
    async with call.connection() as conn:
        tag = await store.get_named(conn, workspace_id, _tag_id(call.path["id"]))
    try:
        into: str = _INTO.parse({"into": typed})["into"]
        async with changing_catalog(call, workspace_id) as conn:
            target = await store.merge_tag(conn, workspace_id, tag.id, into)
    except ValidationProblem as problem:
        return await _tag_page(call, tag, tag.name, typed, problem)
    return await _done(call, "merged", target)


async def delete_tag(call: Call) -> Response:
    """Deletes a tag and removes it from every contact."""
    workspace_id = call.workspace_id
    async with changing_catalog(call, workspace_id) as conn:
        tag = await store.get_named(conn, workspace_id, _tag_id(call.path["id"]))
        await store.delete_tag(conn, workspace_id, tag.name)
    return await _done(call, "deleted")


_TAGS = "settings/tags"
_LIST_QUERY: dict[str, Rule] = {"q": TEXT, "cursor": CURSOR, "done": TEXT}
_COUNT_QUERY: dict[str, Rule] = {"of": TEXT._replace(many=True)}
TAG_PAGES = [
    workspace_page("showTags", "GET", _TAGS, "The tags", show_tags, query=_LIST_QUERY),
    workspace_page("countTags", "GET", f"{_TAGS}/counts", "Count tags", count_tags, query=_COUNT_QUERY),
    workspace_page("showTag", "GET", f"{_TAGS}/{{id}}", "A tag", show_tag, "write"),
    workspace_page("renameTagPage", "POST", f"{_TAGS}/{{id}}", "Rename a tag", rename_tag, "write"),
    workspace_page("mergeTagPage", "POST", f"{_TAGS}/{{id}}/merge", "Merge tags", merge_tag, "write"),
    workspace_page("deleteTagPage", "POST", f"{_TAGS}/{{id}}/delete", "Delete a tag", delete_tag, "admin"),
]
