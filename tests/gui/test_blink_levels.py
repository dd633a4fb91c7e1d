"""Every frame of a blink can be read, whatever its kind and sky; a person chooses the levels, and is told which."""

from __future__ import annotations

import numpy as np
import pytest
from PyQt6.QtCore import Qt

from astep_gui.models.blink import BlinkModel
from astep_gui.models.blink_frame import BlinkFrame
from astep_gui.models.blink_levels import BlinkLevels
from astep_gui.models.frame_images import Loaded, reduced_image, shown_image
from astep_gui.models.header_facts import HeaderFacts
from astep_gui.widgets.blink_bar import BlinkBar
from tests.gui.test_blink_with_steps import brightness

LEFT = Qt.MouseButton.LeftButton
SKIES = (30000, 9000, 1010, 1000, 1005, 995, 1020)
"""Two frames of the twilight, on which a person begins, and five of the night: ADU."""
DARKS = (400, 401)
NIGHT = 3


def frame(k: int, sky: float, kin: str = "light") -> BlinkFrame:
    def load() -> Loaded:
        rng = np.random.default_rng(k)
        pixels = rng.normal(sky, 10 if sky < 2000 else np.sqrt(sky), (200, 220)).astype(np.uint16)
        pixels[100, 100] = min(65535, sky + 2000)
        return Loaded(f"f{k}.fits", pixels, "adu")

    return BlinkFrame(k, f"f{k}.fits", load, shape=(200, 220), kin=kin)


def frames():
    lights = [frame(k, sky) for k, sky in enumerate(SKIES)]
    return [*lights, *(frame(20 + k, sky, "dark") for k, sky in enumerate(DARKS))]


@pytest.fixture
def blink(qapp):
    blink = BlinkModel()
    yield blink
    blink.close()


@pytest.fixture
def blinking(qtbot, blink, levels):
    """A blink of lights and darks at rest, begun on a frame of the twilight, whose levels were shown before."""
    levels.follow(shown_image(0, frame(0, SKIES[0]).loader()))
    chosen = BlinkLevels(blink, levels)
    blink.frame_due.connect(lambda small, one, _offset: chosen.apply(small, one))
    blink.set_frames(frames(), 0)
    chosen.begin()
    qtbot.waitUntil(lambda: blink.loaded == len(blink.frames), timeout=5000)
    return chosen


def seen(blink, levels, index):
    """Return the frame with the levels it is shown in."""
    blink.go(index)
    return blink.small(blink.frames[index].key).level, levels.lo, levels.hi


def grey(level, lo, hi):
    """Return where between black and white its sky lies."""
    return (level.sky - lo) / (hi - lo)


def test_every_frame_is_read_darks_twilight_and_night_alike(blinking, blink, levels):
    for index in range(len(blink.frames)):
        level, lo, hi = seen(blink, levels, index)
        assert 0.02 < grey(level, lo, hi) < 0.35, blink.frames[index].title
        assert lo <= level.sky - 0.99 * level.sigma
    assert blinking.mode == "contrast"


def test_frames_of_one_kin_keep_the_contrast_so_that_a_dimmed_star_looks_dimmed(blinking, blink, levels):
    widths = [hi - lo for _level, lo, hi in (seen(blink, levels, index) for index in range(2, len(SKIES)))]
    assert widths == pytest.approx([widths[0]] * len(widths), rel=1e-6)


def test_the_levels_rest_once_all_frames_are_known(blinking, blink, levels):
    _level, lo, hi = seen(blink, levels, NIGHT)
    blink.progress_changed.emit()
    assert (levels.lo, levels.hi) == (lo, hi)
    assert seen(blink, levels, NIGHT)[1:] == (lo, hi)


def test_the_same_levels_are_those_of_the_middle_of_each_kin(blinking, blink, levels):
    blinking.set_mode("same")
    assert levels.frozen
    lights = {seen(blink, levels, index)[1:] for index in range(len(SKIES))}
    darks = {seen(blink, levels, len(SKIES) + index)[1:] for index in range(len(DARKS))}
    assert len(lights) == len(darks) == 1
    (lo, hi), (dark_lo, dark_hi) = lights.pop(), darks.pop()
    assert lo < 1005 < hi < 2000
    assert dark_lo < 400 < dark_hi < 1000


def test_a_hand_that_moves_the_levels_moves_them_for_all_of_that_kin_and_for_no_other(blinking, blink, levels):
    before_dark = seen(blink, levels, len(SKIES))[1:]
    level, _, _ = seen(blink, levels, NIGHT)
    levels.set_range(level.sky - 50, level.sky + 100)
    assert (levels.lo, levels.hi) == (level.sky - 50, level.sky + 100), "the frame under the hand"
    other, lo, hi = seen(blink, levels, NIGHT + 1)
    assert (lo, hi) == pytest.approx((other.sky - 50, other.sky + 100))
    assert seen(blink, levels, len(SKIES))[1:] == before_dark
    levels.use_preset("auto")
    assert seen(blink, levels, NIGHT)[2] > level.sky + 200


def test_levels_moved_by_hand_before_the_blink_are_its_base(qtbot, blink, levels):
    levels.follow(shown_image(NIGHT, frame(NIGHT, SKIES[NIGHT]).loader()))
    levels.set_range(900, 1100)
    chosen = BlinkLevels(blink, levels)
    blink.frame_due.connect(lambda small, one, _offset: chosen.apply(small, one))
    blink.set_frames(frames(), NIGHT)
    chosen.begin()
    qtbot.waitUntil(lambda: blink.loaded == len(blink.frames), timeout=5000)
    assert seen(blink, levels, NIGHT)[1:] == (900, 1100)
    level, lo, hi = seen(blink, levels, NIGHT + 1)
    sky = blink.small(NIGHT).level.sky
    assert (lo, hi) == pytest.approx((900 + level.sky - sky, 1100 + level.sky - sky))


def test_ticking_same_levels_beside_the_histogram_means_the_blink_and_unticking_goes_back(blinking, levels):
    levels.set_frozen(True)
    assert blinking.mode == "same"
    levels.set_frozen(False)
    assert blinking.mode == "contrast"


def test_own_levels_are_chosen_for_each_frame(blinking, blink, levels):
    blinking.set_mode("own")
    for index in range(len(blink.frames)):
        _level, lo, hi = seen(blink, levels, index)
        assert (lo, hi) == levels.chosen_for(blink.small(blink.frames[index].key))


def test_what_was_frozen_before_the_blink_is_as_it_was_after_it(qtbot, blink, levels):
    levels.follow(shown_image("x", frame(3, 1000).loader()))
    levels.set_frozen(True)
    held = (levels.lo, levels.hi)
    chosen = BlinkLevels(blink, levels)
    blink.frame_due.connect(lambda small, one, _offset: chosen.apply(small, one))
    blink.set_frames(frames())
    chosen.begin()
    qtbot.waitUntil(lambda: blink.loaded == len(blink.frames), timeout=5000)
    assert not levels.frozen
    chosen.end()
    assert levels.frozen
    assert (levels.lo, levels.hi) == held


def test_after_the_blink_the_levels_are_left_alone(blinking, blink, levels):
    blinking.end()
    levels.set_range(1, 2)
    blink.progress_changed.emit()
    assert (levels.lo, levels.hi) == (1, 2)


def test_nobody_is_told_of_the_levels_of_each_frame_that_goes_by(qtbot, blinking, blink, levels):
    told = []
    blink.set_rate(30.0)
    blink.play()
    levels.changed.connect(lambda: told.append(1))
    index = blink.index
    qtbot.waitUntil(lambda: blink.index != index, timeout=5000)
    qtbot.wait(200)
    assert not told
    blink.pause()


def test_the_bar_says_which_levels_are_used_and_a_click_chooses_others(qtbot, blinking, blink):
    bar = BlinkBar(blink, blinking)
    qtbot.addWidget(bar)
    bar.show()
    assert bar.looks.text() == "Same contrast · 2 kinds ▾"
    assert "its own sky" in bar.looks.toolTip()
    assert "2 kinds, filters or exposures" in bar.looks.toolTip()
    bar.levels_actions["own"].trigger()
    assert blinking.mode == "own"
    assert bar.looks.text() == "Own levels ▾"
    assert bar.levels_actions["own"].isChecked()
    blink.set_frames(frames()[:3])
    bar.levels_actions["contrast"].trigger()
    assert bar.looks.text() == "Same contrast ▾"


def test_thumbnails_of_what_went_by_have_their_own_frames_levels(blinking, blink):
    dark, night = blink.frames[-1], blink.frames[NIGHT]
    for one in (dark, night):
        small = blink.small(one.key)
        lo, hi = blinking.of(small, one)
        assert lo < small.level.sky < hi


def test_darks_flats_and_lights_that_are_blinked_together_are_all_grey_on_the_screen(qtbot, opened):
    viewing = opened.viewing
    opened.night.select(["light_000.fits", "light_001.fits", "dark_000.fits", "flat_000.fits"], "light_000.fits")
    qtbot.waitUntil(lambda: viewing.view.shown is not None, timeout=8000)
    qtbot.keyClick(opened, Qt.Key.Key_B)
    qtbot.waitUntil(lambda: viewing.blink.loaded == 4, timeout=8000)
    assert viewing.blink_bar.looks.text() == "Same contrast · 3 kinds ▾"
    qtbot.mouseClick(viewing.blink_bar.play, LEFT)
    for _ in range(4):
        qtbot.mouseClick(viewing.blink_bar.forth, LEFT)
        qtbot.wait(150)
        assert 0.1 < brightness(opened) < 0.8, viewing.view.title


def test_a_frame_without_a_finite_pixel_is_no_middle(qtbot, blink):
    def empty() -> Loaded:
        return Loaded("empty.fits", np.full((200, 220), np.nan, np.float32), "adu")

    assert blink.middles() == {}
    blink.set_frames([BlinkFrame("e", "empty.fits", empty, shape=(200, 220), kin="light"), frame(3, 1000)])
    qtbot.waitUntil(lambda: blink.loaded == 2, timeout=5000)
    assert blink.middles()["light"].key == 3


def test_a_small_version_knows_the_pixel_scale_for_its_scale_bar_and_no_more(make_shown):
    facts = HeaderFacts((("A", "1", ""),), pixel_scale_arcsec=1.3, about={"a": "b"})
    small = reduced_image(make_shown(facts=facts), 2)
    assert small.facts == HeaderFacts((), pixel_scale_arcsec=1.3)
    assert reduced_image(make_shown(), 2).facts is None


def test_a_small_version_at_full_size_reads_out_values_not_codes(make_shown):
    whole = make_shown()
    small = reduced_image(whole, 1)
    assert small.value(300, 200) == pytest.approx(whole.value(300, 200), abs=2 * whole.scale)
