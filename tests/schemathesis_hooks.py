"""What schemathesis cannot know, for schemathesis.toml."""

import os
from typing import Any

import schemathesis
from schemathesis.core.failures import AcceptedNegativeData
from schemathesis.openapi.checks import RejectedPositiveData, UseAfterFree

BRIEF = "CONTACTORY_TEST_BRIEF" in os.environ


def _sent(case: Any, name: str) -> list[str]:
    value = (case.query or {}).get(name, [])
    return [str(item).lower() for item in (value if isinstance(value, list) else [value])]


@schemathesis.hook
def filter_case(context: Any, case: Any) -> bool:
    """Whether a request is worth sending: not every limit of a body again as PATCH's other type."""
    again = BRIEF and case.media_type == "application/merge-patch+json" and _phase(case) == "coverage"
    return not (again or _pretended(case))


def _phase(case: Any) -> str:
    return case.meta.phase.name.value.lower() if case.meta else ""


def _pretended(case: Any) -> bool:
    """Of requests in turn, one that makes or deletes something in a dry run.

    It answers as if it had, and keeps nothing: what was made is not there afterwards, what was deleted is.
    """
    return (
        _phase(case) == "stateful" and case.method in ("POST", "DELETE") and "true" in _sent(case, "dryRun")
    )


@schemathesis.hook
def filter_failure(context: Any, failure: Any, case: Any, response: Any) -> bool:
    """None that is meant to be so."""
    # With include=deleted, an admin's key sees what was deleted.
    seen_deleted = isinstance(failure, UseAfterFree) and "deleted" in _sent(case, "include")
    # It takes the `instance` of a problem in a batch's answer, /v1/contacts/batch, for the path of a contact.
    no_contact = response.status_code == 405 and (case.path_parameters or {}).get("id") == "batch"
    return not (
        seen_deleted
        or no_contact
        or _unknown_fields(failure, case, response)
        or _beyond_description(failure, response)
        or _one_of_two(failure, case, response)
        or _left_empty(failure, case)
    )


def _unknown_fields(failure: Any, case: Any, response: Any) -> bool:
    """Whether only names of custom fields are wrong: without a key the description cannot know them."""
    fields = case.operation.schema.raw_schema["components"]["schemas"]["CustomFieldValues"]
    if not isinstance(failure, RejectedPositiveData) or fields["additionalProperties"] is False:
        return False
    return {error["code"] for error in response.json().get("errors", [])} == {"unknown_custom_field"}


def _beyond_description(failure: Any, response: Any) -> bool:
    """Whether only such things are wrong as a description cannot say."""
    if not isinstance(failure, RejectedPositiveData):
        return False
    errors = response.json().get("errors", [])
    return all(error["code"] in _BEYOND or _needs_channel(error) for error in errors) and bool(errors)


_BEYOND = {
    "implausible_time",  # it does not know when it is read
    "unknown_send_window",  # nor what the workspace has
    "wrong_channel",
    "overlap",  # nor how two values go together
    "zero_length",
    "needs_another",
    "given_twice",
}


def _needs_channel(error: dict[str, str]) -> bool:
    return (error.get("parameter"), error["code"]) == ("channel", "required")


def _left_empty(failure: Any, case: Any) -> bool:
    """Whether it takes an empty parameter for a wrong one, though the description allows that."""
    empty = {name for name in case.query or {} if "" in _sent(case, name)}
    allowed = {
        each["name"] for each in case.operation.definition.raw["parameters"] if each.get("allowEmptyValue")
    }
    return isinstance(failure, AcceptedNegativeData) and bool(empty & allowed)


def _one_of_two(failure: Any, case: Any, response: Any) -> bool:
    """Whether phone and e-mail were both given, or neither: a description cannot say that a query has one."""
    if not isinstance(failure, RejectedPositiveData) or not case.operation.path.endswith("/lookup"):
        return False
    return {error["code"] for error in response.json().get("errors", [])} <= {"required", "not_here"}
