"""Changing a contact's consent on its page, by the rules of the API's PUT."""

from contactory.catalog.calls import of_actor, with_catalog
from contactory.catalog.catalog import Catalog
from contactory.contacts.api.context import context_of
from contactory.contacts.pages.consent_forms import Refused, consent_of
from contactory.contacts.pages.contact import contact_page, fields_of, read_shown
from contactory.contacts.write.commands import write_consent
from contactory.dashboard.html import see_other
from contactory.dashboard.visits import page_path, visit_of
from contactory.rules.errors import ValidationProblem
from contactory.web.messages import Response
from contactory.web.operations import Call


@with_catalog(of_actor)
async def save_consent(call: Call, catalog: Catalog) -> Response:
    """Changes the consent to a channel, or the mark "do not contact"."""
    contact_id, form = call.path_id(), visit_of(call).form
    try:
        await write_consent(context_of(call), catalog, contact_id, consent_of(form))
    except ValidationProblem as problem:
        shown = await read_shown(call, catalog, contact_id)
        fields, refused = fields_of(catalog, shown.contact), Refused(form, problem)
        return await contact_page(call, shown, fields, problem.status, problem.detail, refused)
    return see_other(page_path(call, f"contacts/{contact_id}?done=consent#consent"))
