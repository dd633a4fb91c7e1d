"""Two images compared, one star all night, why this pixel: used by clicks and keys."""

from dataclasses import replace

import numpy as np
import pytest
from PyQt6.QtCore import QPoint, QRectF, Qt

from astep_gui.models.background import Background
from astep_gui.models.frame_images import Loaded, shown_image
from astep_gui.models.levels import LevelsModel
from astep_gui.models.pixel_story_model import PixelStoryModel
from astep_gui.models.star_track import StarTrackModel
from astep_gui.widgets.compare_view import CompareView
from astep_gui.widgets.pixel_story_panel import PixelStoryPanel
from astep_gui.widgets.star_strip import StarStrip, range_words
from pipeline_core.align_night import FrameAlignment, NightAlignment
from pipeline_core.config import Recipe
from pipeline_core.errors import NightError
from pipeline_core.events import RunContext
from pipeline_core.measures import QualityRow, ScienceMeasures
from pipeline_core.plan import Choices, build_plan
from pipeline_core.scan import scan_night
from pipeline_core.science.alignment import Alignment
from pipeline_core.science.placement import Placement
from pipeline_core.types import Night

LEFT = Qt.MouseButton.LeftButton
PATIENCE_MS = 60_000  # a first call may compile kernels


# -- two images ------------------------------------------------------------------------------------------------


def picture(level, title, unit="adu"):
    rng = np.random.default_rng(1)
    return shown_image(title, Loaded(title, rng.normal(level, 10, (200, 300)).astype(np.float32), unit))


@pytest.fixture
def compare(qtbot):
    view = CompareView(LevelsModel())
    qtbot.addWidget(view)
    view.resize(900, 500)
    with qtbot.waitExposed(view):
        view.show()
    view.show_pair(picture(1000, "one"), picture(1005, "two"))
    return view


def test_zoom_of_one_image_is_zoom_of_the_other(compare):
    compare.left.set_view_rect(QRectF(50, 60, 90, 90))
    assert compare.right.view_rect().center() == compare.left.view_rect().center()
    compare.right.zoom_in()
    assert compare.left.zoom == pytest.approx(compare.right.zoom)


def test_levels_are_the_same_where_images_are_alike_and_their_own_where_not(compare):
    compare._levels.set_range(900, 1200)
    assert (compare._right_levels.lo, compare._right_levels.hi) == (900, 1200)
    compare.show_pair(picture(1000, "one"), picture(500, "electrons", "electron"))
    assert not compare.same_levels.isEnabled()
    assert compare._right_levels.lo < 500 < compare._right_levels.hi


def test_a_frame_whose_sky_would_be_black_in_the_levels_of_the_other_has_its_own(compare):
    compare.show_pair(picture(1000, "one"), picture(960, "darker"))  # four sigma darker: below black
    assert not compare.same_levels.isChecked()
    assert compare._right_levels.lo < 960 < compare._right_levels.hi


def test_the_wipe_is_dragged_and_shows_left_of_it_the_left_image(compare, qtbot):
    qtbot.mouseClick(compare.buttons["wipe"], LEFT)
    grip = compare.stage._grip
    assert grip.isVisible()
    assert compare.left.geometry().width() == compare.stage.width()
    qtbot.mousePress(grip, LEFT, pos=QPoint(6, 100))
    qtbot.mouseMove(grip, QPoint(6 - 200, 100))
    before = compare.wipe
    compare.set_wipe(0.25)
    assert before != 0.25
    assert compare.stage._window.x() == round(0.25 * compare.stage.width())
    qtbot.keyClick(compare, Qt.Key.Key_Right)
    assert compare.wipe == pytest.approx(0.27)


def test_blinking_shows_one_after_the_other_and_stops_on_escape(compare, qtbot):
    qtbot.mouseClick(compare.buttons["blink"], LEFT)
    first = compare.wipe
    qtbot.waitUntil(lambda: compare.wipe != first, timeout=3000)
    with qtbot.waitSignal(compare.closed):
        qtbot.keyClick(compare, Qt.Key.Key_Escape)
    assert not compare._blink_timer.isActive()


def test_the_wipe_opens_in_the_middle_wherever_a_blink_left_it(compare, qtbot):
    for end in (0.0, 1.0):
        qtbot.mouseClick(compare.buttons["blink"], LEFT)
        compare.set_wipe(end)
        qtbot.mouseClick(compare.buttons["wipe"], LEFT)
        assert compare.wipe == 0.5
    compare.set_wipe(0.3)
    qtbot.mouseClick(compare.buttons["wipe"], LEFT)
    assert compare.wipe == 0.3, "a line that was dragged stays when its button is pressed again"


def test_a_blink_begins_with_the_whole_left_image_and_names_it_beside_the_scale_bar(compare, qtbot):
    qtbot.mouseClick(compare.buttons["blink"], LEFT)
    compare._blink_timer.stop()
    assert compare.wipe == 1.0
    left, right = compare.stage._tags
    assert left.isVisible()
    assert not right.isVisible()
    assert left.text() == "◧ one"
    assert left.x() > compare.stage.width() / 4


def test_images_stay_where_they_are_from_one_way_of_comparing_to_the_other(compare, qtbot):
    places = []
    for mode in ("side", "wipe"):
        compare.set_mode(mode)
        qtbot.wait(30)
        canvas = compare.left.canvas
        places.append((canvas.mapTo(compare, QPoint(0, 0)).y(), canvas.height()))
    assert places[0] == places[1]
    assert compare.left_name.isVisible()
    assert compare.left_name.width() > 300, "both names have the width of the window to themselves"


def test_after_a_blink_that_was_closed_the_next_pair_stands_side_by_side(compare, qtbot):
    qtbot.mouseClick(compare.buttons["blink"], LEFT)
    compare.clear()
    compare.show_pair(picture(1000, "three"), picture(1005, "four"))
    assert compare.mode == "side"
    assert not compare._blink_timer.isActive()


def test_same_levels_is_one_switch_in_the_bar_and_beside_the_histogram(compare, qtbot):
    levels = compare._levels
    assert compare.same_levels.isChecked()
    assert levels.frozen
    compare.same_levels.click()
    assert not levels.frozen
    levels.set_frozen(True)
    assert compare.same_levels.isChecked()
    assert (compare._right_levels.lo, compare._right_levels.hi) == (levels.lo, levels.hi)
    compare.clear()
    assert not levels.frozen, "as it was before"


def test_a_pair_that_is_compared_after_another_has_levels_of_its_own(compare):
    compare.show_pair(picture(5000, "three"), picture(5005, "four"))
    assert compare._levels.lo < 5000 < compare._levels.hi
    assert compare._levels.frozen


def test_swap_exchanges_names_and_images_together(compare, qtbot):
    qtbot.mouseClick(compare.swap, LEFT)
    assert (compare.left.title, compare.right.title) == ("two", "one")


def test_the_right_frame_lies_on_the_left_one_and_swapping_turns_the_shift(compare, qtbot):
    compare.show_pair(picture(1000, "one"), picture(1005, "two"), offset=(3.0, -2.0))
    assert (compare.left._item.offset, compare.right._item.offset) == ((0.0, 0.0), (3.0, -2.0))
    qtbot.mouseClick(compare.swap, LEFT)
    assert (compare.right.title, compare.right._item.offset) == ("one", (-3.0, 2.0))


# -- one star --------------------------------------------------------------------------------------------------


@pytest.fixture
def star_night(tmp_path):
    """Six frames with one star that drifts by 2 px a frame, fades in the fourth and is gone in the last."""
    from astropy.io import fits

    rng = np.random.default_rng(4)
    yy, xx = np.mgrid[:128, :128]
    rows = []
    for k, light in enumerate((40000, 40000, 40000, 20000, 40000, 0)):
        x, y = 60 + 2 * k, 50 + k
        star = light * np.exp(-((xx - x) ** 2 + (yy - y) ** 2) / (2 * 1.2**2)) / (2 * np.pi * 1.2**2)
        header = fits.Header({"IMAGETYP": "LIGHT", "EXPTIME": 90.0, "FILTER": "R", "OBJECT": "A"})
        header["DATE-OBS"] = f"2024-06-20T20:{10 + k}:00"
        pixels = np.clip(rng.normal(1000, 5, (128, 128)) + star, 0, 65535).astype(np.uint16)
        fits.PrimaryHDU(pixels, header).writeto(tmp_path / f"s{k}.fits")
        measures = ScienceMeasures("quick", "ADU", fwhm_px=2.8)
        measured_on = {"reference": "s0.fits"}
        rows.append(
            QualityRow(f"s{k}.fits", measures, dx_px=2.0 * k, dy_px=1.0 * k, rotation_deg=0.0, extra=measured_on)
        )
    night = scan_night(tmp_path, RunContext())
    return night, build_plan(night, Recipe(), Choices()), rows


@pytest.fixture
def strip(star_night, qtbot):
    model = StarTrackModel()
    widget = StarStrip(model)
    qtbot.addWidget(widget)
    widget.resize(700, widget.sizeHint().height())
    widget.show()
    model.set_night(*star_night, {})
    model.follow("s1.fits", 63.0, 50.0)
    qtbot.waitUntil(lambda: len(model.points) == 6 and not model.is_busy, timeout=PATIENCE_MS)
    yield widget
    model.close()


def test_the_star_is_found_in_each_frame_by_the_measured_shift(strip):
    places = [(p.star.x_px, p.star.y_px) for p in strip.model.points[:5]]
    assert np.allclose(places, [(60 + 2 * k, 50 + k) for k in range(5)], atol=0.1)


def test_its_light_and_width_follow_the_night(strip):
    light = strip.model.fluxes()
    # 40,000 counts over a sky of 5 counts noise: 0.2 % each.
    assert np.allclose(light[:5], [1, 1, 1, 0.5, 1], atol=0.02)
    assert np.isnan(light[5])
    assert np.nanmedian(strip.model.widths()) == pytest.approx(2.355 * 1.2, abs=0.1)
    assert "not seen on 1" in strip.head.full_text


def test_the_usual_scatter_of_the_light_and_its_range_are_told_as_two_things(strip):
    assert "light typically ± " in strip.head.full_text
    light = strip.model.fluxes()
    assert range_words("light", light[np.isfinite(light)]) == "light from 0.50 to 1.00 × its median"
    assert range_words("FWHM", np.array([1.91, 3.05])) == "FWHM from 1.91 to 3.05 px"
    assert range_words("FWHM", np.array([])) == "FWHM: not measured"


def test_the_strip_says_in_which_filters_the_star_is_not_followed_and_how_it_can_be(star_night, strip, qtbot):
    night, plan, rows = star_night
    first = night.frames[0]
    others = [replace(first, path=f"{name}.fits", filter=name[0]) for name in ("V1", "V2", "B1")]
    others.append(replace(first, path="other field.fits", filter="I", object="B"))
    model = strip.model
    assert "not V" not in strip.head.full_text
    model.set_night(Night(night.root, (*night.frames, *others)), plan, rows, {})
    model.follow("s1.fits", 62.0, 51.0)
    qtbot.waitUntil(lambda: len(model.points) == 6 and not model.is_busy, timeout=PATIENCE_MS)
    words = "6 frames of R · not V (2), B (1) · x "
    qtbot.waitUntil(lambda: strip.head.full_text.startswith(words), timeout=PATIENCE_MS)


def test_the_same_star_is_followed_in_another_filter_by_one_click_where_its_frames_lie(star_night, strip, qtbot):
    night, _plan, rows = star_night
    frames = [replace(f, filter="V") if k in {1, 3, 4} else f for k, f in enumerate(night.frames)]
    model = strip.model
    both = Night(night.root, tuple(frames))
    model.set_night(both, build_plan(both, Recipe(), Choices()), rows, {})
    model.follow("s0.fits", 60.0, 50.0)
    qtbot.waitUntil(lambda: len(model.points) == 3 and not model.is_busy, timeout=PATIENCE_MS)
    qtbot.waitUntil(lambda: [b.text() for b in strip.filters] == ["In V"], timeout=PATIENCE_MS)
    qtbot.mouseClick(strip.filters[0], LEFT)
    qtbot.waitUntil(lambda: len(model.points) == 3 and not model.is_busy, timeout=PATIENCE_MS)
    assert [point.path for point in model.points] == ["s1.fits", "s3.fits", "s4.fits"]
    assert (model.points[2].star.x_px, model.points[2].star.y_px) == pytest.approx((68, 54), abs=0.1)
    qtbot.waitUntil(lambda: [b.text() for b in strip.filters] == ["In R"], timeout=PATIENCE_MS)
    assert strip.head.full_text.startswith("3 frames of V · not R (3)")


def test_a_star_is_looked_for_in_another_filter_where_the_nights_alignment_lays_it(star_night):
    """Each filter is measured against a frame of its own: shifts alone said nothing across filters."""
    night, _plan, _rows = star_night
    both = Night(
        night.root, tuple(replace(f, filter="V") if f.path in {"s1.fits", "s4.fits"} else f for f in night.frames)
    )
    laid = Placement.of(Alignment(1 + 0j, 8 + 4j), (128, 128))
    aligned = NightAlignment(
        (
            FrameAlignment("s0.fits", "A", "s0.fits", Placement.identity((128, 128))),
            FrameAlignment("s4.fits", "A", "s0.fits", laid),
        )
    )
    model = StarTrackModel()
    model.set_night(both, build_plan(both, Recipe(), Choices()), [], {})
    model.alignment = lambda: aligned
    model.place = ("s0.fits", 60.0, 50.0)
    asked = []
    model.follow = lambda *place, **_: asked.append(place)
    model.follow_in("V")
    assert [(path, pytest.approx((x, y))) for path, x, y in asked] == [("s4.fits", (68.0, 54.0))]


def test_a_frame_that_is_not_aligned_is_told_and_what_is_found_there_is_no_value_of_the_star(star_night, strip, qtbot):
    night, plan, rows = star_night
    rows = [*rows[:4], replace(rows[4], extra={"reference": "another"}), rows[5]]
    model = strip.model
    model.set_night(night, plan, rows, {})
    model.follow("s5.fits", 68.0, 54.0)  # where the star lies in the fifth frame, of the sixth, that has none
    qtbot.waitUntil(lambda: len(model.points) == 6 and not model.is_busy, timeout=PATIENCE_MS)
    assert model.points[4].star.found
    assert np.isnan(model.fluxes()[4])
    assert np.isnan(model.widths()[4])
    assert "not aligned" in model.words(4)
    assert strip.head.full_text.endswith(" · 1 not aligned")
    assert not strip.grab().isNull()


def test_few_stamps_are_spread_over_the_width_and_words_stand_below_them(strip, qtbot):
    stamps = strip.stamps
    strip.resize(780, 240)
    qtbot.wait(20)
    assert stamps.pitch == (780 - 4) // 6
    assert stamps.cell(5).right() > 700
    assert stamps.index_at(stamps.cell(5).center().x()) == 5
    captions = [stamps.caption(k) for k in range(6)]
    assert sum("no star" in words for words in captions) == 1
    assert all(words[2] == ":" for words in captions), "when it was is said beside it"
    strip.resize(300, 240)
    qtbot.wait(20)
    assert stamps.pitch == 66
    assert stamps.caption(next(k for k, words in enumerate(captions) if "no star" in words)) == "no star"


def test_a_click_on_a_stamp_asks_for_its_frame_and_x_rejects_it(strip, qtbot):
    stamps, model = strip.stamps, strip.model
    with qtbot.waitSignal(model.frame_asked) as asked:
        qtbot.mouseClick(stamps, LEFT, pos=stamps.cell(3).center().toPoint())
    assert asked.args == ["s3.fits"]
    model.set_current("s3.fits")
    stamps._hover = -1
    with qtbot.waitSignal(model.reject_asked) as rejected:
        qtbot.keyClick(stamps, Qt.Key.Key_X)
    assert rejected.args == [["s3.fits"], "seen on the stamp of one star"]
    with qtbot.waitSignal(model.accept_asked) as accepted:
        qtbot.keyClick(stamps, Qt.Key.Key_U)
    assert accepted.args == [["s3.fits"]]


def test_the_words_of_a_stamp_say_light_width_place_and_verdict(strip):
    strip.model.set_rejected({"s3.fits": "cloud"})
    words = strip.model.words(3)
    assert "FWHM" in words
    assert "rejected: cloud" in words
    assert "no star here" in strip.model.words(5)
    assert not strip.grab().isNull()


def test_a_place_in_the_raw_frame_is_counted_from_the_trimmed_corner(star_night, qtbot):
    from dataclasses import replace

    from pipeline_core.grouping import Geometry
    from pipeline_core.types import Section

    night, plan, rows = star_night
    trims = {Geometry.of(night.frames[0]): Section(10, 120, 5, 125)}
    model = StarTrackModel()
    model.set_night(night, replace(plan, trims=trims), rows, {})
    model.follow("s1.fits", 62.0, 51.0, is_raw=True)
    assert model.place == ("s1.fits", 57.0, 41.0)
    qtbot.waitUntil(lambda: len(model.points) == 6 and not model.is_busy, timeout=PATIENCE_MS)
    assert (model.points[1].star.x_px, model.points[1].star.y_px) == pytest.approx((57, 41), abs=0.1)
    model.close()


def test_closing_the_strip_forgets_the_star(strip, qtbot):
    qtbot.mouseClick(strip.stop, LEFT)
    assert strip.model.points == []
    assert not strip.stop.isVisible()


# -- why this pixel --------------------------------------------------------------------------------------------


@pytest.fixture
def panel(reduced, qtbot):
    night, output, _ = reduced
    model = PixelStoryModel()
    widget = PixelStoryPanel(model)
    qtbot.addWidget(widget)
    widget.resize(340, 560)
    widget.show()
    model.set_night(night, build_plan(night, Recipe(), Choices()), Recipe(), output, [])
    yield widget
    model.close()


def test_the_story_of_a_pixel_holds_its_equation_masters_and_its_value_all_night(panel, reduced, qtbot):
    panel.model.ask(reduced[2][0], 100, 120)
    qtbot.waitUntil(lambda: not panel.model.is_busy, timeout=PATIENCE_MS)
    assert panel.model.error is None
    assert panel.equation.text().startswith("(raw ")
    assert "÷ flat_" in panel.equation.text()
    assert panel.equation.text().endswith("e⁻")
    assert "Bias" in panel.idle.text()
    assert len(panel.model.values) >= 2
    assert dict(panel.model.values)[reduced[2][0]] == panel.model.story.values["raw"][0]
    frame = reduced[0].by_path[reduced[2][0]]
    said = f"{len(panel.model.values)} raw frames of its group: {frame.object}, {frame.filter}, {frame.exposure_s:g} s"
    assert panel.curve.title == said, "it is not all of the night"
    assert panel.curve.toolTip().startswith(said)
    with qtbot.waitSignal(panel.model.frame_asked) as asked:
        qtbot.mouseClick(panel.curve, LEFT, pos=QPoint(8, 40))
    assert asked.args == [panel.model.values[0][0]]


def test_the_story_of_a_frame_that_is_not_shown_is_dimmed_and_says_so(panel, reduced, qtbot):
    shown, other = reduced[2][:2]
    panel.show_current(shown)
    panel.model.ask(shown, 100, 120)
    qtbot.waitUntil(lambda: not panel.model.is_busy, timeout=PATIENCE_MS)
    assert "not of" not in panel.head.text()
    assert not panel.equation.property("role")
    panel.show_current(other)
    name = other.rsplit("/", 1)[-1]
    assert f"not of {name}, which is shown" in panel.head.text()
    assert panel.equation.property("role") == "dim"
    panel.show_current(shown)
    assert "not of" not in panel.head.text()
    assert not panel.equation.property("role")


def test_a_pixel_outside_the_frame_is_refused_in_words(panel, reduced, qtbot):
    panel.model.ask(reduced[2][0], 9999, 0)
    qtbot.waitUntil(lambda: not panel.model.is_busy, timeout=PATIENCE_MS)
    assert "is not in the calibrated frame" in panel.head.text()


# -- the helper thread -----------------------------------------------------------------------------------------


def test_the_newest_question_wins_and_errors_arrive_with_their_three_parts(qtbot):
    import threading

    background = Background("test")
    gate = threading.Event()
    answers = []
    background.done.connect(lambda key, value: answers.append((key, value)))

    def slow(context, tell):
        gate.wait(5)
        tell("late")
        return "old"

    background.ask(1, slow)
    with qtbot.waitSignal(background.done, timeout=5000):
        background.ask(2, lambda context, tell: "new")
        gate.set()
    assert answers == [(2, "new")]

    def fails(context, tell):
        raise NightError("what", "why", "hint")

    with qtbot.waitSignal(background.failed, timeout=5000) as failed:
        background.ask(3, fails)
    assert failed.args[1].as_dict() == {"what": "what", "why": "why", "hint": "hint"}
    background.close()
    background.ask(4, slow)
    assert not background.is_busy
