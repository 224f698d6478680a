"""The operations on tags."""

from contactory.catalog.calls import changing_catalog, workspace_of
from contactory.rules.checks import BOOLEAN, ID, WORKSPACE_ID, Form, Rule, described
from contactory.rules.errors import NotFound
from contactory.rules.invalid import Invalid
from contactory.tags import store
from contactory.tags.model import CURSOR, TagCursor
from contactory.values.names import NEW_NAME, PREFIX, display_name, prefix
from contactory.web.messages import Response, json_response
from contactory.web.operations import Call
from contactory.web.paging import LIMIT, next_link

WORKSPACE = {"workspaceId": ID}
LIST_QUERY = {
    **WORKSPACE,
    "q": Rule(prefix, PREFIX, narrows=True),
    "limit": LIMIT,
    "cursor": described(CURSOR, "The start of the next page, from the Link header."),
}
RENAME = Form({"workspaceId": WORKSPACE_ID, "name": NEW_NAME, "merge": BOOLEAN}, required=("name",))


async def list_tags(call: Call) -> Response:
    """A page of the workspace's tags."""
    query = call.query
    workspace_id = await workspace_of(call, query.get("workspaceId"))
    limit: int = query.get("limit", 20)
    cursor: TagCursor | None = query.get("cursor")
    async with call.connection() as conn:
        found = await store.list_tags(
            conn,
            workspace_id,
            prefix=query.get("q", ""),
            after=cursor.name if cursor else "",
            limit=limit + 1,
        )
    page = found[:limit]
    following = TagCursor(page[-1].name) if len(found) > limit else None
    return json_response(200, page, next_link(call, following))


def _name(call: Call) -> str:
    try:
        return display_name(call.path["name"])
    except Invalid:
        raise NotFound from None


async def rename_tag(call: Call) -> Response:
    """Renames a tag, or merges it into another."""
    body, name = call.body, _name(call)
    workspace_id = await workspace_of(call, body.get("workspaceId"))
    async with changing_catalog(call, workspace_id) as conn:
        tag = await store.rename_tag(conn, workspace_id, name, body["name"], merge=body.get("merge", False))
    return json_response(200, tag)


async def delete_tag(call: Call) -> Response:
    """Deletes a tag and removes it from every contact."""
    name = _name(call)
    workspace_id = await workspace_of(call, call.query.get("workspaceId"))
    async with changing_catalog(call, workspace_id) as conn:
        await store.delete_tag(conn, workspace_id, name)
    return Response(204)
