"""How a blink ends: Esc gives back what was seen before it, all of it; Enter stays on the frame that is seen."""

from __future__ import annotations

import pytest
from PyQt6.QtCore import QRectF, Qt

from tests.gui.test_blink_calibrated import shown, waits_for_all  # noqa: F401 - a fixture
from tests.gui.test_blink_with_steps import choose_step, window_of_night  # noqa: F401 - a fixture
from tests.gui.test_workflow import LIGHTS

LEFT = Qt.MouseButton.LeftButton
KEY = Qt.Key
PATIENCE_MS = 8_000


@pytest.fixture
def seen(qtbot, opened):
    """The window on the second light, of which a part is seen in levels that a hand chose."""
    opened.night.select(LIGHTS[:3], LIGHTS[1])
    qtbot.waitUntil(lambda: opened.viewing.view.title == LIGHTS[1], timeout=PATIENCE_MS)
    sky = opened.viewing.view.shown.level.sky
    opened.viewing.levels.set_range(sky - 7.0, sky + 21.0)
    opened.viewing.view.set_view_rect(QRectF(5.0, 6.0, 20.0, 20.0))
    opened.viewing.blink.rate = 20.0
    return opened


def state(window):
    """What is seen, as far as a person would notice a change."""
    viewing, night = window.viewing, window.night
    levels = viewing.levels
    rect, centre = viewing.view.view_rect(), viewing.view.view_rect().center()
    return {
        "frame": night.current,
        "selection": night.selection,
        "key": viewing.view.shown.key[:2],
        "step": (viewing.steps.chosen, viewing.steps.difference),
        # Its width is that of the window: bars above and below make the image lower, and a part of it wider.
        "part": tuple(round(v, 3) for v in (centre.x(), centre.y(), rect.height())),
        "fits": viewing.view.is_fitting,
        "levels": (levels.lo, levels.hi, levels.preset, levels.frozen, levels.unit),
        "rail": viewing.rail.isVisible(),
        "product": window.products.bar.isVisible() and window.products.bar.words.full_text,
        "note": viewing.rail.note.full_text,
    }


def blink_on(qtbot, window, *, beyond=1):
    """Blink, until another frame than the first rests."""
    model = window.viewing.blink
    qtbot.keyClick(window, KEY.Key_B)
    waits_for_all(qtbot, window)
    start = model.index
    model.pause()
    for _ in range(beyond):
        qtbot.mouseClick(window.viewing.blink_bar.forth, LEFT)
    assert model.index != start
    return model


def test_escape_gives_back_frame_selection_part_and_levels(qtbot, seen):
    before = state(seen)
    model = blink_on(qtbot, seen)
    seen.viewing.levels.use_preset("zscale")
    seen.viewing.view.fit()
    assert seen.night.current != before["frame"]
    assert len(seen.night.selection) == 1
    model.play()
    qtbot.keyClick(seen, KEY.Key_Escape)
    assert not seen.viewing.is_blinking
    qtbot.waitUntil(lambda: state(seen) == before, timeout=PATIENCE_MS)
    qtbot.wait(200)
    assert state(seen) == before, "and nothing that came in late takes its place"


def test_a_frame_that_was_fitted_is_fitted_again(qtbot, seen):
    seen.viewing.view.fit()
    blink_on(qtbot, seen)
    seen.viewing.view.zoom_in()
    qtbot.keyClick(seen, KEY.Key_Escape)
    assert seen.viewing.view.is_fitting


@pytest.mark.parametrize("key", [KEY.Key_Return, KEY.Key_Enter])
@pytest.mark.parametrize("plays", [True, False])
def test_enter_stays_on_the_frame_that_is_seen(qtbot, seen, key, plays):
    model = blink_on(qtbot, seen)
    if plays:
        model.set_rate(1.0)
        model.play()
    path = model.current.key[1]
    seen.viewing.view.set_view_rect(QRectF(1.0, 2.0, 30.0, 30.0))
    part = state(seen)["part"]
    qtbot.keyClick(seen, key)
    assert not seen.viewing.is_blinking
    assert seen.night.current == path != LIGHTS[1]
    qtbot.waitUntil(lambda: seen.viewing.view.title == path, timeout=PATIENCE_MS)
    qtbot.waitUntil(lambda: state(seen)["part"] == part, timeout=PATIENCE_MS)


def test_the_bar_has_a_button_for_either_end(qtbot, seen):
    bar = seen.viewing.blink_bar
    for button, stays in ((bar.stay, True), (bar.close_button, False)):
        seen.night.select(LIGHTS[:3], LIGHTS[1])
        model = blink_on(qtbot, seen)
        path = model.current.key[1]
        qtbot.mouseClick(button, LEFT)
        assert not seen.viewing.is_blinking
        assert (seen.night.current == path) == stays


def test_enter_means_nothing_of_a_blink_where_there_is_none(qtbot, seen):
    assert not seen.actions_by_name["blink_stay"].isEnabled()
    blink_on(qtbot, seen)
    assert seen.actions_by_name["blink_stay"].isEnabled()
    qtbot.keyClick(seen, KEY.Key_Escape)
    assert not seen.actions_by_name["blink_stay"].isEnabled()


def test_the_rail_names_both_ends_and_where_escape_goes(qtbot, seen):
    blink_on(qtbot, seen)
    name = seen.viewing.short_titles.name(LIGHTS[1])
    assert seen.viewing.rail.note.full_text.endswith(f"Enter stays on the frame seen, Esc goes back to {name}")


def test_a_frame_that_was_chosen_meanwhile_is_not_left(qtbot, seen):
    blink_on(qtbot, seen)
    seen.night.select([LIGHTS[3]])
    qtbot.keyClick(seen, KEY.Key_Escape)
    assert seen.night.current == LIGHTS[3]
    qtbot.waitUntil(lambda: seen.viewing.view.title == LIGHTS[3], timeout=PATIENCE_MS)


def test_what_was_rejected_in_a_blink_stays_rejected(qtbot, seen):
    model = blink_on(qtbot, seen)
    path = model.current.key[1]
    qtbot.keyClick(seen, KEY.Key_X)
    qtbot.keyClick(seen, KEY.Key_Escape)
    assert list(seen.night.rejected) == [path]
    assert seen.night.current == LIGHTS[1]


@pytest.mark.parametrize("changes", [0, 1, 2])
def test_a_step_with_its_difference_comes_back_whatever_went_by(qtbot, window_of_night, changes):  # noqa: F811
    window, viewing = window_of_night, window_of_night.viewing
    choose_step(qtbot, window, "dark")
    qtbot.mouseClick(viewing.rail.difference, LEFT)
    qtbot.waitUntil(lambda: viewing.view.shown.is_change, timeout=PATIENCE_MS)
    before = state(window)
    blink_on(qtbot, window)
    for _ in range(changes):
        qtbot.keyClick(window, KEY.Key_Y)  # nothing is calibrated: it goes on raw
    qtbot.keyClick(window, KEY.Key_Escape)
    qtbot.waitUntil(lambda: viewing.view.shown.is_change, timeout=PATIENCE_MS)
    assert state(window) == before


@pytest.mark.parametrize("changes", [0, 1, 2])
def test_begun_on_a_calibrated_frame_it_goes_back_to_that_whatever_went_by(qtbot, shown, changes):  # noqa: F811
    before = state(shown)
    blink_on(qtbot, shown)
    for _ in range(changes):
        qtbot.keyClick(shown, KEY.Key_Y)
        waits_for_all(qtbot, shown)
    qtbot.keyClick(shown, KEY.Key_Escape)
    qtbot.waitUntil(lambda: state(shown) == before, timeout=PATIENCE_MS)
    qtbot.wait(200)
    assert state(shown) == before


@pytest.mark.parametrize("changes", [0, 1, 2])
def test_begun_on_a_raw_frame_the_rail_is_there_again_whatever_went_by(qtbot, shown, changes):  # noqa: F811
    qtbot.keyClick(shown, KEY.Key_Escape)
    qtbot.waitUntil(lambda: shown.viewing.view.title == LIGHTS[0], timeout=PATIENCE_MS)
    qtbot.wait(100)  # the rail takes its room
    shown.viewing.view.set_view_rect(QRectF(5.0, 6.0, 20.0, 20.0))
    before = state(shown)
    assert before["rail"]
    blink_on(qtbot, shown)
    for _ in range(changes):
        qtbot.keyClick(shown, KEY.Key_Y)
        waits_for_all(qtbot, shown)
    qtbot.keyClick(shown, KEY.Key_Escape)
    qtbot.waitUntil(lambda: state(shown) == before, timeout=PATIENCE_MS)
    qtbot.wait(200)
    assert state(shown) == before


def test_the_line_of_calibrated_frames_names_both_ends_and_its_button_goes_back(qtbot, shown):  # noqa: F811
    model = blink_on(qtbot, shown)
    model.play()
    words = shown.products.bar.words.full_text
    assert words.startswith("4 frames go by; Enter stays on the frame seen, Esc goes back to ")
    shown.products.bar.closed.emit()
    assert not shown.viewing.is_blinking
    assert shown.night.current == LIGHTS[0]
