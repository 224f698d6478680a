"""The filter of a plan, in JSON: a contact must match all of its members."""

from collections.abc import Iterator
from typing import cast

from contactory.catalog.catalog import Catalog
from contactory.contacts.columns import CUSTOM
from contactory.contacts.model import parse_fields
from contactory.contacts.read.filter import EVERYTHING, And, Compare, Filter
from contactory.contacts.schemas import CUSTOM_FIELDS
from contactory.rules.checks import Errors, Json, Object, ids_schema, parse_ids
from contactory.rules.invalid import Invalid
from contactory.values.names import NAME, display_name

MOST_IDS = 10_000
MOST_TAGS = 100
PLAN_FILTER: Object = {
    "title": "PlanFilter",
    "type": "object",
    "properties": {
        "tag": {
            "anyOf": [
                NAME.schema,
                {"type": "array", "items": NAME.schema, "minItems": 1, "maxItems": MOST_TAGS},
            ],
            "description": "Only contacts with the tag; several: with all of them.",
        },
        "customFields": {
            **CUSTOM_FIELDS,
            "description": "Only contacts with all these values; null: without a value.",
        },
        "ids": {**ids_schema(MOST_IDS), "description": "Only these contacts."},
    },
    "additionalProperties": False,
    "description": "The contacts of the plan; default: all of the workspace.",
}


def parse_plan_filter(given: Json, catalog: Catalog, errors: Errors, *path: str | int) -> Filter:
    """The filter of a plan; errors go to `errors`."""
    if not isinstance(given, dict):
        errors.add(Invalid("wrong_type", "must be an object with tag, customFields or ids"), *path)
        return EVERYTHING
    return And(tuple(_of_plan(cast(Object, given), catalog, errors, *path)))


def _of_plan(given: Object, catalog: Catalog, errors: Errors, *path: str | int) -> Iterator[Compare]:
    for name, value in given.items():
        if name == "tag":
            yield from _of_tags(value, errors, *path, name)
        elif name == "customFields":
            for num, kept in parse_fields(value, catalog, errors, *path, name).items():
                operator = "empty" if kept is None else "exactly"
                yield Compare(f"{CUSTOM}{num}", operator, kept)
        elif name == "ids":
            yield Compare("id", "in", (*parse_ids(value, errors, MOST_IDS, *path, name),))
        else:
            errors.unknown(name, ("tag", "customFields", "ids"), "field", *path, name)


def _of_tags(value: Json, errors: Errors, *path: str | int) -> Iterator[Compare]:
    items = cast("list[Json]", value if isinstance(value, list) else [value])
    if not 1 <= len(items) <= MOST_TAGS:
        detail = f"must be a tag, or 1 to {MOST_TAGS} of them, not {len(items)}"
        errors.add(Invalid("too_many_tags" if items else "required", detail), *path)
        return
    for index, item in enumerate(items):
        try:
            yield Compare("tags", "has", (display_name(item),))
        except Invalid as error:
            errors.add(error, *path, *([index] if isinstance(value, list) else []))
