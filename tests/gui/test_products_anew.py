"""A master that is shown says what is to be renewed, shows what a run made anew, and stays when the night grows."""

from __future__ import annotations

import shutil
from dataclasses import replace

import pytest

from astep_gui.widgets.product_bar import ProductBar
from tests.gui.test_workflow import LIGHTS

PATIENCE_MS = 20_000


@pytest.fixture
def shown(qtbot, opened_reduced):
    """The window on the master dark of the night."""
    window = opened_reduced
    view = window.viewing.view
    qtbot.waitUntil(lambda: view.shown is not None, timeout=PATIENCE_MS)
    name = next(master.name for master in window.night.survey.masters if master.kind == "dark")
    window.products.show_master(name)
    qtbot.waitUntil(lambda: view.shown.key[:2] == ("master", name), timeout=PATIENCE_MS)
    view.zoom_to(4.0)
    return window


def combined_otherwise(window):
    recipe = window.night.recipe
    changes = {"combine": recipe.combine.model_copy(update={"clip": "none"})}
    window.decisions.set_recipe(recipe.model_copy(update=changes))


def test_a_master_that_is_to_be_renewed_says_so_and_is_shown_anew_once_a_run_made_it(qtbot, shown):
    view, before = shown.viewing.view, shown.viewing.view.shown.key
    combined_otherwise(shown)
    qtbot.waitUntil(lambda: "to be renewed" in shown.products.bar.words.full_text, timeout=PATIENCE_MS)
    shown.run.start()
    qtbot.waitUntil(lambda: not shown.run.is_running and not shown.night.survey.stale, timeout=60_000)
    qtbot.waitUntil(lambda: view.shown.key != before, timeout=PATIENCE_MS)
    assert view.shown.key[:2] == before[:2]
    assert "to be renewed" not in shown.products.bar.words.full_text
    assert view.zoom == pytest.approx(4.0, rel=1e-3)


def test_a_night_that_grows_leaves_the_master_in_sight_without_steps_over_it(qtbot, shown):
    night, key = shown.night, shown.viewing.view.shown.key
    shutil.copy(night.place.night / LIGHTS[2], night.place.night / "light_009.fits")
    night.refresh()
    qtbot.waitUntil(lambda: "light_009.fits" in night.night.by_path, timeout=PATIENCE_MS)
    qtbot.wait(500)
    assert shown.viewing.view.shown.key == key
    assert shown.products.bar.isVisible()
    assert not shown.viewing.rail.isVisible()


def test_another_night_begins_with_its_own_frame(qtbot, shown, small_night_once, tmp_path):
    shutil.copytree(small_night_once, tmp_path / "other")
    shown.open_night(tmp_path / "other")
    qtbot.waitUntil(lambda: shown.night.place.night.name == "other", timeout=PATIENCE_MS)
    qtbot.waitUntil(lambda: shown.viewing.view.shown is not None, timeout=PATIENCE_MS)
    assert not shown.products.is_on
    assert shown.viewing.view.shown.key[0] == "raw"


def test_the_corner_where_full_pixels_are_shown_is_not_kept_as_the_part_that_was_chosen(qtbot, shown):
    products, view, night = shown.products, shown.viewing.view, shown.night
    products.end()
    qtbot.waitUntil(lambda: view.shown.key[0] == "raw", timeout=PATIENCE_MS)
    view.fit()
    shown.keeper.keep()
    assert shown.remembered.part(night.place.night) == ""
    products.show_full(night.current, 1210.0)
    qtbot.waitUntil(lambda: view.shown.key[0] == "full" and not view.is_fitting, timeout=PATIENCE_MS)
    shown.keeper.keep()
    assert shown.remembered.part(night.place.night) == ""
    products.end()
    view.zoom_to(3.0)
    shown.keeper.keep()
    assert shown.remembered.part(night.place.night).split()[2] == "3"


def test_a_mask_that_is_shown_is_titled_as_the_list_and_its_file_name_it(qtbot, shown):
    mask = next(master for master in shown.night.survey.masters if master.kind == "mask")
    assert mask.name == "mask"
    shown.products.show_master(mask.name)
    qtbot.waitUntil(lambda: shown.viewing.view.shown.key[:2] == ("master", mask.name), timeout=PATIENCE_MS)
    assert shown.products.bar.name.text() == "Master mask"


def test_the_letters_of_a_filter_stay_as_they_are_in_the_title_of_its_mask(qtbot, shown):
    mask = next(master for master in shown.night.survey.masters if master.kind == "mask")
    bar = ProductBar()
    qtbot.addWidget(bar)
    bar.show_master(replace(mask, name="mask_VR"), "image")
    assert bar.name.text() == "Master mask_VR"


def test_rings_around_stars_are_those_of_the_product_that_is_seen_and_not_of_the_raw_frame_below(qtbot, shown):
    """A calibrated frame without its overscan had them beside its stars, a master where it has none."""
    viewing, ringed = shown.viewing, []
    viewing.star_marks.found.connect(ringed.append)
    viewing.view.set_mark("stars", True)
    qtbot.waitUntil(lambda: len(ringed) > 0 and ringed[-1] is not None, timeout=PATIENCE_MS)
    assert viewing.star_marks._known[0] == viewing.view.shown.key
    shown.products.show_calibrated(shown.night.current)
    qtbot.waitUntil(lambda: viewing.view.shown.key[0] == "calibrated", timeout=PATIENCE_MS)
    qtbot.waitUntil(lambda: viewing.star_marks._known[0] == viewing.view.shown.key, timeout=PATIENCE_MS)
    shown.products.end()
    qtbot.waitUntil(lambda: viewing.view.shown.key[0] == "raw", timeout=PATIENCE_MS)
    qtbot.waitUntil(lambda: viewing.star_marks._known[0] == viewing.view.shown.key, timeout=PATIENCE_MS)
