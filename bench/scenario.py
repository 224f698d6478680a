"""One operation as it is measured."""

import msgspec


class Scenario(msgspec.Struct, frozen=True, kw_only=True):
    """One operation. `status` is what each answer must have; `items` are the contacts of one request."""

    name: str
    title: str
    request: str
    statement: str | None = None
    status: int = 200
    items: int = 1
    writes: bool = False

    @property
    def creates(self) -> bool:
        """Whether each request needs a number that no contact has had."""
        return self.status == 201
