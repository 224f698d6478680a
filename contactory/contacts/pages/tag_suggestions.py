"""Tags that a script offers while the user types."""

import unicodedata

from contactory.catalog.calls import of_actor, with_catalog
from contactory.catalog.catalog import Catalog
from contactory.dashboard.inputs import TEXT
from contactory.values.compare import compared
from contactory.web.messages import Response, json_response
from contactory.web.operations import Call

_MOST = 20
SUGGESTED = {"q": TEXT, "like": TEXT}


@with_catalog(of_actor)
async def suggest_tags(call: Call, catalog: Catalog) -> Response:
    """The tags whose names contain the text `q`; or those that are `like` a name."""
    if "like" in call.query:
        return json_response(200, like(call.query["like"], catalog))
    typed = compared(call.query.get("q", ""))
    keys = ((name, compared(name)) for name in catalog.tag_ids)
    found = [(not key.startswith(typed), key, name) for name, key in keys if typed in key]
    return json_response(200, [name for *_, name in sorted(found)[:_MOST]])


def like(typed: str, catalog: Catalog) -> list[str]:
    """Tags that differ from a new name only in case and accents; none if the name is not new."""
    name = unicodedata.normalize("NFC", typed.strip())
    key = compared(name)
    if name in catalog.tag_ids:
        return []
    return [other for other in catalog.tag_ids if compared(other) == key][:_MOST]
