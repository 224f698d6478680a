"""The country of a workspace that has none, chosen with the first phone that needs one."""

from contactory.catalog.calls import catalogs_of, changing_catalog
from contactory.catalog.catalog import Catalog, choose_country
from contactory.dashboard.guess import COUNTRY_CHOICES, guessed_country
from contactory.dashboard.visits import visit_of
from contactory.rules.checks import Object
from contactory.rules.invalid import Invalid
from contactory.values.countries import COUNTRIES
from contactory.values.phones import normalise_phone
from contactory.web.operations import Call

COUNTRY = "defaultCountry"


def country_question(call: Call, catalog: Catalog) -> Object | None:
    """The choice in the form of a new contact; None if there is a country, or the user may not choose."""
    if catalog.country is not None or not call.actor.may("admin"):
        return None
    sent = visit_of(call).form.get(COUNTRY)
    return {"choices": COUNTRY_CHOICES, "value": sent[-1] if sent else guessed_country(call.request)}


async def with_country(call: Call, catalog: Catalog) -> Catalog:
    """The catalogue, after the workspace got the chosen country if the typed phone needs one."""
    visit = visit_of(call)
    country, phone = visit.value(COUNTRY), visit.value("phone")
    if country not in COUNTRIES or country_question(call, catalog) is None or not _needs_one(phone):
        return catalog
    async with changing_catalog(call, catalog.workspace_id) as conn:
        await choose_country(conn, catalog.account_id, country, catalog.workspace_id)
    return await catalogs_of(call).get(catalog.workspace_id) or catalog


def _needs_one(phone: str) -> bool:
    try:
        normalise_phone(phone, None)
    except Invalid as error:
        return error.code == "no_country_code"
    return False
