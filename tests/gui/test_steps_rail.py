"""The steps of a frame, and two steps or two frames beside each other: used by clicks and keys."""

import re

import numpy as np
import pytest
from PyQt6.QtCore import Qt
from PyQt6.QtGui import QFontMetricsF
from PyQt6.QtWidgets import QApplication

from astep_gui.models.steps_model import StepsModel
from astep_gui.widgets.steps_rail import StepsRail
from pipeline_core.config import Recipe
from pipeline_core.plan import Choices, build_plan
from pipeline_core.science.frame_steps import STEPS
from pipeline_core.types import FrameKind, MaskBit

LEFT = Qt.MouseButton.LeftButton
PATIENCE_MS = 60_000  # a first call may compile kernels
LIGHTS = [f"light_{k:03d}.fits" for k in range(4)]


@pytest.fixture
def steps(reduced, qtbot):
    night, output, science = reduced
    model = StepsModel()
    rail = StepsRail(model)
    qtbot.addWidget(rail)
    rail.resize(760, 70)
    rail.show()
    model.set_night(night, Recipe(), output, build_plan(night, Recipe(), Choices()))
    model.set_frame(science[0])
    yield rail
    model.close()


def click(qtbot, rail, name):
    with qtbot.waitSignal(rail.model.arrived, timeout=PATIENCE_MS) as shown:
        qtbot.mouseClick(rail.buttons[name], LEFT)
    qtbot.waitUntil(lambda: not rail.model.is_busy, timeout=PATIENCE_MS)  # the later steps follow
    return shown.args[0]


def of_kind(reduced, kind):
    return next(f.path for f in reduced[0].frames if f.kind is kind and f.unusable is None)


def menu_of(rail):
    rail.fill_compare()
    return {action.text(): action for action in rail.compare_menu.actions() if action.text()}


def test_each_step_shows_the_frame_after_it_with_name_and_unit(steps, qtbot):
    raw, dark, final = (click(qtbot, steps, name) for name in ("raw", "dark", "cosmic"))
    assert raw.title.endswith("· raw")
    assert dark.title.endswith("· after dark")
    assert (raw.unit, dark.unit, final.unit) == ("ADU", "ADU", "e⁻")
    # Darks of the demo night lie near 1,000 ADU.
    assert np.median(raw.image) - np.median(dark.image) == pytest.approx(1000, abs=10)
    assert final.mask is not None


def test_with_a_step_chosen_nothing_is_said_to_be_computed_where_no_frame_can_be(steps, qtbot):
    click(qtbot, steps, "raw")
    steps.model.set_frame(None)  # the next one is cut short
    assert steps.note.text() == "No frame with steps is shown"


def test_a_step_keeps_the_header_of_its_frame(steps, qtbot):
    cards = {key: value for key, value, _ in click(qtbot, steps, "cosmic").facts.cards}
    assert float(cards["EXPTIME"]) == 90.0


def test_a_step_says_what_it_did_and_marks_itself_done(steps, qtbot):
    click(qtbot, steps, "dark")
    parts = r"Dark took off ([\d,]+) ADU: ([\d,]+) ADU are bias, (−?[\d.]+) ADU dark current \((−?[\d.]+) e⁻/s\) "
    words = parts + r"\(medians; hottest 1 % above [\d.]+ e⁻/s\) · dark_\S* subtracted"
    told = re.fullmatch(words, steps.note.full_text)
    assert told is not None, steps.note.full_text
    # Darks of the demo night lie near 1,000 ADU, nearly all of it bias.
    assert float(told[1].replace(",", "")) == pytest.approx(1000, abs=10)
    assert float(told[2].replace(",", "")) == pytest.approx(1000, abs=10)
    assert steps.buttons["dark"].state == "done"
    click(qtbot, steps, "cosmic")
    assert " pixels) replaced" in steps.note.full_text


def test_a_step_that_has_nothing_to_do_says_why_before_and_after_it_is_computed(steps, qtbot):
    assert steps.buttons["bias"].state == "idle"
    assert steps.buttons["bias"].toolTip() == "Bias: nothing to do here, the dark holds the bias, both come off with it"
    assert steps.buttons["dark"].state == "waiting"
    click(qtbot, steps, "bias")
    assert steps.note.full_text == "Nothing done: the dark holds the bias, both come off with it"
    assert not steps.difference.isEnabled()


def test_the_difference_is_what_the_step_changed(steps, qtbot):
    click(qtbot, steps, "dark")
    with qtbot.waitSignal(steps.model.arrived, timeout=PATIENCE_MS) as shown:
        qtbot.mouseClick(steps.difference, LEFT)
    assert "change: " in shown.args[0].title
    assert np.median(shown.args[0].image) == pytest.approx(-1000, abs=10)


def test_hot_pixels_are_told_from_noise_in_the_difference_of_a_dark(steps, qtbot, levels):
    click(qtbot, steps, "dark")
    with qtbot.waitSignal(steps.model.arrived, timeout=PATIENCE_MS) as arrived:
        qtbot.mouseClick(steps.difference, LEFT)
    shown = arrived.args[0]
    levels.follow(shown)
    change = shown.image[np.isfinite(shown.image)]
    noise = 1.4826 * np.median(np.abs(change - np.median(change)))
    hot = change < np.median(change) - 30 * noise
    assert hot.any()
    black = change < levels.lo
    assert np.count_nonzero(black & ~hot) < 2 * np.count_nonzero(hot), "noise is none of what is black"
    assert levels.lo < np.median(change) - 5 * noise < levels.hi
    assert levels.hi < np.median(change) + 8 * noise


def test_holding_the_button_shows_the_step_before_and_letting_go_the_step_again(steps, qtbot):
    click(qtbot, steps, "dark")
    with qtbot.waitSignal(steps.model.arrived, timeout=PATIENCE_MS) as shown:
        qtbot.mousePress(steps.peek, LEFT)
    assert shown.args[0].title.endswith("· raw")  # bias, trim and overscan did nothing here
    with qtbot.waitSignal(steps.model.arrived, timeout=PATIENCE_MS) as shown:
        qtbot.mouseRelease(steps.peek, LEFT)
    assert shown.args[0].title.endswith("· after dark")


def test_another_frame_keeps_the_step_and_a_second_click_leaves_it(steps, reduced, qtbot):
    click(qtbot, steps, "flat")
    with qtbot.waitSignal(steps.model.arrived, timeout=PATIENCE_MS) as shown:
        steps.model.set_frame(reduced[2][1])
    assert shown.args[0].title == f"{reduced[2][1].rsplit('/', 1)[-1]} · after flat"
    with qtbot.waitSignal(steps.model.closed):
        qtbot.mouseClick(steps.buttons["flat"], LEFT)
    assert steps.model.chosen is None


def test_before_the_masters_are_made_the_first_steps_show_and_the_remedy_is_one_click_away(reduced, tmp_path, qtbot):
    night, _, science = reduced
    model = StepsModel()
    rail = StepsRail(model)
    qtbot.addWidget(rail)
    rail.show()
    model.set_night(night, Recipe(), tmp_path / "none")
    model.set_frame(science[0])
    click(qtbot, rail, "raw")
    assert rail.buttons["dark"].state == "missing"
    assert "Later steps need masters, which are not made yet" in rail.note.full_text
    with qtbot.waitSignal(model.masters_asked):
        qtbot.mouseClick(rail.make, LEFT)
    model.close()


def test_a_very_narrow_rail_leaves_out_the_steps_that_did_nothing(steps, qtbot):
    click(qtbot, steps, "flat")
    steps.resize(330, 70)
    shown = [name for name, button in steps.buttons.items() if button.isVisible()]
    assert shown == ["raw", "dark", "flat", "gain", "mask", "cosmic"]


def test_a_step_is_shown_before_the_later_ones_are_done_and_once_only(steps, qtbot):
    model, arrived = steps.model, []
    model.arrived.connect(lambda shown: arrived.append((shown.title[-5:], model.is_busy)))
    model.choose("raw")
    qtbot.waitUntil(lambda: not model.is_busy, timeout=PATIENCE_MS)
    assert arrived == [("· raw", True)]
    model.choose("raw")  # now it is kept, and shown again when asked for
    qtbot.waitUntil(lambda: not model.is_busy, timeout=PATIENCE_MS)
    assert [title for title, _ in arrived] == ["· raw"] * 2


# -- calibration frames ----------------------------------------------------------------------------------------


def test_the_rail_of_a_dark_leads_to_its_master_and_the_mask_made_from_it(steps, reduced, qtbot):
    steps.model.set_frame(of_kind(reduced, FrameKind.DARK))
    assert list(steps.buttons) == ["raw", "overscan", "trim", "master", "mask"]
    master = click(qtbot, steps, "master")
    assert master.title.endswith("· its master")
    assert "The master dark_" in steps.note.full_text
    mask = click(qtbot, steps, "mask")
    assert mask.shows_mask
    assert np.count_nonzero(mask.mask & MaskBit.HOT) > 0


def test_the_rail_of_a_flat_takes_its_dark_off_and_scales_it_to_1(steps, reduced, qtbot):
    steps.model.set_frame(of_kind(reduced, FrameKind.FLAT))
    level = click(qtbot, steps, "level")
    assert level.unit == ""
    assert np.nanmedian(level.image) == pytest.approx(1.0, abs=1e-3)


def test_a_step_that_the_next_frame_does_not_have_is_left_and_the_frame_is_shown(steps, reduced, qtbot):
    click(qtbot, steps, "cosmic")
    steps.model.set_frame(of_kind(reduced, FrameKind.BIAS))
    assert steps.model.chosen is None
    steps.model.set_frame(reduced[2][0])
    assert tuple(steps.buttons) == STEPS


# -- comparing -------------------------------------------------------------------------------------------------


def test_the_step_before_stands_first_among_what_a_step_can_be_compared_with(steps, qtbot):
    click(qtbot, steps, "flat")
    offers = menu_of(steps)
    assert next(iter(offers)) == "With the step before: Dark"
    with qtbot.waitSignal(steps.compare_asked) as asked:
        offers["With the step before: Dark"].trigger()
    assert asked.args == ["dark", "flat"]
    with qtbot.waitSignal(steps.model.pair_arrived, timeout=PATIENCE_MS) as pair:
        steps.model.ask_pair(*asked.args)
    assert [shown.title[-10:] for shown in pair.args] == ["after dark", "after flat"]


def test_one_step_of_two_frames_is_compared(steps, reduced, qtbot):
    with qtbot.waitSignal(steps.model.pair_arrived, timeout=PATIENCE_MS) as pair:
        steps.model.ask_pair("dark", "dark", reduced[2][1])
    names = [path.rsplit("/", 1)[-1] for path in reduced[2][:2]]
    assert [shown.title for shown in pair.args] == [f"{name} · after dark" for name in names]


def compared(qtbot, window):
    qtbot.waitUntil(lambda: window.viewing.comparing.is_on, timeout=8000)
    return window.viewing.compare.left.title, window.viewing.compare.right.title


def test_two_selected_frames_are_compared_by_a_key_and_escape_goes_back(qtbot, opened):
    opened.night.select([LIGHTS[1], LIGHTS[3]], LIGHTS[1])
    qtbot.keyClick(opened, Qt.Key.Key_D)
    assert compared(qtbot, opened) == ("light 001", "light 003")
    opened.viewing.compare.left.zoom_to(4.0)
    assert opened.viewing.compare.right.zoom == pytest.approx(4.0)
    qtbot.keyClick(opened.viewing.compare, Qt.Key.Key_Escape)
    assert not opened.viewing.comparing.is_on


@pytest.mark.parametrize(("shown", "pair"), [(2, ("light 002", "light 003")), (3, ("light 002", "light 003"))])
def test_of_one_selected_frame_it_and_the_next_are_compared_and_of_the_last_the_one_before(qtbot, opened, shown, pair):
    opened.night.select([LIGHTS[shown]])
    qtbot.keyClick(opened, Qt.Key.Key_D)
    assert compared(qtbot, opened) == pair


def test_of_many_selected_frames_the_shown_one_and_another_of_them_are_compared(qtbot, opened):
    opened.night.select([LIGHTS[0], LIGHTS[1], LIGHTS[3]], LIGHTS[3])
    qtbot.keyClick(opened, Qt.Key.Key_D)
    assert compared(qtbot, opened) == ("light 003", "light 000")


def test_the_reference_frame_is_compared_with_and_a_missing_one_is_explained(qtbot, opened):
    opened.night.select([LIGHTS[2]])
    offers = menu_of(opened.viewing.rail)
    offers["With the reference frame"].trigger()
    assert "none is set" in opened.notice.why.text()
    opened.decisions.set_reference(LIGHTS[0])
    offers["With the reference frame"].trigger()
    assert compared(qtbot, opened) == ("light 000", "light 002")


def test_a_frame_that_is_rejected_while_it_is_compared_says_so(qtbot, opened):
    opened.night.select([LIGHTS[0], LIGHTS[1]], LIGHTS[0])
    opened.deeds.compare()
    compared(qtbot, opened)
    opened.decisions.reject([LIGHTS[1]], "cloud")
    assert opened.viewing.compare.right.badge == "REJECTED · cloud · U to restore"
    assert opened.viewing.compare.left.badge is None


# -- room ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("size", [(1280, 720), (1600, 1000)])
def test_no_word_of_the_rail_is_cut_in_windows_from_1280_on(qtbot, opened, size):
    opened.night.select([LIGHTS[0]])
    opened.resize(*size)
    QApplication.processEvents()
    rail = opened.viewing.rail
    for button in (*rail.buttons.values(), rail.difference, rail.peek, rail.compare):
        assert button.isVisible(), f"{button.text()} is left out"
        assert button.width() >= QFontMetricsF(button.font()).horizontalAdvance(button.text()), button.text()
        assert rail.rect().contains(button.geometry()), button.text()


def test_the_difference_of_a_master_is_what_the_frame_does_not_share_and_a_mask_has_none(steps, reduced, qtbot):
    steps.model.set_frame(of_kind(reduced, FrameKind.DARK))
    click(qtbot, steps, "master")
    with qtbot.waitSignal(steps.model.arrived, timeout=PATIENCE_MS) as shown:
        qtbot.mouseClick(steps.difference, LEFT)
    assert shown.args[0].title.endswith("its master − this frame")
    assert abs(np.median(shown.args[0].image)) < 5
    click(qtbot, steps, "mask")
    assert not steps.difference.isEnabled()
    assert not steps.difference.isChecked()
