"""The API's description (OpenAPI 3.1), generated from the table of operations.

Operations with declared answers are described; the others are pages.
"""

import inspect
from collections.abc import Mapping, Sequence
from http import HTTPStatus
from typing import Any, cast, get_origin

import msgspec

from contactory import __version__
from contactory.catalog.catalog import Field
from contactory.contacts.model import Contact
from contactory.rules.checks import ID, Object, Rule
from contactory.rules.errors import PROBLEMS, Problem, ProblemBody
from contactory.values.field_types.registry import type_of
from contactory.values.names import NAME
from contactory.values.phone_pattern import phone_pattern
from contactory.web.operations import Operation

_REF = "#/components/schemas/{name}"
_PATH = {"id": ID.schema, "name": NAME.schema}
_ABOUT = """A contact store. Send your API key with every request: `Authorization: Bearer KEY`.

Every error is a problem (RFC 9457); its `type` leads to a page that explains it. What a key cannot see does
not exist for it. With a workspace's key, this description has the workspace's fields in `customFields`."""
_DRY_RUN = "Check everything and answer as usual, with X-Dry-Run, but store nothing."
_IDEMPOTENCY_KEY: Object = {
    "name": "Idempotency-Key",
    "in": "header",
    "description": "Makes a retry safe: for 24 hours the same request with the same key gets the first "
    "answer again, and another request with it is refused with 422.",
    "schema": {"type": "string", "pattern": "^[!-~](?:[ -~]{0,253}[!-~])?$"},
}
_HEADERS: dict[str, tuple[str, Object]] = {
    "ETag": ("The contact's version.", {"type": "string", "pattern": '^"[0-9]+"$'}),
    "Location": ("The address of the new resource.", {"type": "string"}),
    "Link": ('The next page, as rel="next" (RFC 8288); missing on the last one.', {"type": "string"}),
    "X-Total-Count": ("With count=true: the total number.", {"type": "integer", "minimum": 0}),
    "X-Total-Count-Exact": ("The total number is an estimate.", {"const": "false"}),
    "X-Request-Id": ("The id of the request: the caller's own, or a new one.", {"type": "string"}),
    "X-Dry-Run": ("Nothing was stored, because of dryRun.", {"const": "true"}),
    "Idempotency-Replayed": ("This is the first answer to the Idempotency-Key, again.", {"const": "true"}),
    "RateLimit": ("The remaining writes of a limited key.", {"type": "string"}),
    "RateLimit-Policy": ("The limit of a limited key.", {"type": "string"}),
    "Retry-After": ("Seconds after which to try again.", {"type": "integer", "minimum": 1}),
    "WWW-Authenticate": ("How to authenticate.", {"const": "Bearer"}),
}
_ALWAYS = ("ETag", "X-Request-Id", "WWW-Authenticate")
_PROBLEM_HEADERS = {
    401: "WWW-Authenticate",
    409: "Retry-After",
    412: "ETag",
    429: "Retry-After",
    503: "Retry-After",
}


def describe(operations: Sequence[Operation]) -> Object:
    """The public description, as a JSON object."""
    shown = [operation for operation in operations if operation.answers]
    types = [kind for operation in shown for kind in operation.answers.values() if kind is not None]
    _, answers = msgspec.json.schema_components([*types, ProblemBody], ref_template=_REF)
    schemas: Object = dict(answers)
    paths: dict[str, Object] = {}
    for operation in shown:
        described = _hoisted(_operation(operation, shown), schemas)
        paths.setdefault(operation.path, {})[operation.method.lower()] = described
    schemas["PhoneNumber"]["pattern"] = phone_pattern()
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Contactory",
            "version": __version__,
            "description": _ABOUT,
            "license": {"name": "Apache 2.0", "identifier": "Apache-2.0"},
        },
        "servers": [{"url": "/"}],
        "tags": [{"name": name} for name in dict.fromkeys(map(_tag, shown))],
        "paths": paths,
        "components": {
            "schemas": dict(sorted(schemas.items())),
            "headers": {name: _header(name) for name in _HEADERS},
            "responses": {f"{kind.status}": _problem(kind) for kind in PROBLEMS},
            "securitySchemes": {"apiKey": {"type": "http", "scheme": "bearer", "description": "An API key."}},
        },
    }


def with_fields(description: Object, fields: Sequence[Field]) -> Object:
    """The description for one workspace: `customFields` has exactly its fields, each with its schema."""
    components: Object = description["components"]
    schemas: Object = dict(components["schemas"])
    written = {field.name: {**type_of(field.type).schema, "title": field.name} for field in fields}
    shown = {field.name: {"type": "string", "title": field.name} for field in fields}
    schemas["CustomFieldValues"] = _closed(schemas["CustomFieldValues"], written)
    for name in ("Contact", "ContactIncluded"):
        properties = schemas[name]["properties"]
        closed = _closed(properties["customFields"], shown)
        schemas[name] = {**schemas[name], "properties": {**properties, "customFields": closed}}
    return {**description, "components": {**components, "schemas": schemas}}


def _closed(schema: Object, properties: Object) -> Object:
    return {**schema, "properties": properties, "additionalProperties": False}


def _hoisted(value: Any, components: Object) -> Any:
    """`value` with every titled schema moved to `components` and replaced by a reference."""
    if isinstance(value, list | tuple):
        return [_hoisted(item, components) for item in cast("list[Any]", value)]
    if not isinstance(value, Mapping):
        return value
    found = {key: _hoisted(item, components) for key, item in cast(Mapping[str, Any], value).items()}
    title = found.pop("title", None)
    if not isinstance(title, str):
        return found if title is None else {**found, "title": title}
    components[title] = found
    return {"$ref": _REF.format(name=title)}


def _tag(operation: Operation) -> str:
    """The heading of an operation, from its path."""
    version, _, rest = operation.path.strip("/").partition("/")
    return rest.partition("/")[0].replace("-", " ").capitalize() if version == "v1" else "Server"


def _operation(operation: Operation, others: Sequence[Operation]) -> Object:
    shown: Object = {
        "operationId": operation.id,
        "summary": operation.summary,
        "description": _description(operation),
        "tags": [_tag(operation)],
        "parameters": _parameters(operation),
        "responses": _responses(operation, others),
        "security": [{"apiKey": []}] if operation.permission else [],
    }
    if operation.body is not None:
        types = ["application/json", *(["application/merge-patch+json"] if operation.merge_patch else [])]
        content = {media: {"schema": operation.body.schema} for media in types}
        shown["requestBody"] = {"required": True, "content": content}
    return shown


def _description(operation: Operation) -> str:
    text = inspect.getdoc(operation.handler) or ""
    return f"{text}\n\nPermission: `{operation.permission}`." if operation.permission else text


def _parameters(operation: Operation) -> list[Object]:
    names = [part[1:-1] for part in operation.path.split("/") if part.startswith("{")]
    path = [{"name": name, "in": "path", "required": True, "schema": _PATH[name]} for name in names]
    query = [
        _query_parameter(name, rule, name in operation.required)
        for name, rule in operation.parameters.items()
    ]
    headers: list[Object] = [
        {"name": name, "in": "header", "description": text, "schema": {"type": "string"}}
        for name, text in operation.headers.items()
    ]
    return [*path, *query, *headers, *([_IDEMPOTENCY_KEY] if operation.idempotent else [])]


def _query_parameter(name: str, rule: Rule, required: bool) -> Object:
    schema = dict(rule.schema)
    shown: Object = {"name": name, "in": "query", **({"required": True} if required else {})}
    if not (rule.narrows or required):
        shown["allowEmptyValue"] = True  # It counts as not sent.
    description = _DRY_RUN if name == "dryRun" else schema.pop("description", None)
    if description:
        shown["description"] = description
    if rule.many:
        return {**shown, "schema": {"type": "array", "items": schema}, "style": "form", "explode": True}
    return {**shown, "schema": schema}


def _responses(operation: Operation, others: Sequence[Operation]) -> Object:
    shown = {str(status): _answer(operation, status, others) for status in sorted(operation.answers)}
    return shown | {
        str(status): {"$ref": f"#/components/responses/{status}"} for status in statuses(operation)
    }


def statuses(operation: Operation) -> list[int]:
    """Every status of a problem that the operation may answer with."""
    found = {400, 500, *operation.problems}
    if operation.permission:
        found |= {401, 403, 429, 503}
    if "{" in operation.path:
        found.add(404)
    if operation.body is not None:
        found |= {413, 415}
    if operation.idempotent:
        found |= {409, 422}
    return sorted(found)


def _answer(operation: Operation, status: int, others: Sequence[Operation]) -> Object:
    kind = operation.answers[status]
    names = ["X-Request-Id", *_answer_headers(operation, status, kind)]
    shown: Object = {
        "description": HTTPStatus(status).phrase,
        "headers": {name: {"$ref": f"#/components/headers/{name}"} for name in names},
    }
    if kind is not None:
        (schema,), _ = msgspec.json.schema_components([kind], ref_template=_REF)
        media = "text/plain" if kind is str else "application/json"
        csv: Object = {"text/csv": {"schema": {"type": "string"}}} if operation.csv else {}
        shown["content"] = {media: {"schema": schema}, **csv}
    if status == 201:
        shown["links"] = _links(operation, others)
    return shown


def _answer_headers(operation: Operation, status: int, kind: Any) -> list[str]:
    one = isinstance(kind, type) and issubclass(kind, Contact)
    many = get_origin(kind) is list
    wanted = {
        "ETag": one or status == 304,
        "Location": status == 201,
        "Link": many,
        "X-Total-Count": "count" in operation.query,
        "X-Total-Count-Exact": "count" in operation.query,
        "X-Dry-Run": "dryRun" in operation.parameters,
        "Idempotency-Replayed": operation.idempotent,
        "RateLimit": operation.permission is not None,
        "RateLimit-Policy": operation.permission is not None,
    }
    return [name for name, there in wanted.items() if there]


def _links(operation: Operation, others: Sequence[Operation]) -> Object:
    """Links to the operations on the new resource, by its id."""
    collection = operation.path.removesuffix("/upsert")
    return {
        other.id: {"operationId": other.id, "parameters": {"id": "$response.body#/id"}}
        for other in others
        if other.path.startswith(f"{collection}/{{id}}")
    }


def _header(name: str) -> Object:
    description, schema = _HEADERS[name]
    return {"description": description, "schema": schema, "required": name in _ALWAYS}


def _problem(kind: type[Problem]) -> Object:
    names = ["X-Request-Id", *([_PROBLEM_HEADERS[kind.status]] if kind.status in _PROBLEM_HEADERS else [])]
    return {
        "description": f"{kind.title}: see /errors/{kind.name}.",
        "headers": {name: {"$ref": f"#/components/headers/{name}"} for name in names},
        "content": {"application/problem+json": {"schema": {"$ref": _REF.format(name="ProblemBody")}}},
    }
