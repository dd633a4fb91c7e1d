"""Text for FITS headers."""

from hypothesis import given
from hypothesis import strategies as st

from pipeline_core.io.ascii_words import ascii_words


def test_accents_are_dropped_and_greek_letters_spelled():
    assert ascii_words("Séance/Hα") == "Seance/Halpha"
    assert ascii_words("raw − dark ÷ flat") == "raw - dark / flat"


@given(st.text())
def test_every_text_becomes_one_that_a_header_can_hold(text):
    words = ascii_words(text)
    assert words.isascii()
    assert all(" " <= c <= "~" for c in words)
