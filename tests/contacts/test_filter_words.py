"""Filters in words, and the conditions of the grid as an address carries them."""

from datetime import UTC, datetime

import pytest

from contactory.catalog.catalog import Catalog, Field
from contactory.contacts.columns import columns_of
from contactory.contacts.read.available import AvailableAt
from contactory.contacts.read.filter import EVERYTHING, And, Compare, Filter, Not, Or, available
from contactory.contacts.read.filter_fields import comparisons_of
from contactory.contacts.read.filter_url import parse_condition
from contactory.contacts.read.filter_words import words
from contactory.rules.invalid import Invalid

FIELDS = [Field("a", "1", "Stage", "text"), Field("b", "2", "MRR", "number"), Field("c", "3", "Born", "date")]
CATALOG = Catalog(
    workspace_id="0192f000-0000-7000-8000-000000000001",
    account_id="0192f000-0000-7000-8000-000000000002",
    mode="live",
    timezone=None,
    country="DE",
    version=1,
    fields={field.name: field for field in FIELDS},
    fields_by_num={field.num: field for field in FIELDS},
    tag_ids={"vip": 1},
    tag_names={1: "vip"},
    stale_tags=False,
    windows={},
)
NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("firstName:is:Jane", "First name is Jane"),
        ("lastName:contains: a:b ", "Last name contains a:b"),
        ("email:is:Jane@Example.COM", "E-mail is Jane@Example.COM"),
        ("phone:is:030 12345678", "Phone is 030 12345678"),
        ("phone:contains:30 123", "Phone contains 30 123"),
        ("timezone:empty:", "Time zone is empty"),
        ("timezone:is:Asia/Calcutta", "Time zone is Asia/Calcutta"),
        ("timezone:is: los angeles ", "Time zone is los angeles"),
        ("clock:is:UTC-05:00", "Local time is now UTC-05:00"),
        ("clock:several:", "Local time differs now between the possible time zones"),
        ("reach:can:sms", "Can be reached by sms"),
        ("tags:has:vip", "Tags have vip"),
        ("tags:lacks:vip", "Tags lack vip"),
        ("tags:filled:anything", "Tags is filled in"),
        ("field-1:is:new", "Stage is new"),
        ("field-2:least:0500", "MRR is at least 0500"),
        ("field-2:most:9.50", "MRR is at most 9.50"),
        ("field-3:from:2000-01-01", "Born is on or after 2000-01-01"),
        ("field-3:before:2000-01-01", "Born is before 2000-01-01"),
        ("createdAt:from:2026-01-01", "Created on or after 2026-01-01"),
        ("updatedAt:before:2026-01-01", "Updated before 2026-01-01"),
    ],
)
def test_a_condition_of_the_grid_is_shown_as_it_was_typed(text: str, expected: str) -> None:
    condition = parse_condition(text, CATALOG)
    assert f"{condition.words} {condition.value}".strip() == expected
    assert parse_condition(condition.text, CATALOG) == condition


def test_every_comparison_of_the_grid_can_be_asked_and_has_words() -> None:
    typed = {"number": "1", "date": "2000-01-01", "moment": "2000-01-01", "email": "a@example.com"}
    typed["zone"] = "Asia/Tokyo"
    for column in columns_of(CATALOG):
        for name, comparison in comparisons_of(column).items():
            value = typed.get(column.kind, "030 12345678")
            condition = parse_condition(f"{column.key}:{name}:{value}", CATALOG)
            assert condition.words == f"{column.title} {comparison.words}"
            assert (condition.value == "") == comparison.valueless
            assert words(condition.compare, CATALOG).startswith(condition.words)


A, B, C = (Compare("firstName", "is", name) for name in "abc")
IDS = tuple(f"id{n}" for n in range(5))


@pytest.mark.parametrize(
    ("wanted", "expected"),
    [
        (EVERYTHING, "all contacts"),
        (Or(()), "no contacts"),
        (And((A, B, C)), "First name is a and First name is b and First name is c"),
        (And((A, Or((B, C)))), "First name is a and (First name is b or First name is c)"),
        (Or((A, And((B, C)))), "First name is a or (First name is b and First name is c)"),
        (And((Or((A,)), B)), "First name is a and First name is b"),
        (Not(A), "not (First name is a)"),
        (Not(Or((A, B))), "not (First name is a or First name is b)"),
        (Compare("tags", "has", ("vip", "gold")), "Tags have vip, gold"),
        (Compare("tags", "empty"), "Tags is empty"),
        (Compare("id", "in", IDS), "Contact is one of id0, id1, id2 and 2 more"),
        (Compare("updatedAt", "after", NOON), "Updated after 2026-03-02 12:00 UTC"),
        (Compare("field-2", "exactly", "10"), "MRR is exactly 10"),
        (Compare("consent.call", "is", "denied"), "Consent: call is denied"),
        (Compare("consent.doNotContact", "is", True), "Do not contact is true"),
        (Compare("search", "finds", "'x':*"), "Words match the search"),
        (available(AvailableAt("sms", NOON, ()), now=True), "Text message: available now"),
        (
            available(AvailableAt("call", NOON, (), "Office"), now=False),
            "Call: available at 2026-03-02 12:00 UTC by Office",
        ),
    ],
)
def test_a_tree_has_brackets_where_and_meets_or(wanted: Filter, expected: str) -> None:
    assert words(wanted, CATALOG) == expected


def test_a_field_that_is_gone_is_named_as_gone() -> None:
    with pytest.raises(Invalid, match="The field of this filter does not exist"):
        words(Compare("field-9", "is", "x"), CATALOG)
