"""What schemathesis cannot know, for schemathesis.toml."""

from typing import Any

import schemathesis
from schemathesis.openapi.checks import UseAfterFree


def _sent(case: Any, name: str) -> list[str]:
    value = (case.query or {}).get(name, [])
    return [str(item).lower() for item in (value if isinstance(value, list) else [value])]


@schemathesis.hook
def filter_case(context: Any, case: Any) -> bool:
    """Of requests in turn, none that makes or deletes something in a dry run.

    It answers as if it had, and keeps nothing: what was made is not there afterwards, what was deleted is.
    """
    in_turn = case.meta is not None and "stateful" in str(case.meta.phase.name).lower()
    return not (in_turn and case.method in ("POST", "DELETE") and "true" in _sent(case, "dryRun"))


@schemathesis.hook
def filter_failure(context: Any, failure: Any, case: Any, response: Any) -> bool:
    """With include=deleted, an admin's key is meant to see what was deleted."""
    return not (isinstance(failure, UseAfterFree) and "deleted" in _sent(case, "include"))
