"""Header cards that no standard foresaw are read, and none hides its neighbours."""

import pytest
from astropy.io import fits
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline_core.io.fits_cards import CARD, Cards, parse_value, split_cards


def cards(*lines):
    return Cards([line.ljust(CARD) for line in lines])


@pytest.mark.parametrize(
    ("text", "value", "comment"),
    [
        ("                   42 / answer", 42, "answer"),
        ("-1.5D+02", -150.0, ""),
        ("                    T / yes", True, "yes"),
        ("'O''Brien / co  ' / name", "O'Brien / co", "name"),
        ("'never closed", "never closed", ""),
        ("3,2E-05", "3,2E-05", ""),
        ("", None, ""),
        ("   / undefined", None, "undefined"),
        ("''", "", ""),
        ("1e", "1e", ""),
    ],
)
def test_a_value_is_split_from_its_comment(text, value, comment):
    assert parse_value(text) == (value, comment)


def test_the_first_of_two_cards_counts():
    assert cards("GAIN    = 1", "GAIN    = 2").get("GAIN") == 1


def test_an_absent_keyword_is_none_and_has_no_comment():
    assert cards("GAIN    = 1").get("EGAIN") is None
    assert cards("GAIN    = 1").comment("EGAIN") == ""


def test_a_missing_blank_behind_the_equals_sign_is_forgiven():
    assert cards("EXPTIME =90.0 / s").get("EXPTIME") == 90.0


def test_long_strings_go_on_in_continue_cards():
    long = cards("OBJECT  = 'a very &'", "CONTINUE  'long &'", "CONTINUE  'name' / of a star")
    assert long.get("OBJECT") == "a very long name"
    assert long.comment("OBJECT") == "of a star"
    assert long.fits_header()["OBJECT"] == "a very long name"


def test_hierarch_keywords_are_found_by_their_name():
    assert cards("HIERARCH ESO DET CHIP = 3 / chip").get("ESO DET CHIP") == 3


def test_an_unparsable_card_becomes_text_in_the_astropy_header():
    header = cards("EXPTIME = 3,2E-05 / s", "FILTER  = 'VR      '           / filter").fits_header()
    assert header["EXPTIME"] == "3,2E-05"
    assert header["FILTER"] == "VR"
    assert header.comments["FILTER"] == "filter"


def test_sound_cards_keep_their_text_to_the_letter():
    image = "EGAIN   = +1.740000000000E+000 / ELECTRONS PER ADU".ljust(CARD)
    assert Cards([image]).fits_header().tostring(padding=False, endcard=False).startswith(image)


def test_text_that_is_no_card_becomes_a_comment():
    header = cards("what is this\nnewline", "GAIN    =                  2.0").fits_header()
    assert header["GAIN"] == 2.0
    assert any("what is this" in str(line) for line in header["COMMENT"])


@settings(max_examples=150, deadline=None, derandomize=True)
@given(st.binary(max_size=6 * CARD))
def test_any_bytes_are_a_header_that_can_be_asked_and_written(block):
    some = Cards(split_cards(block))
    for keyword in some:
        some.get(keyword)
        assert isinstance(some.comment(keyword), str)
    header = some.fits_header()
    assert len(header.tostring()) % 2880 == 0
    for card in header.cards:
        card.value  # noqa: B018 - astropy raises here for a card that does not parse


_values = st.one_of(
    st.integers(-(10**18), 10**18),
    st.floats(allow_nan=False, allow_infinity=False),
    st.booleans(),
    st.text(st.characters(min_codepoint=32, max_codepoint=126), max_size=60),
)


@settings(max_examples=150, deadline=None, derandomize=True)
@given(st.dictionaries(st.from_regex(r"\A[A-Z][A-Z0-9_]{0,6}X\Z"), _values, max_size=8))
def test_what_astropy_wrote_is_read_as_astropy_reads_it(values):
    text = fits.Header(values.items()).tostring(endcard=False, padding=False)
    header = fits.Header.fromstring(text)
    again = Cards(split_cards(text.encode()))
    for keyword in values:
        read = header[keyword]
        assert again.get(keyword) == (read.rstrip() if isinstance(read, str) else read)
