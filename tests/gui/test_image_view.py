"""The image view, by mouse and keys: what is seen, said and drawn."""

from __future__ import annotations

import gc
import weakref

import numpy as np
import pytest
from PyQt6.QtCore import QPoint, QPointF, QRectF, Qt
from PyQt6.QtGui import QWheelEvent
from PyQt6.QtTest import QTest
from PyQt6.QtWidgets import QApplication

from astep_gui.models.frame_images import reduced_image
from astep_gui.models.header_facts import HeaderFacts
from astep_gui.models.star_marks import StarMarks
from astep_gui.theme import apply_theme, theme
from astep_gui.widgets.image_marks import scale_bar_length
from astep_gui.widgets.image_view import ImageView
from astep_gui.widgets.readout import Readout
from pipeline_core.science.tangent import SkyMap
from pipeline_core.types import MaskBit, Section


@pytest.fixture
def view(qtbot, qapp, levels, make_shown):
    apply_theme(qapp, "dark")
    view = ImageView(levels)
    qtbot.addWidget(view)
    view.resize(840, 660)
    view.show()
    shown = make_shown()
    levels.follow(shown)
    view.show_image(shown)
    qapp.processEvents()
    return view


def viewport(view):
    return view.canvas.viewport()


def wheel(view, at: QPoint, units: int) -> None:
    event = QWheelEvent(
        QPointF(at),
        QPointF(viewport(view).mapToGlobal(at)),
        QPoint(),
        QPoint(0, units),
        Qt.MouseButton.NoButton,
        Qt.KeyboardModifier.NoModifier,
        Qt.ScrollPhase.NoScrollPhase,
        False,
    )
    QApplication.sendEvent(viewport(view), event)
    QApplication.processEvents()


def screen(view, x: float, y: float) -> QPoint:
    return view._to_screen(x, y).toPoint()


def test_the_whole_frame_is_shown_at_first_with_its_name_and_unit(view):
    assert view.is_fitting
    assert view.view_rect().contains(QRectF(0, 0, 800, 600))
    assert view.title == "a.fits"
    assert "e⁻" in view.head.about.text()


def test_the_first_image_too_leaves_out_its_size_before_its_name_is_cut(qtbot, levels, make_shown):
    for width in range(380, 700, 20):
        view = ImageView(levels)
        qtbot.addWidget(view)
        view.resize(width, 400)
        view.show()
        view.show_image(make_shown(title="2026-06-21_0000_SCIENCE_R.fits"))
        qtbot.wait(1)
        assert view.head._title.text() == view.title or not view.head.about.isVisible()


def test_the_lower_left_pixel_is_at_the_lower_left(view, levels):
    image = np.full((600, 800), 1000.0, np.float32)
    image[:100, :100] = 2000.0
    view.show_image(type(view.shown)(**{**view.shown.__dict__, "image": image}))
    corner = screen(view, 0, 0)
    assert corner.y() > viewport(view).height() / 2
    assert corner.x() < viewport(view).width() / 2


def test_name_and_pixels_change_in_one_step(view, make_shown, qapp):
    before = view.grab().toImage()
    view.show_image(make_shown("b", np.full((600, 800), 5.0, np.float32)))
    assert view.title == "b.fits"
    assert view.shown.value(0, 0) == 5.0
    qapp.processEvents()
    assert view.grab().toImage() != before


def test_the_wheel_zooms_where_the_pointer_is(view):
    at = screen(view, 300, 200)
    place = view._place_at(QPointF(at))
    wheel(view, at, 480)
    assert view.zoom == pytest.approx(2.0, rel=0.1)
    again = view._place_at(QPointF(at))
    assert (again.x(), again.y()) == pytest.approx((place.x(), place.y()), abs=1.0)
    assert not view.is_fitting


def test_dragging_pans(qtbot, view):
    view.zoom_to(4.0)
    before = view.view_rect().center()
    start = viewport(view).rect().center()
    QTest.mousePress(viewport(view), Qt.MouseButton.LeftButton, pos=start)
    for k in range(1, 11):
        QTest.mouseMove(viewport(view), start + QPoint(8 * k, 0), 5)
    QTest.mouseRelease(viewport(view), Qt.MouseButton.LeftButton, pos=start + QPoint(80, 0))
    after = view.view_rect().center()
    assert after.x() == pytest.approx(before.x() - 20.0, abs=4.0)
    assert after.y() == pytest.approx(before.y(), abs=1.0)


def test_one_to_one_shows_each_pixel_as_one_of_the_screens(view):
    view.one_to_one()
    assert view.zoom == pytest.approx(1.0, rel=1e-6)
    view.fit()
    assert view.is_fitting


def test_the_frame_stays_fitted_when_the_window_grows(view, qapp):
    view.resize(1100, 900)
    qapp.processEvents()
    qapp.processEvents()
    assert view.view_rect().contains(QRectF(0, 0, 800, 600))
    assert view.zoom > 1.2


def test_the_next_frame_of_the_same_size_keeps_the_view(view, make_shown):
    view.zoom_to(4.0)
    view.centre_on(100, 100)
    seen = view.view_rect()
    view.show_image(make_shown("b"))
    assert view.view_rect() == seen
    view.show_image(make_shown("c", np.zeros((300, 300), np.float32)))
    assert view.is_fitting


def test_the_pointer_tells_the_true_value_of_the_pixel_under_it(qtbot, view):
    told = []
    view.cursor_moved.connect(lambda x, y, value: told.append((x, y, value)))
    QTest.mouseMove(viewport(view), screen(view, 300, 200))
    qtbot.waitUntil(lambda: bool(told))
    x, y, value = told[-1]
    assert (x, y) == pytest.approx((300, 200), abs=1.5)
    assert value == view.shown.image[round(y), round(x)]


def test_a_small_version_tells_no_value(qtbot, view, make_shown):
    big = make_shown("big", np.ones((1200, 1600), np.float32))
    view.show_image(reduced_image(big, 2))
    assert view.shown.reduction == 2
    assert "1:2" in view.head.about.text()
    told = []
    view.cursor_moved.connect(lambda x, y, value: told.append(value))
    QTest.mouseMove(viewport(view), viewport(view).rect().center())
    qtbot.waitUntil(lambda: bool(told))
    assert told[-1] is None


def test_a_click_tells_its_place_and_keys(qtbot, view):
    with qtbot.waitSignal(view.clicked, timeout=2000) as told:
        QTest.mouseClick(
            viewport(view), Qt.MouseButton.LeftButton, Qt.KeyboardModifier.AltModifier, screen(view, 300, 200)
        )
    assert told.args[:2] == pytest.approx([300, 200], abs=1.5)
    assert told.args[2] == Qt.KeyboardModifier.AltModifier


def test_a_drag_with_a_tool_draws_and_does_not_pan(qtbot, view):
    view.set_tool("line")
    seen = view.view_rect()
    drawn = []
    view.shape_drawn.connect(drawn.append)
    start, end = screen(view, 100, 100), screen(view, 200, 150)
    QTest.mousePress(viewport(view), Qt.MouseButton.LeftButton, pos=start)
    for k in range(1, 11):
        QTest.mouseMove(viewport(view), start + (end - start) * k / 10, 5)
    QTest.mouseRelease(viewport(view), Qt.MouseButton.LeftButton, pos=end)
    assert view.view_rect() == seen
    shape = drawn[-1]
    assert (shape.kind, shape.x0, shape.y0) == ("line", pytest.approx(100, abs=2), pytest.approx(100, abs=2))
    assert (shape.x1, shape.y1) == (pytest.approx(200, abs=2), pytest.approx(150, abs=2))


def test_a_rejected_frame_wears_its_badge(view, make_shown, qapp):
    plain = view.grab().toImage()
    view.show_image(view.shown, "REJECTED · cloud · U to restore")
    qapp.processEvents()
    badged = view.grab().toImage()
    red = theme().colour("badge").rgb()
    count = sum(badged.pixel(x, y) == red for x in range(0, badged.width(), 3) for y in range(0, badged.height(), 3))
    assert count > 300
    assert badged != plain
    view.set_badge(None)
    assert view.badge is None


def test_masked_pixels_are_coloured_by_kind(view, make_shown, levels, qapp):
    mask = np.zeros((600, 800), np.uint8)
    mask[300:340, 300:340] = MaskBit.COSMIC
    view.show_image(make_shown("m", mask=mask))
    view.set_mask_bits(MaskBit.COSMIC)
    qapp.processEvents()
    colour = view.grab().toImage().pixelColor(view.canvas.mapTo(view, screen(view, 320, 320)))
    expected = theme().colour("mask_cosmic")
    assert abs(colour.blue() - expected.blue()) < 70
    assert colour.blue() > colour.red() + 60
    view.set_mask_bits(MaskBit.HOT)
    qapp.processEvents()
    colour = view.grab().toImage().pixelColor(view.canvas.mapTo(view, screen(view, 320, 320)))
    assert abs(colour.blue() - colour.red()) < 20


def test_a_bright_pixel_is_not_lost_when_the_frame_is_small_on_the_screen(view, make_shown, levels, qapp):
    image = np.zeros((2400, 3200), np.float32)
    image[1200, 1600] = 4000.0
    shown = make_shown("dot", image)
    view.show_image(shown)
    levels.set_range(0.0, 100.0)
    levels.set_stretch("linear")
    view.set_mark("overview", False)
    qapp.processEvents()
    at = view.canvas.mapTo(view, screen(view, 1600, 1200))
    picture = view.grab().toImage()
    around = [picture.pixelColor(at + QPoint(dx, dy)).red() for dx in range(-2, 3) for dy in range(-2, 3)]
    assert max(around) > 50  # a fifth of white: a plain reduction would lose it 15 times of 16


def test_the_overview_appears_when_zoomed_in_and_brings_one_there(qtbot, view):
    assert not view._overview_is_useful()
    view.zoom_to(5.0)
    assert view._overview_is_useful()
    place = QRectF(viewport(view).width() - 14 - 132, 14, 132, 99)
    at = QPoint(round(place.left() + 33), round(place.top() + 25))
    QTest.mouseClick(viewport(view), Qt.MouseButton.LeftButton, pos=at)
    centre = view.view_rect().center()
    assert (centre.x(), centre.y()) == pytest.approx((200, 450), abs=8)


def test_a_linked_view_follows(qtbot, view, levels, make_shown):
    other = ImageView(levels)
    qtbot.addWidget(other)
    other.resize(840, 660)
    other.show()
    other.show_image(make_shown("b"))
    view.view_changed.connect(other.set_view_rect)
    view.zoom_to(3.0)
    assert other.view_rect().center() == view.view_rect().center()


def test_an_aligned_frame_tells_places_of_its_own(qtbot, view):
    view.show_image(view.shown, offset=(-10.0, 5.0))
    told = []
    view.cursor_moved.connect(lambda x, y, value: told.append((x, y)))
    QTest.mouseMove(viewport(view), screen(view, 290, 205))
    qtbot.waitUntil(lambda: bool(told))
    assert told[-1] == pytest.approx((300, 200), abs=1.5)


def test_no_image_says_why(view):
    view.clear("Open a night to see its frames")
    assert view.shown is None
    assert view.title == ""
    view.grab()


def test_the_scale_bar_is_round_and_in_the_right_unit():
    assert scale_bar_length(1.0, None, 160.0) == (100.0, "100 px")
    length, words = scale_bar_length(1.0, 0.9, 160.0)
    assert words == "2′"
    assert length == pytest.approx(120.0 / 0.9)


def test_every_mark_can_be_drawn_on_every_theme(qtbot, view, make_shown, qapp):
    sky = SkyMap(83.0, -68.0, 400.0, 300.0, np.array([[-0.00025, 0.0], [0.0, 0.00025]]))
    facts = HeaderFacts((), sky, "header WCS, unverified", 0.9)
    view.show_image(make_shown("w", facts=facts, stars=np.array([[300.0, 200.0]])))
    for name in ("stars", "cross_hair", "compass", "scale_bar"):
        view.set_mark(name, True)
    for name in ("light", "contrast", "red", "dark"):
        apply_theme(qapp, name)
        qapp.processEvents()
        assert not view.grab().isNull()


def test_the_readout_says_place_value_mask_and_sky_with_its_source(qtbot, make_shown):
    sky = SkyMap(83.0, -68.0, 300.0, 200.0, np.array([[-0.00025, 0.0], [0.0, 0.00025]]))
    mask = np.zeros((600, 800), np.uint8)
    mask[200, 300] = MaskBit.SATURATED | MaskBit.HOT
    shown = make_shown(facts=HeaderFacts((), sky, "header WCS, unverified"), mask=mask)
    readout = Readout()
    qtbot.addWidget(readout)
    readout.show_pixel(300.2, 199.8, shown.value(300, 200), shown)
    assert "x   301  y   201" in readout.words  # counted from 1
    assert "e⁻" in readout.words
    assert "hot, saturated" in readout.words
    assert "05 32 0" in readout.words or "05 31 59" in readout.words
    assert "header WCS, unverified" in readout.words
    readout.show_pixel(-5.0, 3.0, None, shown)
    assert readout.words == ""


def test_fields_of_the_readout_do_not_move_with_what_they_say(qtbot, make_shown):
    readout = Readout()
    qtbot.addWidget(readout)
    readout.resize(900, 24)
    readout.show()
    shown = make_shown()
    places = []
    for x, y, value in ((0, 0, 1.0), (799, 599, -123456.78)):
        readout.show_pixel(x, y, value, shown)
        QApplication.processEvents()
        places.append([field.geometry() for field in readout._fields.values()])
    assert places[0] == places[1]


def test_fifty_views_come_and_go_without_a_trace(qtbot, qapp, levels, make_shown):
    shown = make_shown()
    gone = []
    for _ in range(50):
        view = ImageView(levels)
        view.resize(300, 200)
        view.show()
        view.show_image(shown)
        qapp.processEvents()
        view.close()
        gone.append(weakref.ref(view))
        view.deleteLater()
        del view
        qapp.sendPostedEvents(None, 52)  # QEvent.Type.DeferredDelete
    gc.collect()
    assert sum(ref() is not None for ref in gone) <= 1


def test_the_overlay_menu_turns_marks_and_kinds_of_masked_pixels_on(view, make_shown):
    mask = np.zeros((600, 800), np.uint8)
    mask[0, :25] = MaskBit.HOT
    view.show_image(make_shown("m", mask=mask))
    view.overlays.menu().aboutToShow.emit()
    assert view.overlays.masks[MaskBit.HOT].text() == "Hot   25"
    view.overlays.masks[MaskBit.HOT].trigger()
    assert view._item._mask_bits == MaskBit.HOT
    view.overlays.marks["cross_hair"].trigger()
    assert view.has_mark("cross_hair")
    view.set_cross_hair(False)
    assert not view.overlays.marks["cross_hair"].isChecked()


def test_a_frame_without_a_mask_says_so_in_the_overlay_menu(view):
    view.overlays.menu().aboutToShow.emit()
    assert not view.overlays.masks[MaskBit.HOT].isEnabled()


def test_stars_are_found_when_their_mark_is_switched_on_and_forgotten_with_the_image(qtbot, view, make_shown):
    finder = StarMarks()
    found = []
    finder.found.connect(found.append)
    view.mark_changed.connect(lambda name, on: finder.set_on(on) if name == "stars" else None)
    finder.show_image(make_shown("a"))
    assert found == []  # nobody asked
    view.overlays.marks["stars"].trigger()
    qtbot.waitUntil(lambda: len(found) == 2, timeout=60_000)
    assert found[0] is None  # while they are looked for, no rings of another image are shown
    assert found[1] == pytest.approx(np.array([[300.0, 200.0]]), abs=0.2)
    finder.show_image(make_shown("a"))
    assert len(found) == 3  # the same image: known
    finder.show_image(make_shown("empty", np.full((80, 90), 5.0, np.float32)))
    qtbot.waitUntil(lambda: len(found) == 5, timeout=8000)
    assert len(found[4]) == 0
    finder.close()


def test_the_overscan_is_hatched_where_it_lies(view, make_shown, qapp):
    shown = make_shown("o", unlit=(Section(0, 600, 740, 800),))
    view.show_image(shown)
    plain = view.canvas.grab().toImage()
    view.overlays.marks["overscan"].trigger()
    hatched = view.canvas.grab().toImage()
    differs = [x for x in range(plain.width()) if any(
        plain.pixel(x, y) != hatched.pixel(x, y) for y in range(0, plain.height(), 7))]  # fmt: skip
    left = view._to_screen(739.5, 300).x()
    assert differs
    assert min(differs) >= left - 4


def test_a_mask_that_is_what_is_shown_is_coloured_without_asking(view, make_shown):
    mask = np.zeros((600, 800), np.uint8)
    mask[100:200, 100:200] = MaskBit.HOT
    view.show_image(make_shown("m", mask=mask))
    assert view._item.shown_bits == 0
    view.show_image(make_shown("m", mask=mask, shows_mask=True))
    assert view._item.shown_bits & MaskBit.HOT
    view.set_mask_bits(MaskBit.COSMIC)  # a person's choice goes first
    assert view._item.shown_bits == MaskBit.COSMIC


def test_where_there_is_little_room_the_readout_says_whole_words_of_the_solution(qtbot):
    readout = Readout()
    qtbot.addWidget(readout)
    readout.resize(546, 24)
    readout.show()
    readout._say_source("solved, Tycho-2, rms 0.06″")
    assert readout._source.text() in {"solved", "solved, Tycho-2"}
    assert readout._source.toolTip() == "solved, Tycho-2, rms 0.06″"
    readout.resize(1200, 24)
    readout._say_source("solved, Tycho-2, rms 0.06″")
    assert readout._source.text() == "solved, Tycho-2, rms 0.06″"


def test_a_part_that_was_awaited_is_not_looked_for_in_what_comes_after_the_image_went(view, make_shown):
    rng = np.random.default_rng(3)
    view.see((40, 30), QRectF(1, 1, 5, 5))
    view.clear("its file is gone")
    view.show_image(make_shown("b", rng.normal(10.0, 1.0, (40, 30)).astype(np.float32)))
    assert view.is_fitting
