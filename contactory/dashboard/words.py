"""Words for what programs name: who did something, and by which means."""

from contactory.rules.actor import ActorShown

_NAMELESS = {"api_key": "A former API key", "user": "A former user", "system": "The system"}
_MEANS = {
    "api": "the API",
    "dashboard": "the dashboard",
    "cli": "the command line",
    "import": "an import",
    "bulk": "a bulk change",
    "merge": "a merge",
    "undo": "an undo",
    "mcp": "an assistant (MCP)",
    "demo": "the demo",
}


def who(actor: ActorShown) -> str:
    """The name of a user or a key, or words for what has none."""
    return actor.name or _NAMELESS.get(actor.type, "The system")


def means(via: str) -> str:
    """By which means a change was made."""
    return _MEANS.get(via, via)
