"""The one exception of rules that check a single value."""


class Invalid(ValueError):
    """A value that a rule refuses: a code for programs, a sentence for people, and maybe what was meant."""

    def __init__(self, code: str, detail: str, suggestion: str | None = None) -> None:
        super().__init__(detail)
        self.code = code
        self.detail = detail
        self.suggestion = suggestion


def invalid_cursor() -> Invalid:
    """What every list says of a cursor that is none of its own."""
    return Invalid(
        "invalid_cursor", "is no cursor that this API gave: take it from the Link header, unchanged"
    )
