"""What the mouse can do on image, strips and panels can be done by keys too, and stands in the menu."""

from __future__ import annotations

import pytest
from astropy.io import fits
from PyQt6.QtCore import Qt
from PyQt6.QtWidgets import QApplication, QFileDialog, QMenu, QScrollArea

from astep_gui import results_deeds
from astep_gui.actions import ACTIONS, PANELS, TOOL_WORDS
from astep_gui.models.blink_places import BlinkPlace
from astep_gui.theme import apply_theme
from astep_gui.widgets.shortcuts import ShortcutsOverlay
from pipeline_core.measures import QualityRow, ScienceMeasures
from tests.gui.nights import small_night

SHIFT, CONTROL, ALT = (getattr(Qt.KeyboardModifier, f"{name}Modifier") for name in ("Shift", "Control", "Alt"))
KEY = Qt.Key
LIGHTS = [f"light_{k:03d}.fits" for k in range(4)]
PATIENCE_MS = 20_000


@pytest.fixture
def shown(qtbot, opened):
    qtbot.waitUntil(lambda: opened.viewing.view.title == LIGHTS[0], timeout=PATIENCE_MS)
    return opened


@pytest.fixture
def measured(shown):
    shown.night._take_rows(
        QualityRow(path, ScienceMeasures("quick", "ADU", fwhm_px=2.0 + k, ellipticity=0.1), depth_loss_mag=0.1 * k)
        for k, path in enumerate(LIGHTS)
    )
    shown.viewing._show_quality()
    return shown


def popup():
    found = QApplication.activePopupWidget()
    assert isinstance(found, QMenu)
    return found


def test_every_action_stands_in_the_menu_with_a_key(window):
    assert not [spec.name for spec in ACTIONS if not spec.keys]
    bar = window.menuBar()
    waiting, in_menus = [entry.menu() for entry in bar.actions()], set()
    while waiting:
        for entry in waiting.pop().actions():
            in_menus.add(entry.objectName())
            waiting += [entry.menu()] if entry.menu() is not None else []
    assert {spec.name for spec in ACTIONS} <= in_menus


@pytest.mark.parametrize("number", range(1, len(PANELS) + 1))
def test_a_panel_that_was_closed_comes_back_by_its_key_and_takes_the_keys(qtbot, opened, number):
    dock = opened.docks[list(PANELS)[number - 1]]
    dock.close()
    qtbot.keyClick(opened, KEY(KEY.Key_0 + number), ALT)
    assert dock.isVisible()
    assert not dock.visibleRegion().isEmpty(), "in front of the panels beside it"
    assert dock.isAncestorOf(QApplication.focusWidget() or opened)


def test_levels_stretch_and_colours_are_changed_by_keys(qtbot, shown):
    levels = shown.viewing.levels
    levels.set_range(1.0, 2.0)
    qtbot.keyClick(shown, KEY.Key_Z)
    assert levels.preset == "zscale"
    seen = set()
    for _ in range(6):
        qtbot.keyClick(shown, KEY.Key_E)
        seen.add(levels.stretch)
    assert seen == {"linear", "asinh", "log", "sqrt", "power", "midtone"}
    before = levels.colormap
    qtbot.keyClick(shown, KEY.Key_C, SHIFT)
    assert levels.colormap != before
    qtbot.keyClick(shown, KEY.Key_L, SHIFT)
    assert levels.frozen
    assert shown.viewing.levels_panel.frozen.isChecked()


def test_plus_and_minus_zoom(qtbot, shown):
    view = shown.viewing.view
    before = view.zoom
    qtbot.keyClick(shown, KEY.Key_Plus)
    assert view.zoom == pytest.approx(2 * before)
    qtbot.keyClick(shown, KEY.Key_Minus)
    assert view.zoom == pytest.approx(before)


def test_the_steps_are_walked_by_keys_and_escape_leaves_them(qtbot, shown):
    steps = shown.viewing.steps
    qtbot.keyClick(shown, KEY.Key_Right, SHIFT)
    first = steps.chosen
    assert first is not None
    assert shown.viewing.rail.buttons[first].isChecked()
    qtbot.keyClick(shown, KEY.Key_Left, SHIFT)
    assert steps.chosen == steps.names()[0]
    qtbot.keyClick(shown, KEY.Key_Escape)
    assert steps.chosen is None


@pytest.mark.parametrize("name", TOOL_WORDS)
def test_a_tool_is_taken_by_its_key(qtbot, shown, name):
    shown.docks["inspect"].close()
    qtbot.keyClick(shown, KEY(KEY.Key_F6 + list(TOOL_WORDS).index(name)))
    assert shown.viewing.inspect_panel.tool == name
    assert shown.docks["inspect"].isVisible()


@pytest.mark.parametrize(("key", "modifier"), [(KEY.Key_V, Qt.KeyboardModifier.NoModifier), (KEY.Key_G, SHIFT)])
def test_menus_of_buttons_open_by_keys_with_an_entry_chosen(qtbot, shown, key, modifier):
    qtbot.keyClick(shown, key, modifier)
    menu = popup()
    assert menu.activeAction() is not None
    menu.close()


def test_an_overlay_is_turned_on_without_the_mouse(qtbot, shown):
    assert not shown.viewing.view.has_mark("stars")
    qtbot.keyClick(shown, KEY.Key_V)
    qtbot.keyClick(popup(), KEY.Key_Down)
    qtbot.keyClick(popup(), KEY.Key_Return)
    assert shown.viewing.view.has_mark("stars")


def test_what_is_plotted_against_what_is_changed_by_keys(qtbot, measured):
    plot = measured.viewing.timeline_model
    first, against = plot.what.name, plot.against
    qtbot.keyClick(measured, KEY.Key_Q)
    assert plot.what.name != first
    qtbot.keyClick(measured, KEY.Key_Q, SHIFT)
    assert plot.against != against


def test_a_threshold_is_laid_moved_and_followed_by_keys_alone(qtbot, measured):
    measured.activateWindow()
    plot = measured.viewing.timeline_model
    qtbot.keyClick(measured, KEY.Key_T, SHIFT)
    assert plot.threshold is not None
    line = measured.viewing.timeline.plot
    for _ in range(400):
        if plot.proposal().paths == (LIGHTS[3],):
            break
        qtbot.keyClick(line, KEY.Key_Up if len(plot.proposal().paths) > 1 else KEY.Key_Down)
    qtbot.keyClick(line, KEY.Key_Return)
    assert set(measured.night.rejected) == {LIGHTS[3]}


def asked_of(asked, file):
    """Return what stands for the dialog: it notes its title and the name it proposes."""

    def answer(_parent, title, name, _kinds):
        asked.update(title=title, name=name)
        return str(file), ""

    return answer


def test_without_a_box_the_part_in_view_is_saved_as_fits(qtbot, shown, tmp_path, monkeypatch):
    file, asked = tmp_path / "part.fits", {}
    monkeypatch.setattr(QFileDialog, "getSaveFileName", asked_of(asked, file))
    shown.viewing.view.zoom_to(8.0 * shown.viewing.view.zoom)
    seen = shown.viewing.view.view_rect()
    qtbot.keyClick(shown, KEY.Key_S, CONTROL | SHIFT)
    with fits.open(file) as cutout:
        ny, nx = cutout[0].data.shape
        x0, y0 = round(-cutout[0].header["LTV1"]), round(-cutout[0].header["LTV2"])
        assert (cutout[0].data == shown.viewing.view.shown.image[y0 : y0 + ny, x0 : x0 + nx]).all()
    assert x0 <= seen.left() < x0 + 1
    assert nx < 64
    assert "saved part.fits" in shown.viewing.inspect_panel.says.text()
    assert asked["title"] == f"Save the part in view, {nx} × {ny} px"
    assert asked["name"] == f"{LIGHTS[0].removesuffix('.fits')}_part.fits"
    assert str(file) in shown.log.line.full_text


@pytest.mark.parametrize(("tool", "whose"), [("box", "the drawn box"), ("circle", "the box around the drawn circle")])
def test_what_was_drawn_is_cut_out_and_said_in_the_title(qtbot, shown, tmp_path, monkeypatch, tool, whose):
    file, asked = tmp_path / "part.fits", {}
    monkeypatch.setattr(QFileDialog, "getSaveFileName", asked_of(asked, file))
    view, panel = shown.viewing.view, shown.viewing.inspect_panel
    panel.tools[tool].click()
    start, end = (view._to_screen(*at).toPoint() for at in ((20, 20), (32, 25)))
    canvas = view.canvas.viewport()
    qtbot.mousePress(canvas, Qt.MouseButton.LeftButton, pos=start)
    for k in range(1, 11):
        qtbot.mouseMove(canvas, start + (end - start) * k / 10)
    qtbot.mouseRelease(canvas, Qt.MouseButton.LeftButton, pos=end)
    qtbot.keyClick(shown, KEY.Key_S, CONTROL | SHIFT)
    with fits.open(file) as cutout:
        ny, nx = cutout[0].data.shape
    assert asked["title"] == f"Save {whose}, {nx} × {ny} px"
    assert (nx, ny) == pytest.approx((13, 6) if tool == "box" else (27, 27), abs=2)
    assert f"saved {whose}, {nx} × {ny} px: {file}" in shown.log.line.full_text


def test_a_recent_night_is_opened_while_another_is_open(qtbot, opened, tmp_path):
    other = small_night(tmp_path / "other", science=2)
    opened.remembered.opened(other)
    qtbot.keyClick(opened, KEY.Key_E, CONTROL)
    (offer,) = popup().actions()
    assert "other" in offer.text(), "the night that is open is not offered"
    qtbot.keyClick(popup(), KEY.Key_Return)
    qtbot.waitUntil(lambda: opened.night.place.night == other, timeout=PATIENCE_MS)


def test_without_recent_nights_the_menu_says_so(qtbot, window):
    qtbot.keyClick(window, KEY.Key_E, CONTROL)
    (offer,) = popup().actions()
    assert not offer.isEnabled()
    popup().close()


def test_a_small_report_is_written_for_a_thin_link(qtbot, shown, monkeypatch):
    told = []
    monkeypatch.setattr(results_deeds, "show_report", lambda _window, path: told.append(path))
    shown.decisions.reject([LIGHTS[1]], "cloud")
    qtbot.keyClick(shown, KEY.Key_P, CONTROL | ALT)
    qtbot.waitUntil(lambda: bool(told), timeout=PATIENCE_MS)
    assert told[0].name == "report_small.html"
    assert told[0].stat().st_size <= 100_000


def test_no_menu_is_higher_than_a_small_screen_below_its_bar(window):
    for entry in window.menuBar().actions():
        assert entry.menu().sizeHint().height() <= 720 - 60, entry.text()


def test_the_list_of_keys_fits_into_a_small_window(qtbot, qapp, opened):
    apply_theme(qapp, "dark")  # its letters are those of the real window
    opened.resize(1280, 720)
    opened.actions_by_name["shortcuts"].trigger()
    page = next(w for w in QApplication.topLevelWidgets() if isinstance(w, ShortcutsOverlay) and w.isVisible())
    wanted = page.findChild(QScrollArea).widget().sizeHint()
    page.reject()
    assert wanted.height() <= 610  # of the 615 px that a screen of 720 leaves
    assert wanted.width() <= 1240


@pytest.fixture
def blinking(qtbot, shown):
    shown.night.select(LIGHTS, LIGHTS[0])
    qtbot.keyClick(shown, KEY.Key_B)
    qtbot.waitUntil(lambda: shown.viewing.blink.loaded == len(LIGHTS), timeout=PATIENCE_MS)
    return shown


def test_a_blink_is_made_faster_and_slower_by_keys(qtbot, blinking):
    blink, bar = blinking.viewing.blink, blinking.viewing.blink_bar
    blink.set_rate(8.0)
    qtbot.keyClick(blinking, KEY.Key_Period)
    assert (blink.rate, bar.rate.value()) == (12.0, 12)
    for _ in range(2):
        qtbot.keyClick(blinking, KEY.Key_Comma)
    assert (blink.rate, bar.rate.value()) == (5.0, 5)
    for _ in range(12):
        qtbot.keyClick(blinking, KEY.Key_Comma)
    assert blink.rate == 1.0
    for _ in range(12):
        qtbot.keyClick(blinking, KEY.Key_Period)
    assert blink.rate == 30.0
    assert blink.is_playing


def test_the_ways_of_a_blink_are_chosen_by_keys_and_its_bar_shows_them(qtbot, blinking):
    bar, levels = blinking.viewing.blink_bar, blinking.viewing.blinking.levels
    qtbot.keyClick(blinking, KEY.Key_H)
    assert bar.ping_pong.isChecked()
    seen = []
    for _ in range(3):
        qtbot.keyClick(blinking, KEY.Key_B, SHIFT)
        seen.append((levels.mode, bar.looks.text()))
    assert seen == [("same", "Same levels ▾"), ("own", "Own levels ▾"), ("contrast", "Same contrast ▾")]
    assert "same contrast" in blinking.log.text.toPlainText().splitlines()[-1].lower()


def test_what_the_bar_of_a_blink_shows_is_not_left_standing_in_the_status_line(qtbot, blinking):
    blinking.log.say("as it was")
    for key in (KEY.Key_Comma, KEY.Key_H):
        qtbot.keyClick(blinking, key)
    qtbot.keyClick(blinking, KEY.Key_B, SHIFT)
    assert blinking.log.line.full_text == "as it was"
    assert " fps" in blinking.log.text.toPlainText().splitlines()[-3]
    qtbot.keyClick(blinking, KEY.Key_Escape)
    qtbot.keyClick(blinking, KEY.Key_Comma)
    assert blinking.log.line.full_text.endswith(" fps")  # nothing else says it


def test_a_blink_of_frames_whose_places_are_not_known_says_that_it_cannot_be_aligned(qtbot, blinking):
    qtbot.keyClick(blinking, KEY.Key_J)
    assert "cannot be aligned" in blinking.log.text.toPlainText().splitlines()[-1]
    assert blinking.viewing.blink.aligned


def test_a_blink_is_shown_as_taken_and_aligned_by_a_key(qtbot, shown):
    shown.viewing.places = lambda paths, **_: {path: BlinkPlace((3.0, 0.0)) for path in paths}
    shown.night.select(LIGHTS, LIGHTS[0])
    qtbot.keyClick(shown, KEY.Key_B)
    bar = shown.viewing.blink_bar
    qtbot.waitUntil(bar.aligned.isEnabled, timeout=PATIENCE_MS)
    for is_on in (False, True):
        qtbot.keyClick(shown, KEY.Key_J)
        assert bar.aligned.isChecked() is is_on


def test_two_frames_are_compared_in_each_way_and_swapped_by_keys(qtbot, shown):
    shown.night.select(LIGHTS[:2], LIGHTS[0])
    qtbot.keyClick(shown, KEY.Key_D)
    qtbot.waitUntil(lambda: shown.viewing.comparing.is_on, timeout=PATIENCE_MS)
    view = shown.viewing.compare
    modes = []
    for _ in range(3):
        qtbot.keyClick(view, KEY.Key_N)
        modes.append(next(mode for mode, button in view.buttons.items() if button.isChecked()))
    assert modes == ["wipe", "blink", "side"]
    titles = view.left.title, view.right.title
    qtbot.keyClick(view, KEY.Key_R)
    assert (view.right.title, view.left.title) == titles


def test_the_keys_of_comparing_say_how_to_compare_while_nothing_is(qtbot, shown):
    qtbot.keyClick(shown, KEY.Key_N)
    assert "D compares two frames" in shown.log.text.toPlainText().splitlines()[-1]
    assert not shown.viewing.comparing.is_on


def test_a_recent_night_is_offered_by_its_own_name_whatever_stands_in_it(qtbot, opened, tmp_path):
    opened.remembered.opened(small_night(tmp_path / "M31 & M32", science=1))
    qtbot.keyClick(opened, KEY.Key_E, CONTROL)
    (offer,) = popup().actions()
    assert "M31 && M32" in offer.text(), "one & would underline the letter after it, and not be seen"
    popup().close()
