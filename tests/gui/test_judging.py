"""Judging one frame in the window: what speaks against it, both answers, its header, the star that is measured."""

import numpy as np
import pytest
from astropy.io import fits
from PyQt6.QtCore import QPointF, Qt
from PyQt6.QtWidgets import QApplication, QMenu

from pipeline_core.measures import Flag, QualityRow, ScienceMeasures
from pipeline_core.science.one_star import StarHere
from pipeline_core.star_track import StarPoint

LEFT = Qt.MouseButton.LeftButton
LIGHTS = [f"light_{k:03d}.fits" for k in range(4)]
CLOUD = Flag("cloud", "stars are 0.84 mag fainter than in the clear reference", "bad")
UNTOLD = Flag("not judged", "not judged: 3 stars only, too few to tell a good frame from a bad one", "note")
NOTE = Flag("twilight", "twilight: Sun 8° below the horizon", "note")


@pytest.fixture
def suspected(qtbot, opened):
    """The window on a frame of which a cloud is suspected."""
    row = QualityRow(LIGHTS[1], ScienceMeasures("quick", "ADU", fwhm_px=2.5), flags=(CLOUD,), extra={"airmass": 1.31})
    opened.night.judgements.take_rows([row])
    opened.night.quality_changed.emit()
    opened.night.select([LIGHTS[1]])
    qtbot.waitUntil(lambda: opened.viewing.view.title == LIGHTS[1], timeout=8000)
    return opened


def test_what_speaks_against_a_frame_stands_over_it_in_words(suspected):
    rail = suspected.viewing.rail
    assert rail.verdict.full_text == f"▲ cloud: {CLOUD.words}"
    assert rail.reject.isEnabled()
    assert rail.keep.isEnabled()
    suspected.night.select([LIGHTS[2]])
    assert rail.note.full_text.startswith("Choose a step")


SAID_OF = {"nothing": (), "cloud": (CLOUD,), "not judged": (UNTOLD,), "remark": (NOTE,)}


@pytest.mark.parametrize("flags", SAID_OF.values(), ids=SAID_OF)
def test_keep_and_reject_are_there_wherever_their_keys_do_something(opened, qtbot, flags):
    """Keep was off for a frame that nobody could judge, of which U accepted it."""
    night, rail = opened.night, opened.viewing.rail
    night.judgements.take_rows([QualityRow(LIGHTS[3], ScienceMeasures("quick", "ADU"), flags=flags)])
    night.quality_changed.emit()
    for key, button in ((Qt.Key.Key_U, rail.keep), (Qt.Key.Key_X, rail.reject), (Qt.Key.Key_U, rail.keep)):
        for does_something in (True, False):
            steps = opened.decisions.stack.index()
            night.select([LIGHTS[3]])
            assert button.isEnabled() is does_something
            qtbot.keyClick(opened, key)
            assert (opened.decisions.stack.index() > steps) is does_something


@pytest.mark.parametrize("flags", SAID_OF.values(), ids=SAID_OF)
def test_keep_over_the_image_accepts_whatever_is_said_of_the_frame(opened, qtbot, flags):
    opened.night.judgements.take_rows([QualityRow(LIGHTS[1], ScienceMeasures("quick", "ADU"), flags=flags)])
    opened.night.quality_changed.emit()
    opened.night.select([LIGHTS[1]])
    qtbot.mouseClick(opened.viewing.rail.keep, LEFT)
    assert opened.night.choices.kept == {LIGHTS[1]}
    assert opened.night.state_of(LIGHTS[1]).word == "accepted"
    assert not opened.viewing.rail.keep.isEnabled()


def test_one_click_follows_the_suggestion_with_its_cause(suspected, qtbot):
    qtbot.mouseClick(suspected.viewing.rail.reject, LEFT)
    assert suspected.night.rejected == {LIGHTS[1]: "cloud"}
    suspected.night.select([LIGHTS[1]])  # it went on to the next
    qtbot.waitUntil(lambda: suspected.viewing.view.title == LIGHTS[1], timeout=8000)
    assert suspected.viewing.view.badge == "REJECTED · cloud · U to restore"
    assert not suspected.viewing.rail.reject.isEnabled()  # it is answered


def test_x_on_several_frames_gives_each_its_own_reason_in_one_step(suspected, qtbot):
    wind = Flag("wind", "stars are long", "suspect")
    suspected.night.judgements.take_rows([QualityRow(LIGHTS[2], ScienceMeasures("quick", "ADU"), flags=(wind,))])
    suspected.night.select(LIGHTS[1:4], LIGHTS[1])
    qtbot.keyClick(suspected, Qt.Key.Key_X)
    assert suspected.night.rejected == {LIGHTS[1]: "cloud", LIGHTS[2]: "wind", LIGHTS[3]: ""}
    assert suspected.decisions.stack.undoText() == "reject 3 frames"
    qtbot.keyClick(suspected, Qt.Key.Key_Z, Qt.KeyboardModifier.ControlModifier)
    assert not suspected.night.rejected


def test_one_click_dismisses_the_suggestion_and_undo_brings_it_back(suspected, qtbot):
    qtbot.mouseClick(suspected.viewing.rail.keep, LEFT)
    assert suspected.night.state_of(LIGHTS[1]).word == "accepted"
    assert not suspected.viewing.rail.keep.isEnabled()
    qtbot.keyClick(suspected, Qt.Key.Key_Z, Qt.KeyboardModifier.ControlModifier)
    assert suspected.viewing.rail.keep.isEnabled()


def test_the_airmass_is_the_headers_or_the_computed_one_and_says_which(suspected, qtbot, night_folder):
    pinned = suspected.header.pinned["Airmass"]
    qtbot.waitUntil(lambda: pinned.text() == "1.310, computed", timeout=8000)
    with fits.open(night_folder / LIGHTS[2], mode="update") as hdus:
        hdus[0].header["AIRMASS"] = 1.2694
    suspected.night.select([LIGHTS[2]])
    qtbot.waitUntil(lambda: pinned.text() == "1.269", timeout=8000)


def test_cards_of_the_format_and_empty_comments_come_last_or_not_at_all(suspected, qtbot):
    cards = suspected.header.cards
    qtbot.waitUntil(lambda: cards.topLevelItemCount() > 5, timeout=8000)
    keywords = [cards.topLevelItem(k).text(0) for k in range(cards.topLevelItemCount())]
    assert keywords.index("SIMPLE") > keywords.index("FILTER")
    assert keywords.index("NAXIS1") > keywords.index("FILTER")
    assert "" not in keywords


def test_the_star_that_is_measured_wears_a_ring_and_blank_sky_none(suspected, qtbot, night_folder):
    viewing = suspected.viewing
    with fits.open(night_folder / LIGHTS[3], mode="update") as hdus:
        yy, xx = np.indices(hdus[0].data.shape)
        star = 9000 * np.exp(-((xx - 30) ** 2 + (yy - 40) ** 2) / 4.0)
        hdus[0].data = (hdus[0].data + star).astype(np.uint16)
    suspected.night.select([LIGHTS[3]])
    qtbot.waitUntil(lambda: viewing.view.title == LIGHTS[3], timeout=8000)
    at = viewing.view._to_screen(31.0, 39.5).toPoint()
    assert isinstance(viewing.view._place_at(QPointF(at)), QPointF)
    qtbot.mouseClick(viewing.view.canvas.viewport(), LEFT, pos=at)
    qtbot.waitUntil(lambda: viewing.view._ring is not None, timeout=60_000)
    assert viewing.view._ring[:2] == pytest.approx((30.0, 40.0), abs=0.2)
    qtbot.mouseClick(viewing.inspect_panel.tools["line"], LEFT)
    assert viewing.view._ring is None


# -- keys that mean something else where the focus is ------------------------------------------------------------


def test_x_over_a_stamp_rejects_its_frame_not_the_one_that_is_shown(suspected, qtbot):
    viewing, stamps = suspected.viewing, suspected.viewing.star_strip.stamps
    star = StarHere(20.0, 20.0, 1000.0, 5.0, 2.5, 1000.0, 5.0, found=True)
    viewing.star.points = [StarPoint(path, None, star, np.zeros((41, 41), np.uint8)) for path in LIGHTS]
    viewing.star.place = (LIGHTS[1], 20.0, 20.0)
    viewing.star.changed.emit()
    assert viewing.star_strip.isVisible()
    assert not viewing.timeline.isVisible()
    qtbot.mouseMove(stamps, stamps.cell(2).center().toPoint())
    stamps._hover = 2
    stamps.setFocus()
    qtbot.keyClick(stamps, Qt.Key.Key_X)
    assert list(suspected.night.rejected) == [LIGHTS[2]]
    assert suspected.night.current == LIGHTS[1]
    qtbot.mouseClick(viewing.star_strip.stop, LEFT)
    assert viewing.timeline.isVisible()


def test_arrows_move_the_wipe_while_two_frames_are_wiped_and_step_through_frames_otherwise(suspected, qtbot):
    compare = suspected.viewing.compare
    suspected.night.select([LIGHTS[0], LIGHTS[1]], LIGHTS[0])
    qtbot.keyClick(suspected, Qt.Key.Key_D)
    qtbot.waitUntil(lambda: suspected.viewing.comparing.is_on, timeout=8000)
    qtbot.mouseClick(compare.buttons["wipe"], LEFT)
    compare.setFocus()
    qtbot.keyClick(compare, Qt.Key.Key_Right)
    assert compare.wipe > 0.5
    assert suspected.night.current == LIGHTS[0]
    qtbot.keyClick(suspected, Qt.Key.Key_Escape)
    assert not suspected.viewing.comparing.is_on
    qtbot.keyClick(suspected, Qt.Key.Key_Right)
    assert suspected.night.current == LIGHTS[1]


def test_x_while_blinking_fast_offers_frames_and_x_again_rejects_the_chosen_one(suspected, qtbot):
    viewing = suspected.viewing
    suspected.night.select(LIGHTS, LIGHTS[0])
    qtbot.keyClick(suspected, Qt.Key.Key_B)
    qtbot.waitUntil(lambda: viewing.blink.loaded == 4 and len(viewing.blink._history) > 4, timeout=8000)
    qtbot.keyClick(suspected, Qt.Key.Key_X)
    choice = viewing.blink_bar.choice
    assert choice.isVisible()
    assert not viewing.blink.is_playing
    assert not suspected.night.rejected
    chosen = choice.strip.currentItem().data(Qt.ItemDataRole.UserRole)[1]
    qtbot.keyClick(choice.strip, Qt.Key.Key_X)
    assert list(suspected.night.rejected) == [chosen]
    qtbot.keyClick(suspected, Qt.Key.Key_Escape)
    assert not viewing.is_blinking


# -- the image's own menu and picture -----------------------------------------------------------------------------


def test_a_right_click_offers_what_can_be_asked_about_the_place(suspected, qtbot):
    view = suspected.viewing.view
    qtbot.mouseClick(view.canvas.viewport(), Qt.MouseButton.RightButton, pos=view._to_screen(20, 30).toPoint())
    menu = next(m for m in view.findChildren(QMenu) if m.isVisible())
    offers = {action.text().split("\t")[0]: action for action in menu.actions()}
    assert list(offers) == ["Why this pixel?", "This star, in all frames of this filter", "Centre here", "Copy 21, 31"]
    offers["Copy 21, 31"].trigger()
    assert QApplication.clipboard().text() == "21 31"
    qtbot.waitUntil(lambda: suspected.viewing.story._night is not None, timeout=8000)
    offers["Why this pixel?"].trigger()
    qtbot.waitUntil(lambda: suspected.viewing.story.path == LIGHTS[1], timeout=8000)
    assert (suspected.viewing.story.x, suspected.viewing.story.y) == (20, 30)
    menu.close()


def test_frames_that_were_rejected_for_the_same_already_are_not_counted_among_what_undo_takes_back(suspected):
    said = []
    suspected.decisions.said.connect(said.append)
    suspected.decisions.reject_each({LIGHTS[1]: "cloud"})
    suspected.decisions.reject_each(dict.fromkeys(LIGHTS[1:4], "cloud"))
    assert suspected.decisions.stack.undoText() == "reject 2 frames"
    assert said[-1].startswith("2 frames rejected · cloud")
    assert suspected.night.logbook.steps()[0][-1] == "reject 2 frames"
    suspected.decisions.set_field([LIGHTS[0]], "filter", "V")
    suspected.decisions.set_field(LIGHTS[:2], "filter", "V")
    assert suspected.decisions.stack.undoText() == f"filter = V for {LIGHTS[1]}"
    assert suspected.night.logbook.steps()[0][-1] == f"filter = V for {LIGHTS[1]}"


def test_a_decision_that_changes_nothing_is_not_told_as_one_and_ends_no_redoing(suspected):
    decisions, said = suspected.decisions, []
    decisions.accept([LIGHTS[0]])
    decisions.reject_each({LIGHTS[1]: "cloud"})
    decisions.undo()
    decisions.said.connect(said.append)
    decisions.accept([LIGHTS[0]])
    assert said == ["light 000 is accepted already"]
    assert decisions.stack.redoText() == f"reject {LIGHTS[1]}"
    decisions.redo()
    assert suspected.night.rejected == {LIGHTS[1]: "cloud"}
