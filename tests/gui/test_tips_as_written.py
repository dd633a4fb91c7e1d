"""What a header, a file or a filter is called is shown in tips as it is written: nobody's words become markup."""

from __future__ import annotations

from dataclasses import replace

import pytest
from PyQt6.QtCore import Qt
from PyQt6.QtWidgets import QTreeWidgetItemIterator

from astep_gui.models.frame_state import NO_STATE, frame_tip
from astep_gui.models.tip_words import as_written, wrapped

EVIL = '<img src="file:///secret.png">'
WORDS = (EVIL, "filter <s>", "a <b>bold</b> name.fits", "R&lt;6", "first\n<hr>second")


@pytest.mark.parametrize("words", WORDS)
def test_no_words_are_taken_for_markup_and_all_of_their_letters_stay(words):
    assert Qt.mightBeRichText(words) or "\n" in words, "it is a danger"
    for shown in (as_written(words), wrapped(words)):
        assert not Qt.mightBeRichText(shown)
        assert shown.replace("\u2060", "") == words


def test_words_that_are_no_markup_stay_the_very_same():
    assert as_written("fwhm < 3 & > 2 px") == "fwhm < 3 & > 2 px"


def test_the_tips_of_list_header_and_star_show_a_headers_words_as_they_are(qtbot, opened):
    night = opened.night
    header = opened.header
    header._show(header._wanted, [("OBJECT", EVIL, "name")])
    assert not Qt.mightBeRichText(header.cards.topLevelItem(0).toolTip(1))
    frame = replace(night.frames[0], filter=EVIL, object=EVIL)
    assert not Qt.mightBeRichText(frame_tip(frame, NO_STATE))
    strip, model = opened.viewing.star_strip, opened.viewing.star
    first = next(frame for frame in night.frames if frame.kind.value == "science")
    other = replace(first, path="other.fits", filter=f"B&W {EVIL}")
    model._night = replace(night.night, frames=(*night.frames, other))
    model.place = (first.path, 5.0, 5.0)
    strip._follow()
    (button,) = [button for button in strip.filters if EVIL in button.text()]
    assert button.text().startswith("In B&&W"), "no letter of a filter becomes a key"
    assert not Qt.mightBeRichText(button.toolTip())


def test_the_tips_of_the_plan_show_names_as_they_are(qtbot, opened):
    panel = opened.plan_panel
    panel._line(panel._branch("Masters"), f"no flat for filter {EVIL}", ())
    lines = QTreeWidgetItemIterator(panel.tree)
    tips = []
    while (line := lines.value()) is not None:
        tips.append(line.toolTip(0))
        lines += 1
    assert any(EVIL[5:] in tip for tip in tips)
    assert not any(Qt.mightBeRichText(tip) for tip in tips)


def test_what_stands_over_the_cards_is_no_markup_either(opened):
    header, story = opened.header, opened.viewing.story_panel
    for label in (*header.pinned.values(), story.head, story.equation, story.reasons):
        assert label.textFormat() == Qt.TextFormat.PlainText
