"""Phone numbers: their one form, and the time zones that they may lie in."""

import phonenumbers
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from contactory.local_time.zones import ZONES, canonical_zone, country_zones
from contactory.rules.invalid import Invalid
from contactory.values.phones import MAX_LENGTH, Derived, derive_zone, normalise_phone
from contactory.values.phones import _curated as curated

COUNTRIES = sorted(phonenumbers.SUPPORTED_REGIONS)
OF_COUNTRIES = {zone for zones in country_zones().values() for zone in zones}


def refusal(text: str, country: str | None = None) -> Invalid:
    with pytest.raises(Invalid) as caught:
        normalise_phone(text, country)
    return caught.value


@pytest.mark.parametrize(
    "text",
    [
        "+14155551234",
        "+1 (415) 555-1234",
        "+1.415.555.1234",
        "  +1-415-555-1234\n",
        "(+1) 415 555 1234",
        "+1\u00a0415\t555\u20111234",
        "\u202a+1 415 555 1234\u202c",
        "＋１ ４１５ ５５５ １２３４",
        "+١ ٤١٥ ٥٥٥ ١٢٣٤",
        "tel:+1-415-555-1234",
    ],
)
def test_any_usual_writing_becomes_e164(text: str) -> None:
    assert normalise_phone(text, None) == "+14155551234"


@pytest.mark.parametrize(
    ("text", "country", "e164"),
    [
        ("415-555-1234", "US", "+14155551234"),
        ("1 415 555 1234", "CA", "+14155551234"),
        ("011 44 20 7946 0958", "US", "+442079460958"),
        ("00 44 20 7946 0958", "DE", "+442079460958"),
        ("+44 (0)20 7946 0958", "US", "+442079460958"),
        ("030/12345678", "DE", "+493012345678"),
        ("06 698 12345", "IT", "+390669812345"),
        ("8 (423) 212-34-56", "RU", "+74232123456"),
    ],
)
def test_a_country_reads_its_own_writing(text: str, country: str, e164: str) -> None:
    assert normalise_phone(text, country) == e164


def test_letters_on_the_keypad_are_read_in_north_america_only() -> None:
    assert normalise_phone("+1 800 FLOWERS", None) == "+18003569377"
    assert normalise_phone("1-800-FLOWERS", "US") == "+18003569377"
    assert refusal("+49 30 1234 home").code == "invalid_phone"
    assert refusal("+49 30 a 1234567").code == "invalid_phone"


@pytest.mark.parametrize(
    ("text", "meant"),
    [
        ("415-555-1234", "+14155551234"),
        ("1 (415) 555-1234", "+14155551234"),
        ("447911123456", "+447911123456"),
        ("00 44 20 7946 0958", "+442079460958"),
        ("011 44 20 7946 0958", "+442079460958"),
        ("656 223-4567", "+16562234567"),
        ("020 7946 0958", None),
        ("1 310 1026", None),
    ],
)
def test_a_missing_country_code_is_suggested_where_it_is_plain(text: str, meant: str | None) -> None:
    error = refusal(text)
    assert (error.code, error.suggestion) == ("no_country_code", meant)
    assert "no country code" in error.detail


def test_a_country_without_phones_of_its_own_reads_nothing() -> None:
    assert refusal("415 555 1234", "AQ").code == "no_country_code"


@pytest.mark.parametrize(
    ("text", "country"),
    [
        ("+1 555 1234", None),
        ("555-1234", "US"),
        ("911", "US"),
        ("+1 415 555 12345", None),
        ("+41 44 12", None),
    ],
)
def test_a_number_of_a_wrong_length_is_impossible(text: str, country: str | None) -> None:
    assert refusal(text, country).code == "impossible_phone"


def test_a_foreign_number_that_lacks_its_plus_is_suggested_with_it() -> None:
    assert refusal("447911123456", "US").suggestion == "+447911123456"


@pytest.mark.parametrize(
    "text",
    ["+1 415 555 1234 x12", "+1 415 555 1234 ext. 12", "tel:+1-415-555-1234;ext=12", "+1 (415) 555-1234 #12"],
)
def test_an_extension_is_refused_rather_than_lost(text: str) -> None:
    error = refusal(text)
    assert (error.code, error.suggestion) == ("phone_extension", "+14155551234")
    assert "extension 12" in error.detail


@pytest.mark.parametrize(
    "text",
    [
        "",
        "+",
        "abc",
        "\x00",
        "Jane +14155551234",
        "+1415\x005551234",
        "+14155551234\x00",
        "+14155551234 / +12125551234",
        "+14155551234/x2125559999",
        "tel:+1-415-555-1234;isub=1",
        "+999 123456",
        "1" * (MAX_LENGTH + 1),
        "+" + "1" * 2**20,
    ],
)
def test_what_is_no_phone_number_is_refused(text: str) -> None:
    assert refusal(text).code == "invalid_phone"


WRITINGS = st.text() | st.text("0123456789+ ()-./x;ext#", max_size=25) | st.from_regex(r"\+[1-9][0-9]{6,14}")


@given(WRITINGS, st.none() | st.sampled_from(COUNTRIES))
@example("+1\ud800415", None)
@example("+2640016356826", None)
@example("20331234568112", "NG")
def test_any_text_is_normalised_once_for_all_or_refused(text: str, country: str | None) -> None:
    try:
        e164 = normalise_phone(text, country)
    except Invalid as error:
        e164 = error.suggestion or "+14155551234"
    assert normalise_phone(e164, country) == e164
    assert e164[0] == "+"
    assert e164[1:].isdecimal()
    assert len(e164) <= 16


@pytest.mark.parametrize("country", COUNTRIES)
def test_a_country_s_numbers_lie_in_it_or_in_one_that_shares_its_code(country: str) -> None:
    sharing = phonenumbers.COUNTRY_CODE_TO_REGION_CODE[phonenumbers.country_code_for_region(country)]
    zones = {zone for each in sharing for zone in country_zones().get(each, ())} or OF_COUNTRIES
    for kind in (phonenumbers.PhoneNumberType.FIXED_LINE, phonenumbers.PhoneNumberType.MOBILE):
        if number := phonenumbers.example_number_for_type(country, kind):
            e164 = phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)
            assert normalise_phone(e164, None) == e164
            assert set(derive_zone(e164, None).zones) <= zones
            assert derive_zone(e164, None).zones


# Numbers that lie in one zone, or whose main zone is the area's or the country's.
PLACES = [
    ("+14155551234", "America/Los_Angeles"),
    ("+12125551234", "America/New_York"),
    ("+13125551234", "America/Chicago"),
    ("+13035551234", "America/Denver"),
    ("+16025551234", "America/Phoenix"),
    ("+18085551234", "Pacific/Honolulu"),
    ("+19075551234", "America/Anchorage"),
    ("+13175551234", "America/New_York"),
    ("+12195551234", "America/Chicago"),
    ("+12085551234", "America/Boise"),
    ("+17755551234", "America/Los_Angeles"),
    ("+17756641234", "America/Denver"),
    ("+16055551234", "America/Chicago"),
    ("+17015551234", "America/Chicago"),
    ("+19282831234", "America/Phoenix"),
    ("+14165551234", "America/Toronto"),
    ("+16045551234", "America/Vancouver"),
    ("+17095551234", "America/St_Johns"),
    ("+18792001234", "America/St_Johns"),
    ("+18676671234", "America/Whitehorse"),
    ("+17875551234", "America/Puerto_Rico"),
    ("+16715551234", "Pacific/Guam"),
    ("+18765551234", "America/Jamaica"),
    ("+442079460958", "Europe/London"),
    ("+447911123456", "Europe/London"),
    ("+35315551234", "Europe/Dublin"),
    ("+33612345678", "Europe/Paris"),
    ("+33912345678", "Europe/Paris"),
    ("+493012345678", "Europe/Berlin"),
    ("+34612345678", "Europe/Madrid"),
    ("+34928123456", "Atlantic/Canary"),
    ("+351912345678", "Europe/Lisbon"),
    ("+351296123456", "Atlantic/Azores"),
    ("+390669812345", "Europe/Vatican"),
    ("+38344123456", "Europe/Belgrade"),
    ("+380501234567", "Europe/Kyiv"),
    ("+79161234567", "Europe/Moscow"),
    ("+74012123456", "Europe/Kaliningrad"),
    ("+74232123456", "Asia/Vladivostok"),
    ("+77012345678", "Asia/Almaty"),
    ("+914423456789", "Asia/Kolkata"),
    ("+919876543210", "Asia/Kolkata"),
    ("+8613812345678", "Asia/Shanghai"),
    ("+819012345678", "Asia/Tokyo"),
    ("+60321234567", "Asia/Kuala_Lumpur"),
    ("+60123456789", "Asia/Kuala_Lumpur"),
    ("+970599123456", "Asia/Hebron"),
    ("+6281234567890", "Asia/Jakarta"),
    ("+62361123456", "Asia/Makassar"),
    ("+97688123456", "Asia/Ulaanbaatar"),
    ("+61412345678", "Australia/Sydney"),
    ("+61398765432", "Australia/Melbourne"),
    ("+61733334444", "Australia/Brisbane"),
    ("+61861234567", "Australia/Perth"),
    ("+61882121234", "Australia/Adelaide"),
    ("+61889811234", "Australia/Darwin"),
    ("+61891621234", "Indian/Cocos"),
    ("+61891641234", "Indian/Christmas"),
    ("+213551234567", "Africa/Algiers"),
    ("+6421123456", "Pacific/Auckland"),
    ("+6913201234", "Pacific/Pohnpei"),
    ("+525512345678", "America/Mexico_City"),
    ("+526641234567", "America/Tijuana"),
    ("+526141234567", "America/Chihuahua"),
    ("+5511987654321", "America/Sao_Paulo"),
    ("+5581987654321", "America/Recife"),
    ("+5568987654321", "America/Rio_Branco"),
    ("+541151234567", "America/Argentina/Buenos_Aires"),
    ("+56612212345", "America/Punta_Arenas"),
    ("+593991234567", "America/Guayaquil"),
    ("+299221234", "America/Nuuk"),
    ("+243812345678", "Africa/Kinshasa"),
]


@pytest.mark.parametrize(("e164", "zone"), PLACES)
def test_a_number_gives_the_zone_of_its_place(e164: str, zone: str) -> None:
    derived = derive_zone(e164, None)
    assert (derived.timezone, derived.source) == (zone, "phone")
    assert zone in derived.zones


@pytest.mark.parametrize(
    ("e164", "zones"),
    [
        ("+12085551234", ("America/Boise", "America/Los_Angeles")),
        ("+16055551234", ("America/Chicago", "America/Denver")),
        ("+34612345678", ("Africa/Ceuta", "Atlantic/Canary", "Europe/Madrid")),
        ("+6421123456", ("Pacific/Auckland", "Pacific/Chatham")),
        ("+919876543210", ("Asia/Kolkata",)),
    ],
)
def test_a_number_has_every_zone_that_it_could_be_in(e164: str, zones: tuple[str, ...]) -> None:
    assert derive_zone(e164, None).zones == zones


@pytest.mark.parametrize(
    "e164",
    [
        "+18005551234",
        "+19005551234",
        "+15005551234",
        "+80012345678",
        "+870773111632",
        "+88212345678",
        "+448001111111",
        "+447012345678",
        "+447640123456",
        "+443012345678",
    ],
)
def test_a_number_without_a_place_leaves_the_zone_to_the_workspace(e164: str) -> None:
    assert derive_zone(e164, "US/Pacific") == Derived("US/Pacific", "workspace", ())
    assert derive_zone(e164, None) == Derived(None, None, ())


def test_without_a_phone_the_workspace_decides() -> None:
    assert derive_zone(None, "Asia/Calcutta") == Derived("Asia/Calcutta", "workspace", ())
    assert derive_zone(None, None) == Derived(None, None, ())


@pytest.mark.parametrize(
    ("workspace_zone", "zone"),
    [
        ("Australia/Perth", "Australia/Perth"),
        ("Australia/West", "Australia/Perth"),
        ("Europe/Paris", "Australia/Sydney"),
        (None, "Australia/Sydney"),
    ],
)
def test_of_several_zones_the_workspace_has_the_first_word(workspace_zone: str | None, zone: str) -> None:
    assert derive_zone("+61412345678", workspace_zone).timezone == zone


@pytest.mark.parametrize(
    ("country", "zone"), [("JE", "Europe/Jersey"), ("GB", "Europe/London"), ("FR", "Europe/London")]
)
def test_of_countries_that_share_numbers_the_workspace_s_own_goes_first(country: str, zone: str) -> None:
    assert derive_zone("+447911123456", None, country).timezone == zone


def test_the_area_s_main_zone_stands_in_the_workspace_s_own_country() -> None:
    assert derive_zone("+16055551234", None, "US").timezone == "America/Chicago"


def test_one_zone_is_taken_whatever_the_workspace_says() -> None:
    assert derive_zone("+919876543210", "Europe/Paris").timezone == "Asia/Kolkata"


@given(st.from_regex(r"\+[1-9][0-9]{6,14}", fullmatch=True), st.none() | st.sampled_from(sorted(ZONES)))
def test_a_derived_zone_is_one_of_zone_tab(text: str, workspace_zone: str | None) -> None:
    try:
        derived = derive_zone(normalise_phone(text, None), workspace_zone)
    except Invalid:
        return
    assert set(derived.zones) <= OF_COUNTRIES
    if derived.source == "phone":
        assert derived.timezone in derived.zones
    else:
        assert (derived.timezone, derived.zones) == (workspace_zone, ())


def test_every_country_of_several_zones_has_a_main_one() -> None:
    several = {country for country, zones in country_zones().items() if len(zones) > 1}
    without_phones = {"AQ", "UM"}
    assert set(curated()["countries"]) == several - without_phones


def test_curated_zones_are_the_country_s_own_by_their_names_in_zone_tab() -> None:
    for country, zones in curated()["countries"].items():
        assert set(zones) <= set(country_zones()[country]), country
        assert len(set(zones)) == len(zones), country
    for table in (curated()["prefixes"], curated()["instead"]):
        assert {zone for zones in table.values() for zone in zones} <= OF_COUNTRIES
    assert all(canonical_zone(name) in OF_COUNTRIES for name in curated()["instead"])
