"""Custom values: which are taken, and in what form they are kept."""

import unicodedata
from decimal import Decimal
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from contactory.rules.invalid import Invalid
from contactory.values.field_types.registry import text_form
from tests.world import World, pointers


def kept(world: World, kind: str, raw: str) -> Any:
    """What a field of this type keeps of a JSON value, or the code that says why it is refused."""
    world.field("Value", kind)
    answer = world.alice.create(
        None, content=b'{"firstName": "Jane", "customFields": {"Value": %s}}' % raw.encode()
    )
    if answer.status_code == 400:
        return pointers(answer)["/customFields/Value"]
    assert answer.status_code == 201, answer.text
    return world.alice.read(answer.json()["id"])["customFields"].get("Value")


@pytest.mark.parametrize(
    ("raw", "text"),
    [
        ("500", "500"),
        ("250.0", "250"),
        ("0.1", "0.1"),
        ("1e3", "1000"),
        ("1.5E+2", "150"),
        ("25e-3", "0.025"),
        ("-0", "0"),
        ("-0.0", "0"),
        ("true", "true"),
        ("false", "false"),
        ("12345678901234567890123456789", "12345678901234567890123456789"),
        ("9007199254740993", "9007199254740993"),
        ("-9223372036854775809", "-9223372036854775809"),
        ("0.12345678901234567890123", "0.12345678901234567890123"),
        ('"Website"', "Website"),
        ('" as it is "', " as it is "),
        ('""', ""),
        ('"😀\\n"', "😀\n"),
        ("null", None),
    ],
)
def test_a_text_field_keeps_any_scalar_as_text(world: World, raw: str, text: str | None) -> None:
    assert kept(world, "text", raw) == text


@pytest.mark.parametrize("raw", ["[]", "{}", '["x"]', '{"a": 1}'])
@pytest.mark.parametrize("kind", ["text", "number", "date", "boolean"])
def test_no_field_takes_an_array_or_an_object(world: World, kind: str, raw: str) -> None:
    assert kept(world, kind, raw) == "wrong_type"


def test_a_text_has_at_most_10000_characters(world: World) -> None:
    world.field("Notes")
    made = world.alice.made(customFields={"Notes": "é" * 10_000})
    assert made["customFields"]["Notes"] == "é" * 10_000
    refused = world.alice.patch(made["id"], {"customFields": {"Notes": "x" * 10_001}})
    assert pointers(refused) == {"/customFields/Notes": "too_long"}


@pytest.mark.parametrize(
    ("raw", "text"),
    [
        ('"-12.50"', "-12.5"),
        ('"0012"', "12"),
        ('"0.10"', "0.1"),
        ("12.50", "12.5"),
        ("1e3", "1000"),
        ("7", "7"),
        ('"123456789012345678901234567890.5"', "123456789012345678901234567890.5"),
    ],
)
def test_a_number_field_takes_numbers_and_plain_decimal_strings(world: World, raw: str, text: str) -> None:
    assert kept(world, "number", raw) == text


@pytest.mark.parametrize(
    "raw",
    ['"1e3"', '"+5"', '".5"', '"5."', '" 5"', '"1,5"', '"٣"', '"NaN"', '"Infinity"', "true", '"0x10"'],
)
def test_a_number_field_refuses_what_is_no_plain_number(world: World, raw: str) -> None:
    assert kept(world, "number", raw) == "not_a_number"


@pytest.mark.parametrize(
    ("raw", "text"),
    [
        ('"2024-02-29"', "2024-02-29"),
        ('"2024-01-15T23:59:59Z"', "2024-01-15"),
        ('"2024-01-15T23:59:59.123456+05:30"', "2024-01-15"),
        ('"0001-01-01"', "0001-01-01"),
    ],
)
def test_a_date_field_takes_a_real_date_and_cuts_a_timestamp(world: World, raw: str, text: str) -> None:
    assert kept(world, "date", raw) == text


@pytest.mark.parametrize(
    "raw",
    [
        '"2023-02-29"',
        '"2024-13-01"',
        '"15.01.2024"',
        '"2024-1-5"',
        '"20240115"',
        "20240115",
        "true",
        '"2024-W03-1"',
        '"2024-01-15T25:00:00Z"',
        '"2024-01-15T10:00:00"',
        '"2024-01-15 "',
        '"0000-01-01"',
        '"２０２４-01-15"',
    ],
)
def test_a_date_field_refuses_what_is_no_real_date(world: World, raw: str) -> None:
    assert kept(world, "date", raw) == "not_a_date"


@pytest.mark.parametrize(
    ("raw", "text"), [("true", "true"), ("false", "false"), ('"true"', "true"), ('"false"', "false")]
)
def test_a_boolean_field_takes_true_and_false(world: World, raw: str, text: str) -> None:
    assert kept(world, "boolean", raw) == text


@pytest.mark.parametrize("raw", ['"TRUE"', '"yes"', "1", "0", "1.0", '" true"'])
def test_a_boolean_field_refuses_anything_else(world: World, raw: str) -> None:
    assert kept(world, "boolean", raw) == "not_a_boolean"


@pytest.mark.parametrize("kind", ["number", "date", "boolean"])
@pytest.mark.parametrize("empty", ["", " ", "\t\u3000"])
def test_an_empty_string_clears_what_is_not_text(world: World, kind: str, empty: str) -> None:
    world.field("Value", kind)
    value = {"number": 5, "date": "2026-02-28", "boolean": True}[kind]
    made = world.alice.made(customFields={"Value": value})
    cleared = world.alice.patch(made["id"], {"customFields": {"Value": empty}})
    assert (cleared.status_code, cleared.json()["customFields"]) == (200, {})
    assert world.alice.made(firstName="Jane", customFields={"Value": empty})["customFields"] == {}


@pytest.mark.parametrize("empty", ["", " ", "\t\u3000"])
def test_an_empty_string_is_a_value_of_a_field_of_text(world: World, empty: str) -> None:
    world.field("Value", "text")
    made = world.alice.made(customFields={"Value": "x"})
    assert world.alice.patch(made["id"], {"customFields": {"Value": empty}}).json()["customFields"] == {
        "Value": empty
    }


def test_a_custom_field_is_named_by_its_display_name_exactly(world: World) -> None:
    world.field("Lead Source")
    refused = world.alice.create({"customFields": {"lead source": "x", "Lead Sorce": "y", "Zip": 1}})
    assert refused.status_code == 400
    found = {error["pointer"]: error for error in refused.json()["errors"]}
    assert {error["code"] for error in found.values()} == {"unknown_custom_field"}
    assert found["/customFields/lead source"]["suggestion"] == "Lead Source"
    assert found["/customFields/Lead Sorce"]["suggestion"] == "Lead Source"
    assert "suggestion" not in found["/customFields/Zip"]


def test_the_name_of_a_custom_field_is_trimmed_and_nfc(world: World) -> None:
    world.field("Größe")
    made = world.alice.made(customFields={" " + unicodedata.normalize("NFD", "Größe") + " ": "L"})
    assert made["customFields"] == {"Größe": "L"}


def test_one_field_given_under_two_spellings_is_refused(world: World) -> None:
    world.field("Size")
    refused = world.alice.create({"customFields": {"Size": "L", " Size": "M"}})
    assert refused.status_code == 400
    assert set(pointers(refused).values()) == {"given_twice"}


def test_pointers_to_custom_fields_are_escaped(world: World) -> None:
    refused = world.alice.create({"customFields": {"a/b~c": "x"}})
    assert pointers(refused) == {"/customFields/a~1b~0c": "unknown_custom_field"}


def test_custom_values_come_in_the_order_of_the_workspace_and_only_where_set(world: World) -> None:
    for name in ("Zeta", "Alpha", "Mid", "Unused"):
        world.field(name)
    made = world.alice.made(customFields={"Mid": "2", "Alpha": "1", "Zeta": "0", "Unused": None})
    assert list(made["customFields"].items()) == [("Zeta", "0"), ("Alpha", "1"), ("Mid", "2")]
    assert list(world.alice.read(made["id"])["customFields"]) == ["Zeta", "Alpha", "Mid"]


@pytest.mark.parametrize("wrong", [None, [], "x", 5, True])
def test_custom_fields_must_be_an_object(world: World, wrong: object) -> None:
    made = world.alice.made()
    assert pointers(world.alice.patch(made["id"], {"customFields": wrong})) == {"/customFields": "wrong_type"}


def test_a_contact_holds_at_most_100000_characters_of_custom_values(world: World) -> None:
    names = [f"Field {i}" for i in range(11)]
    for name in names:
        world.field(name)
    made = world.alice.made(customFields=dict.fromkeys(names[:10], "é" * 10_000))
    refused = world.alice.patch(made["id"], {"customFields": {names[10]: "x"}})
    assert refused.status_code in (400, 409)
    assert world.alice.read(made["id"]) == made
    smaller = world.alice.patch(made["id"], {"customFields": {names[10]: "x", names[0]: "x"}})
    assert smaller.status_code == 200


@given(st.integers() | st.decimals(allow_nan=False, allow_infinity=False, places=6))
def test_every_number_keeps_its_value_and_has_no_exponent(number: int | Decimal) -> None:
    text = text_form("number", number)
    assert Decimal(text) == number
    assert "E" not in text.upper()
    assert "." not in text or not text.endswith("0")


@given(st.integers() | st.decimals(allow_nan=False, allow_infinity=False, places=6))
def test_the_text_of_a_number_stands_for_itself(number: int | Decimal) -> None:
    text = text_form("number", number)
    assert text_form("number", text) == text
    assert text_form("text", number) == text


@given(st.dates())
def test_every_date_is_kept_as_it_is(date: Any) -> None:
    assert text_form("date", date.isoformat()) == date.isoformat()


@given(st.text(max_size=40), st.sampled_from(["number", "date", "boolean"]))
def test_any_text_is_kept_in_a_form_that_is_taken_again_or_is_refused(text: str, kind: str) -> None:
    try:
        form = text_form(kind, text)
    except Invalid:
        return
    assert text_form(kind, form) == form


@given(st.floats(allow_nan=False, allow_infinity=False))
def test_every_double_keeps_its_value(number: float) -> None:
    sent = (
        msgspec.json.decode(msgspec.json.encode(number), type=Decimal)
        if number != int(number)
        else Decimal(number)
    )
    assert float(text_form("number", sent)) == number
