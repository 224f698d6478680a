"""What a browser sends of a form that nobody has touched, by the rules of HTML (WHATWG, 4.10)."""

import re
from html.parser import HTMLParser
from typing import NamedTuple

import httpx


class _Control(NamedTuple):
    tag: str
    given: dict[str, str | None]


class _Forms(HTMLParser):
    """The controls of each form, by where the form leads, and what they hold."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.forms: dict[str, list[tuple[str, str]]] = {}
        self._fields: list[tuple[str, str]] | None = None
        self._text: _Control | None = None
        self._typed = ""
        self._select: str | None = None
        self._options: list[tuple[str, bool]] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        if tag == "form":
            self._fields = self.forms.setdefault(given.get("action") or "", [])
        elif tag == "textarea":
            self._text, self._typed = _Control(tag, given), ""
        elif tag == "select":
            self._select, self._options = given.get("name"), []
        elif tag == "option":
            self._options.append((given.get("value") or "", "selected" in given))
        elif tag == "input":
            self._input(given)

    def _input(self, given: dict[str, str | None]) -> None:
        kind, value = given.get("type") or "text", given.get("value") or ""
        if kind in ("checkbox", "radio") and "checked" not in given:
            return
        if kind not in ("hidden", "checkbox", "radio"):
            value = value.replace("\n", "")
        self._put(given.get("name"), value)

    def _put(self, name: str | None, value: str) -> None:
        if self._fields is not None and name:
            self._fields.append((name, value))

    def handle_data(self, data: str) -> None:
        if self._text is not None:
            self._typed += data

    def handle_endtag(self, tag: str) -> None:
        if tag == "textarea" and self._text is not None:
            self._put(self._text.given.get("name"), self._typed.removeprefix("\n"))
            self._text = None
        elif tag == "select":
            chosen = [value for value, selected in self._options if selected]
            self._put(self._select, (chosen or [self._options[0][0]])[-1])
        elif tag == "form":
            self._fields = None


def form_of(answer: httpx.Response, action: str) -> dict[str, list[str]]:
    """The fields of the form that leads there, as they are sent; the one that only guards it is left out."""
    assert answer.status_code == 200, answer.text
    parser = _Forms()
    # Line breaks are made alike before anything is read (13.2.3.5), and are sent as CRLF (4.10.21.7).
    parser.feed(answer.text.replace("\r\n", "\n").replace("\r", "\n"))
    sent: dict[str, list[str]] = {}
    for name, value in parser.forms[action]:
        if name != "csrf":
            sent.setdefault(name, []).append(re.sub(r"\n", "\r\n", value))
    return sent
