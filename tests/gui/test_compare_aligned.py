"""Two frames that are compared lie on each other, across a meridian flip too; where that is not known, it is said."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from astropy.io import fits
from PyQt6.QtCore import Qt
from PyQt6.QtGui import QImage

from astep_gui.models.blink_places import BlinkPlace
from astep_gui.models.levels import LevelsModel
from astep_gui.widgets.compare_view import CompareView
from pipeline_core.measures import QualityRow, ScienceMeasures
from tests.gui.nights import SIZE, small_night
from tests.gui.test_workflow import LIGHTS, reduce

LEFT = Qt.MouseButton.LeftButton
PATIENCE_MS = 30_000
STARS = ((12, 40), (30, 22), (45, 50), (50, 12))
"""x, y on the first frame."""
MOVED = (4, -3)
"""px by which the middle of the later frames lies elsewhere."""


def place_on(path, x, y):
    """Return where a star of the first frame lies: the third and fourth were taken beyond the meridian."""
    if path == LIGHTS[0]:
        return x, y
    if path == LIGHTS[1]:
        return x + MOVED[0], y + MOVED[1]
    return SIZE - 1 - x + MOVED[0], SIZE - 1 - y + MOVED[1]


@pytest.fixture
def starry(qtbot, night_folder, window):
    """The window on a night with stars, of whose frames the quick look has measured where they lie."""
    for path in LIGHTS:
        with fits.open(night_folder / path, mode="update") as hdus:
            for star in STARS:
                x, y = place_on(path, *star)
                hdus[0].data[y - 1 : y + 2, x - 1 : x + 2] = 9000
    window.open_night(night_folder)
    qtbot.waitUntil(lambda: window.night.plan is not None, timeout=PATIENCE_MS)
    measure(window)
    return window


def measure(window):
    for k, path in enumerate(LIGHTS):
        dx, dy = MOVED if k else (0, 0)
        measures = ScienceMeasures("quick", "adu", fwhm_px=2.5)
        angle = 180.0 if k > 1 else 0.0
        extra = {"reference": LIGHTS[0]}
        row = QualityRow(path, measures, dx_px=float(dx), dy_px=float(dy), rotation_deg=angle, extra=extra)
        window.night.judgements.take_rows([row])


def compare(qtbot, window, first, second):
    window.night.select([first, second], first)
    qtbot.waitUntil(lambda: window.viewing.view.title == first, timeout=PATIENCE_MS)
    qtbot.keyClick(window, Qt.Key.Key_D)
    qtbot.waitUntil(lambda: window.viewing.comparing.is_on, timeout=PATIENCE_MS)
    qtbot.wait(50)
    return window.viewing.compare


def bright_places(view):
    """Return the middles of what is brightest on the screen, in pixels of the screen, sorted."""
    picture = view.canvas.grab().toImage().convertToFormat(QImage.Format.Format_Grayscale8)
    bits = picture.constBits()
    bits.setsize(picture.sizeInBytes())
    grey = np.frombuffer(bits, np.uint8).reshape(picture.height(), picture.bytesPerLine())[:, : picture.width()]
    found = []
    for x, y in STARS:
        at = view._to_screen(x, y)
        side = round(3 * view.zoom)
        cut = grey[round(at.y()) - side : round(at.y()) + side, round(at.x()) - side : round(at.x()) + side]
        found.append(float((cut > 200).mean()) if cut.size else 0.0)
    return found


@pytest.mark.parametrize("mode", ["side", "wipe", "blink"])
@pytest.mark.parametrize("other", [LIGHTS[1], LIGHTS[2]])
def test_stars_of_both_frames_stand_at_the_same_places_of_the_screen(qtbot, starry, other, mode):
    view = compare(qtbot, starry, LIGHTS[0], other)
    view.left.set_mark("scale_bar", False)
    view.right.set_mark("scale_bar", False)
    qtbot.mouseClick(view.buttons[mode], LEFT)
    view.set_wipe(0.0 if mode != "side" else 0.5)
    for one in (view.left, view.right):
        assert min(bright_places(one)) > 0.15, "a star of nine pixels in a square of thirty-six"


def test_it_is_said_that_a_frame_is_turned_onto_the_other(qtbot, starry):
    view = compare(qtbot, starry, LIGHTS[0], LIGHTS[2])
    assert view.note.isVisible()
    assert view.note.full_text == "aligned: light 002 is turned by 180° onto light 000"
    assert view.note.property("role") == "dim"


def test_it_is_said_by_how_much_a_frame_is_moved(qtbot, starry):
    view = compare(qtbot, starry, LIGHTS[0], LIGHTS[1])
    assert view.note.full_text == "aligned: light 001 is moved by 5.0 px onto light 000"


def test_two_frames_beyond_the_meridian_are_not_turned(qtbot, starry):
    view = compare(qtbot, starry, LIGHTS[2], LIGHTS[3])
    assert view.right.shown.place is None
    assert view.note.full_text == "aligned: light 003 is moved by 0.0 px onto light 002"


def test_where_the_places_are_not_known_it_is_said_that_they_are_not_aligned(qtbot, starry):
    starry.night.rows.pop(LIGHTS[2])
    view = compare(qtbot, starry, LIGHTS[0], LIGHTS[2])
    assert view.note.full_text.startswith("not aligned: how light 002 lies on light 000 was not measured")
    assert "meridian" in view.note.full_text
    assert view.note.property("role") == "warn"


@pytest.mark.parametrize("width", [1200, 490, 360, 150])
def test_in_a_narrow_centre_it_is_said_in_short_that_they_are_not_aligned_and_nothing_is_cut(qapp, width):
    view = CompareView(LevelsModel())
    words = "not aligned: how light 002 lies on light 000 was not measured; across a meridian flip one is upside down"
    view.say(words, is_warning=True)
    view.layout().removeWidget(view.note)
    view.note.resize(width, view.note.sizeHint().height())
    view.note.grab()  # a label that is not shown hears of its size with this
    said = view.note.text()
    assert words.startswith(said)
    assert ("measured" in said) == (width > 360)
    assert "…" not in said
    assert view.note.fontMetrics().horizontalAdvance(said) <= view.note.contentsRect().width()
    assert (view.note.toolTip() == "") == (said == words)
    view.deleteLater()


def test_of_frames_without_stars_nothing_is_said(qtbot, starry):
    view = compare(qtbot, starry, "dark_000.fits", "dark_001.fits")
    assert not view.note.isVisible()


def test_the_turned_frame_reads_out_its_true_values(qtbot, starry):
    view = compare(qtbot, starry, LIGHTS[0], LIGHTS[2])
    raw = fits.getdata(starry.night.night.root / LIGHTS[2])
    x, y = 25, 18
    own_x, own_y = place_on(LIGHTS[2], x, y)
    assert view.right.shown.value(x, y) == raw[own_y, own_x]
    assert view.right.shown.unit == "ADU"


def test_calibrated_frames_are_turned_onto_each_other_too(qtbot, starry):
    reduce(qtbot, starry)
    measure(starry)
    starry.night.select([LIGHTS[0]])
    qtbot.keyClick(starry, Qt.Key.Key_Y)
    qtbot.waitUntil(lambda: starry.viewing.view.title == "light_000_CAL.fits", timeout=PATIENCE_MS)
    starry.night.select([LIGHTS[0], LIGHTS[2]], LIGHTS[0])
    qtbot.keyClick(starry, Qt.Key.Key_D)
    qtbot.waitUntil(lambda: starry.viewing.comparing.is_on, timeout=PATIENCE_MS)
    view = starry.viewing.compare
    assert view.right.title == "light 002 · calibrated"
    assert view.right.shown.place is not None
    assert view.note.full_text.startswith("aligned: light 002 is turned by 180° onto light 000")


def test_a_blink_across_the_meridian_is_turned_by_what_the_quick_look_measured(qtbot, starry):
    starry.night.select(LIGHTS, LIGHTS[0])
    qtbot.keyClick(starry, Qt.Key.Key_B)
    model = starry.viewing.blink
    qtbot.waitUntil(lambda: model.loaded == 4, timeout=PATIENCE_MS)
    model.pause()
    assert sum(frame.turn is not None for frame in model.frames) == 2
    assert model.unplaced == ()
    model.go(next(k for k, frame in enumerate(model.frames) if frame.turn is not None))
    assert starry.viewing.view.head.state.text() == "raw · turned onto the others"


def test_a_click_on_a_turned_frame_at_rest_is_not_taken_for_another_place(qtbot, starry):
    starry.night.select(LIGHTS, LIGHTS[0])
    qtbot.keyClick(starry, Qt.Key.Key_B)
    viewing = starry.viewing
    qtbot.waitUntil(lambda: viewing.blink.loaded == 4, timeout=PATIENCE_MS)
    viewing.blink.pause()
    viewing.blink.go(next(k for k, frame in enumerate(viewing.blink.frames) if frame.turn is not None))
    at = viewing.view._to_screen(20.0, 30.0).toPoint()
    qtbot.mouseClick(viewing.view.canvas.viewport(), LEFT, Qt.KeyboardModifier.AltModifier, pos=at)
    qtbot.waitUntil(starry.notice.isVisible, timeout=PATIENCE_MS)
    assert "turned" in starry.notice.why.text()
    assert not viewing.story.is_busy


def test_a_badge_follows_its_frame_after_both_were_swapped(qtbot, starry):
    view = compare(qtbot, starry, LIGHTS[0], LIGHTS[1])
    starry.decisions.reject([LIGHTS[0]], "cloud")
    assert "cloud" in view.left.badge
    assert not view.right.badge
    qtbot.mouseClick(view.swap, LEFT)
    assert view.right.title == "light 000"
    starry.decisions.reject([LIGHTS[1]], "wind")
    assert "wind" in view.left.badge
    assert "cloud" in view.right.badge
    qtbot.keyClick(starry, Qt.Key.Key_Z, Qt.KeyboardModifier.ControlModifier)
    assert not view.left.badge
    assert "cloud" in view.right.badge
    qtbot.mouseClick(view.swap, LEFT)
    assert "cloud" in view.left.badge


def test_after_a_swap_it_is_said_which_one_is_moved_now(qtbot, starry):
    view = compare(qtbot, starry, LIGHTS[0], LIGHTS[1])
    qtbot.mouseClick(view.swap, LEFT)
    assert view.note.full_text == "aligned: light 000 is moved by 5.0 px onto light 001"


def test_after_a_swap_the_frame_that_was_turned_is_still_said_to_be(qtbot, starry):
    view = compare(qtbot, starry, LIGHTS[0], LIGHTS[2])
    qtbot.mouseClick(view.swap, LEFT)
    assert view.note.full_text == "aligned: light 002 is turned by 180° onto light 000"


@pytest.fixture
def hardly_turned(starry, monkeypatch):
    """The window on frames that an alignment turns by hundredths of a degree, or by two degrees: the last one."""

    def places(paths, **_):
        angles = dict(zip(LIGHTS, (0.0, 0.03, -0.03, 2.0), strict=True))
        turned = {p: BlinkPlace((4.0, 3.0), lambda shown: replace(shown, place=lambda x, y: (x, y)), angles[p])
                  for p in paths if angles[p]}  # fmt: skip
        return {LIGHTS[0]: BlinkPlace((0.0, 0.0))} | turned

    monkeypatch.setattr(starry.viewing, "places", places)
    return starry


def test_a_frame_turned_by_hundredths_of_a_degree_is_called_aligned_in_a_blink(qtbot, hardly_turned):
    hardly_turned.night.select(LIGHTS, LIGHTS[0])
    qtbot.keyClick(hardly_turned, Qt.Key.Key_B)
    model = hardly_turned.viewing.blink
    qtbot.waitUntil(lambda: model.loaded == 4, timeout=PATIENCE_MS)
    model.pause()
    said = []
    for k in range(4):
        model.go(k)
        said.append(hardly_turned.viewing.view.head.state.text())
    assert said == ["raw · aligned"] * 3 + ["raw · turned onto the others"]


def test_a_frame_turned_by_hundredths_of_a_degree_is_said_to_be_moved_beside_another(qtbot, hardly_turned):
    view = compare(qtbot, hardly_turned, LIGHTS[0], LIGHTS[1])
    assert view.note.full_text == "aligned: light 001 is moved by 5.0 px onto light 000"
    view = compare(qtbot, hardly_turned, LIGHTS[0], LIGHTS[3])
    assert view.note.full_text == "aligned: light 003 is turned by 2° onto light 000"


def test_two_frames_that_are_compared_do_not_stay_over_another_night(qtbot, starry, tmp_path):
    compare(qtbot, starry, LIGHTS[0], LIGHTS[1])
    other = small_night(tmp_path / "other", science=2)
    starry.open_night(other)
    qtbot.waitUntil(lambda: starry.night.place.night == other and starry.viewing.view.shown is not None, timeout=9000)
    assert not starry.viewing.comparing.is_on
    assert starry.viewing.compare.left.shown is None


def test_two_frames_that_were_asked_for_do_not_come_over_another_night(qtbot, starry, tmp_path):
    viewing, other = starry.viewing, small_night(tmp_path / "other", science=2)
    viewing.comparing.ask_frames(LIGHTS[0], LIGHTS[1])
    starry.night.close()
    starry.open_night(other)
    qtbot.waitUntil(lambda: starry.night.is_open and viewing.view.shown is not None, timeout=9000)
    qtbot.wait(200)
    assert not viewing.comparing.is_on
