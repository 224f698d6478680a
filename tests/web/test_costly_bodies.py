"""What large bad bodies cost: little more than good ones, or than a look over their bytes."""

import json

import pytest

from contactory.rules.checks import Form, text
from contactory.rules.errors import LISTED_ERRORS, ValidationProblem
from contactory.rules.near import names_of
from contactory.web.bodies import decode_object
from contactory.web.queries import parse_query
from tests.world import World
from tests.yardstick import Work, times

MEBIBYTE = 1 << 20
FIELDS = Form({"firstName": text(255), "lastName": text(255)})


def array(item: str) -> bytes:
    """A mebibyte of an array."""
    count = MEBIBYTE // (len(item) + 1) - 10
    return f'{{"tags":[{",".join([item] * count)}]}}'.encode()


def of_names(*names: str) -> bytes:
    """An object with these names."""
    return json.dumps(dict.fromkeys(names, 1)).encode()


BODIES: dict[str, bytes] = {
    "unknown names": of_names(*(f"x{n:06}" for n in range(80_000))),
    "arrays": array("[]"),
    "objects": array("{}"),
    "nested arrays": array("[" * 15 + "]" * 15),
    "open arrays": b"[" * MEBIBYTE,
    "open objects": b'{"a":' * (MEBIBYTE // 5),
    "nuls": array(r'"\u0000"'),
    "nuls in depth": b'{"a":' * 30 + array(r'"\u0000"')[:-200] + b"1]}" + b"}" * 30,
    "nuls in names": of_names(*(f"\0{n}" for n in range(60_000))),
    "one nul at the end": array("12345678")[:-2] + rb',"\u0000"]}',
    "brackets in texts": array('"[[[[[[[["'),
    "one long name": of_names("x" * MEBIBYTE),
    "combining characters": json.dumps({"tags": ["\u0301\u0323" * (MEBIBYTE // 12)]}).encode(),
}


def refused(read: Work) -> Work:
    """Reading something that is refused each time."""

    def work() -> None:
        with pytest.raises(ValidationProblem):
            read()

    return work


def reading(body: bytes) -> Work:
    return refused(lambda: FIELDS.parse(decode_object(body, "application/json")))


@pytest.mark.parametrize("kind", BODIES)
def test_a_bad_body_of_a_mebibyte_costs_little_more_than_a_good_one(kind: str) -> None:
    assert times(reading(BODIES[kind])) < 5


@pytest.mark.parametrize("item", ["1.5", "7", '""', r'"\u0000"', '"["'])
def test_millions_of_tiny_values_are_refused_unread(world: World, item: str) -> None:
    tiny = f'{{"operations":[{",".join([item] * (7 * MEBIBYTE // (len(item) + 1)))}]}}'.encode()
    assert times(reading(tiny), lambda: tiny.count(b",")) < 4
    answer = world.alice.post("/v1/contacts/batch", content=tiny)
    assert answer.status_code == 400
    assert "more than 500,000 commas: send less at once" in answer.json()["detail"]


@pytest.mark.parametrize("form", ["a&" * (MEBIBYTE // 2), "&" * MEBIBYTE, "a=1&" * (MEBIBYTE // 4)])
def test_a_form_of_many_fields_is_refused_unread(form: str) -> None:
    assert times(refused(lambda: parse_query(form)), lambda: form.count("&")) < 4


@pytest.mark.parametrize("kind", BODIES)
def test_a_bad_body_is_refused_with_words_and_few_errors(world: World, kind: str) -> None:
    for method, path in (
        ("POST", "/v1/contacts"),
        ("POST", "/v1/contacts/upsert"),
        ("POST", "/v1/contacts/batch"),
    ):
        answer = world.alice.request(method, path, content=BODIES[kind][:MEBIBYTE])
        assert answer.status_code == 400, answer.text[:200]
        assert len(answer.json()["errors"]) <= LISTED_ERRORS
        assert len(answer.content) < 7 * MEBIBYTE


def test_every_place_of_a_nul_is_named(world: World) -> None:
    content = (
        rb'{"firstName": "a\u0000", "tags": ["x", "\u0000"], "customFields": {"\u0000": {"a": ["\u0000"]}}}'
    )
    errors = world.alice.create(None, content=content).json()["errors"]
    assert [error["pointer"] for error in errors] == [
        "/firstName",
        "/tags/1",
        "/customFields/\0",
        "/customFields/\0/a/0",
    ]


def test_names_are_found_among_many_for_little() -> None:
    known = names_of(f"Custom field {number}" for number in range(5000))
    assert known.closest("custom feild 4711") == "Custom field 4711"
    assert times(lambda: [known.closest(f"custom feild {n}") for n in range(100)]) < 20
