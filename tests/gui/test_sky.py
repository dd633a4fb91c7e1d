"""The sky in the window, as a person uses it: a night that is solved, one frame that is not, grids, places, stacks."""

from __future__ import annotations

import shutil
import threading
import time
from typing import TYPE_CHECKING

import numpy as np
import pytest
from PyQt6.QtCore import Qt
from PyQt6.QtGui import QImage
from PyQt6.QtWidgets import QApplication, QLabel, QPushButton

from astep_gui.widgets.elided_label import ElidedLabel
from astep_gui.widgets.goto_dialog import GotoDialog
from astep_gui.widgets.index_dialog import IndexDialog
from astep_gui.widgets.nova_key_dialog import NovaKeyDialog
from astep_gui.widgets.solve_hint_dialog import SolveHintDialog
from pipeline_core.cli import main
from pipeline_core.demo.night import make_demo_night
from pipeline_core.errors import UsageError
from pipeline_core.lock import RunLock
from pipeline_core.logbook import Logbook
from pipeline_core.science.tan_sip import separation_deg
from pipeline_core.solve_hints import solve_hints
from pipeline_core.solve_tasks import SOLVE
from pipeline_core.solving import embedded
from pipeline_core.store import Store
from tests.core.sky_simulation import INDEXES, needs_index
from tests.gui.test_image_painted import Paints

if TYPE_CHECKING:
    from pipeline_core.events import RunContext

pytestmark = [
    needs_index,
    pytest.mark.skipif(not embedded.is_available(), reason="the package astrometry is not installed (extra [solve])"),
]
RA, DEC = 217.43, -62.68
LONG = 30_000  # ms: other programs may be at work


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """A demo night of real stars, reduced; with it solved and aligned."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_CACHE_HOME", str(tmp_path_factory.mktemp("cache")))
        patch.setenv("ASTEP_INDEX_DIR", str(tmp_path_factory.mktemp("indexes")))
        night = tmp_path_factory.mktemp("sky") / "night"
        make_demo_night(
            night, size=512, n_science=4, n_bias=3, n_dark=3, n_flat=3, events=(), scale_arcsec=7.44, seed=3
        )
        out = night.parent / "out"
        words = ["reduce", str(night), "-o", str(out), "--executor", "threads", "--workers", "1", "--quiet"]
        assert main(words) == 0
        yield night, out


@pytest.fixture
def lights(made):
    return sorted(str(path.relative_to(made[0])) for path in made[0].rglob("*SCIENCE*.fits"))


@pytest.fixture
def sky(qtbot, window, made, tmp_path):
    """The window with a copy of that output open, its sky read, the dock in front."""
    out = tmp_path / "out"
    shutil.copytree(made[1], out)
    window.open_night(made[0], out)
    qtbot.waitUntil(lambda: window.night.plan is not None and bool(window.sky.model.sky.calibrated), timeout=LONG)
    qtbot.waitUntil(lambda: window.viewing.view.shown is not None, timeout=LONG)
    window.actions_by_name["sky_dock"].trigger()
    return window


def values(panel):
    """What the dock says of the frame: name → value."""
    grid = panel.grid
    labels = [grid.itemAt(k).widget() for k in range(grid.count())]
    return {
        name.text(): value.full_text
        for name, value in zip(labels[::2], labels[1::2], strict=True)
        if isinstance(name, QLabel) and isinstance(value, ElidedLabel) and not name.isHidden()
    }


def press(qtbot, button):
    qtbot.mouseClick(button, Qt.MouseButton.LeftButton)


def way(panel, deed):
    return next(b for b in panel.findChildren(QPushButton, deed) if b.isVisibleTo(panel))


def dialog(kind):
    return next(w for w in QApplication.topLevelWidgets() if isinstance(w, kind) and w.isVisible())


def ended(qtbot, window):
    qtbot.waitUntil(lambda: not window.sky.work.is_running and not window.sky.model.is_busy, timeout=LONG)


def picture(window):
    return window.viewing.view.canvas.grab().toImage().convertToFormat(QImage.Format.Format_RGB32)


def differs(before, after):
    """Whether marks came or went; a few pixels of letters change when a font is drawn the first time."""
    if before.size() != after.size():
        return True
    first, second = (np.frombuffer(p.constBits().asstring(p.sizeInBytes()), np.uint32) for p in (before, after))
    return np.count_nonzero(first != second) > 150


def test_the_dock_says_that_the_frame_is_solved_how_well_and_why_it_is_not_for_reporting(sky):
    panel = sky.sky.panel
    assert panel.state.text() == "✓ solved, not for reporting"
    assert "0.3″" in panel.why.text()
    told = values(panel)
    assert told["Scale"].startswith("7.44")
    assert told["Reference"].startswith("Tycho-2")
    assert told["Rotation"] == "+7.00°  N up, E left" or told["Rotation"].startswith(("+7.0", "+6.9"))
    assert "″" in told["Residual rms"]
    assert "px" in told["Residual rms"]
    assert panel.foot.words.full_text == "Night · 4 of 4 solved · 4 aligned"


def test_the_figures_of_another_frame_are_put_onto_the_labels_that_are_there(sky, lights):
    panel, told = sky.sky.panel, {}
    sky.night.select([lights[1]])
    told[lights[1]], labels = values(panel), set(map(id, panel.figures.findChildren(QLabel)))
    sky.night.select([lights[0]])
    told[lights[0]] = values(panel)
    assert len(told[lights[0]]) < len(told[lights[1]])
    for path in (lights[1], lights[0]):
        sky.night.select([path])
        assert values(panel) == told[path]
        panel.show_product(None, "bias")
        assert values(panel) == {}
        panel.show_product(None, "")
    assert set(map(id, panel.figures.findChildren(QLabel))) == labels


def test_a_step_paints_the_image_once_though_the_stars_of_the_frame_are_matched_meanwhile(qtbot, sky, lights):
    paints, view = Paints(sky.viewing.view.canvas.viewport()), sky.viewing.view
    for path in (lights[1], lights[2], lights[3]):
        ended(qtbot, sky)
        qtbot.wait(300)
        paints.times = 0
        sky.night.select([path])
        qtbot.waitUntil(lambda path=path: path in view.shown.key and sky.sky.model.view is not None, timeout=LONG)
        qtbot.wait(300)
        assert paints.times == 1


def test_the_table_has_a_column_that_says_so(sky, lights):
    state = sky.night.state_of(lights[0])
    assert state.on_sky.startswith("✓ ")
    assert state.on_sky.endswith("″")


def test_the_read_out_compass_and_scale_come_from_the_solution_and_say_so(sky):
    view, readout = sky.viewing.view, sky.viewing.readout
    facts = view.shown.facts
    assert facts.sky_source.startswith("solved, Tycho-2")
    assert facts.pixel_scale_arcsec == pytest.approx(7.44, rel=2e-3)
    readout.show_pixel(255.0, 255.0, 1.0, view.shown)
    assert "solved, Tycho-2" in readout.words
    assert "14 29" in readout.words


def test_what_the_read_out_says_is_where_the_stars_truly_are(sky, lights):
    """The raw frame is shown: its overscan is no part of the solution."""
    solution = sky.sky.model.sky.solutions[lights[0]].solution
    dx, dy = sky.sky.model.offset(lights[0], is_trimmed=False)
    shown = sky.viewing.view.shown.facts.sky
    for x, y in ((10.0, 20.0), (400.0, 300.0)):
        off = separation_deg(*shown.sky(x + dx, y + dy), *solution.to_sky(x, y))
        assert float(off) * 3600 < 1e-3


def test_a_calibrated_file_has_the_solutions_sky_without_the_overscan(qtbot, sky, lights):
    sky.products.show_calibrated(lights[0])
    view = sky.viewing.view
    qtbot.waitUntil(lambda: view.title.endswith("_CAL.fits"), timeout=LONG)
    assert view.shown.facts.sky_source.startswith("solved, Tycho-2")
    solution = sky.sky.model.sky.solutions[lights[0]].solution
    off = separation_deg(*view.shown.facts.sky.sky(10.0, 20.0), *solution.to_sky(10.0, 20.0))
    assert float(off) * 3600 < 1e-3
    picture(sky)
    assert sky.sky.overlay.offset == (0, 0)


def test_residuals_of_the_matched_stars_are_plotted(qtbot, sky):
    panel = sky.sky.panel
    qtbot.waitUntil(lambda: sky.sky.model.view is not None, timeout=LONG)
    press(qtbot, panel.page_buttons["residuals"])
    assert panel.histogram.isVisibleTo(panel)
    assert panel.map.isVisibleTo(panel)
    blank = panel.map.grab().toImage().convertToFormat(QImage.Format.Format_RGB32)
    panel.map.show_residuals(None)
    assert differs(blank, panel.map.grab().toImage().convertToFormat(QImage.Format.Format_RGB32))


def test_in_a_low_dock_figures_and_residuals_take_turns_and_in_a_high_one_both_are_seen(qtbot, sky):
    panel, dock = sky.sky.panel, sky.docks["sky"]
    dock.setFloating(True)
    dock.resize(360, 520)
    qtbot.waitUntil(lambda: panel.height() < 540 and sky.sky.model.view is not None, timeout=LONG)
    qtbot.waitUntil(panel.pages.isVisible, timeout=LONG)
    assert (panel.figures.isVisible(), panel.map.isVisible()) == (True, False)
    press(qtbot, panel.page_buttons["residuals"])
    assert (panel.figures.isVisible(), panel.map.isVisible()) == (False, True)
    dock.resize(360, 1500)
    qtbot.waitUntil(lambda: not panel.pages.isVisible(), timeout=LONG)
    assert (panel.figures.isVisible(), panel.map.isVisible()) == (True, True)
    dock.setFloating(False)


@pytest.mark.parametrize("name", ["catalogue", "residuals", "grid", "footprint"])
def test_each_mark_is_drawn_when_its_button_is_pressed_and_gone_when_pressed_again(qtbot, sky, name):
    qtbot.waitUntil(lambda: sky.sky.model.view is not None, timeout=LONG)
    qtbot.wait(200)  # the strips below the image take their height
    before = picture(sky)
    press(qtbot, sky.sky.panel.marks[name])
    assert sky.sky.overlay.on[name]
    assert differs(before, picture(sky))
    assert next(a for n, a in sky.sky._menu.items() if n == name).isChecked()
    press(qtbot, sky.sky.panel.marks[name])
    qtbot.waitUntil(lambda: not differs(before, picture(sky)))


def test_a_mark_from_the_menu_of_overlays_shows_in_the_dock_too(sky):
    sky.sky._menu["grid"].setChecked(True)
    assert sky.sky.panel.marks["grid"].isChecked()


def test_rings_lie_around_measured_stars(qtbot, sky, lights):
    qtbot.waitUntil(lambda: sky.sky.model.view is not None, timeout=LONG)
    press(qtbot, sky.sky.panel.marks["catalogue"])
    picture(sky)
    view, overlay = sky.sky.model.view, sky.sky.overlay
    assert overlay.offset == sky.sky.model.offset(lights[0], is_trimmed=False)
    shown = sky.viewing.view.shown
    brightest = view.star[np.argmax(view.stars.flux[view.star])]
    x, y = (round(float(v)) for v in (view.stars.x_px[brightest] + overlay.offset[0],
                                      view.stars.y_px[brightest] + overlay.offset[1]))  # fmt: skip
    near = shown.image[max(0, y - 2) : y + 3, max(0, x - 2) : x + 3]
    assert near.max() > shown.level.sky + 20 * shown.level.sigma


def test_going_to_coordinates_brings_them_to_the_middle_and_marks_them(qtbot, sky):
    qtbot.keyClick(sky, Qt.Key.Key_J, Qt.KeyboardModifier.ControlModifier)
    asked = dialog(GotoDialog)
    qtbot.keyClicks(asked.text, "14 28 00 -62 50 00")
    qtbot.keyClick(asked.text, Qt.Key.Key_Return)
    qtbot.waitUntil(lambda: sky.sky.overlay.target is not None, timeout=LONG)
    view = sky.viewing.view
    middle = view.view_rect().center()
    ra, dec = view.shown.facts.sky.sky(middle.x() - 0.5, middle.y() - 0.5)
    assert float(separation_deg(ra, dec, 217.0, -62.83333333)) * 3600 < 0.1
    assert sky.sky.overlay.target.name == "14 28 00 -62 50 00"
    qtbot.waitUntil(
        lambda: not [w for w in QApplication.topLevelWidgets() if isinstance(w, GotoDialog) and w.isVisible()]
    )


def test_going_to_a_name_of_the_header_needs_no_network(qtbot, sky):
    sky.actions_by_name["sky_go_to"].trigger()
    asked = dialog(GotoDialog)
    assert not asked.network.isChecked()
    qtbot.keyClicks(asked.text, "demo-1")
    press(qtbot, asked.go)
    qtbot.waitUntil(lambda: sky.sky.overlay.target is not None, timeout=LONG)
    assert sky.sky.overlay.target.name == "DEMO-1"


def test_a_place_far_away_is_told_with_distance_and_direction_and_the_dialog_stays(qtbot, sky):
    sky.actions_by_name["sky_go_to"].trigger()
    asked = dialog(GotoDialog)
    qtbot.keyClicks(asked.text, f"{RA} {DEC + 3.0}")
    press(qtbot, asked.go)
    qtbot.waitUntil(lambda: "no solved frame" in asked.answer.text(), timeout=LONG)
    assert "3.0° N" in asked.answer.text()
    asked.close()


def test_an_unknown_name_is_explained_and_the_dialog_stays(qtbot, sky):
    sky.actions_by_name["sky_go_to"].trigger()
    asked = dialog(GotoDialog)
    qtbot.keyClicks(asked.text, "no such thing")
    press(qtbot, asked.go)
    qtbot.waitUntil(lambda: "not known here" in asked.answer.text(), timeout=LONG)
    assert asked.isVisible()
    asked.close()


def test_solving_with_hints_is_a_decision_that_can_be_undone(qtbot, sky, lights):
    path = sky.night.current
    press(qtbot, way(sky.sky.panel, "hint"))
    asked = dialog(SolveHintDialog)
    assert "header" in asked.place.placeholderText()
    qtbot.keyClicks(asked.place, "14 29 43 -62 40 48")
    qtbot.keyClicks(asked.scale, "7.4")
    qtbot.keyClicks(asked.radius, "2")
    press(qtbot, asked.solve)
    ended(qtbot, sky)
    with Logbook.read_only(sky.night.place.output) as logbook:
        hint = solve_hints(logbook)[path]
    assert hint["scale_arcsec"] == 7.4
    assert hint["radius_deg"] == 2.0
    assert sky.decisions.stack.undoText().startswith("hints for solving")
    assert sky.sky.model.sky.solutions[path].how == "hint"
    qtbot.waitUntil(lambda: path in sky.sky.model.sky.hints, timeout=LONG)
    sky.actions_by_name["undo"].trigger()
    with Logbook.read_only(sky.night.place.output) as logbook:
        assert solve_hints(logbook) == {}
    qtbot.waitUntil(lambda: not sky.sky.model.sky.hints, timeout=LONG)
    panel = sky.sky.panel
    assert "taken back since" in panel.why.text()
    qtbot.waitUntil(lambda: any(b.isVisibleTo(panel) for b in panel.findChildren(QPushButton, "solve")))
    press(qtbot, way(panel, "solve"))
    ended(qtbot, sky)
    qtbot.waitUntil(lambda: "taken back" not in panel.why.text(), timeout=LONG)
    assert panel.state.text().startswith("✓")
    del lights


def test_a_hint_may_be_the_name_of_an_object_of_the_night(qtbot, sky):
    path = sky.night.current
    name = sky.night.frame(path).object
    press(qtbot, way(sky.sky.panel, "hint"))
    asked = dialog(SolveHintDialog)
    qtbot.keyClicks(asked.place, name.lower())
    press(qtbot, asked.solve)
    ended(qtbot, sky)
    with Logbook.read_only(sky.night.place.output) as logbook:
        hint = solve_hints(logbook)[path]
    assert separation_deg(hint["ra_deg"], hint["dec_deg"], RA, DEC) < 0.1


def short_searches(window):
    recipe = window.night.recipe
    solve = recipe.solve.model_copy(update={"time_limit_s": 3.0})
    window.decisions.set_recipe(recipe.model_copy(update={"solve": solve}))


WRONG = {"ra_deg": None, "dec_deg": None, "scale_arcsec": 1.0, "radius_deg": None}
"""With a scale of 1 arcsec instead of 7.44 nothing fits."""


def test_a_search_in_vain_does_not_cost_the_solution_that_was_there_and_says_so(qtbot, sky):
    path = sky.night.current
    short_searches(sky)
    sky.sky.solve_with(path, WRONG)
    ended(qtbot, sky)
    assert sky.sky.model.sky.solutions[path].solved
    assert "earlier solution stays" in sky.log.line.full_text


def test_a_wrong_hint_leaves_the_frame_unsolved_with_reason_and_ways_out(qtbot, sky):
    """The hints must reach the solver."""
    path = sky.night.current
    with Store(sky.night.place.output) as store:
        store.drop_measurement(SOLVE, path)
    short_searches(sky)
    sky.sky.solve_with(path, WRONG)
    ended(qtbot, sky)
    qtbot.waitUntil(lambda: path in sky.sky.model.sky.solutions, timeout=LONG)
    assert not sky.sky.model.sky.solutions[path].solved
    panel = sky.sky.panel
    assert panel.state.text() == "◇ aligned, not solved"
    assert "through" in panel.why.text()
    qtbot.waitUntil(lambda: any(b.isVisibleTo(panel) for b in panel.findChildren(QPushButton, "hint")))
    assert way(panel, "hint").isEnabled()
    qtbot.waitUntil(lambda: sky.viewing.view.shown.facts.sky_source.startswith("aligned to"), timeout=LONG)
    # Through the alignment the sky is still where it was, within a fifth of a pixel.
    ra, dec = sky.viewing.view.shown.facts.sky.sky(255.0, 255.0)
    base = next(one for one in sky.sky.model.sky.solutions.values() if one.solved)
    assert float(separation_deg(ra, dec, base.ra_deg, base.dec_deg)) < 0.1
    press(qtbot, way(panel, "solve"))
    ended(qtbot, sky)


def test_a_hint_that_is_no_number_is_explained_and_nothing_is_decided(qtbot, sky):
    sky.actions_by_name["sky_hint"].trigger()
    asked = dialog(SolveHintDialog)
    qtbot.keyClicks(asked.scale, "wide")
    press(qtbot, asked.solve)
    assert asked.isVisible()
    assert "pixel scale" in asked.answer.text()
    asked.close()
    with Logbook.read_only(sky.night.place.output) as logbook:
        assert solve_hints(logbook) == {}


def test_solving_the_night_solves_nothing_twice_and_says_what_came_of_it(qtbot, sky):
    press(qtbot, sky.sky.panel.foot.buttons["solve_night"])
    assert sky.sky.work.is_running
    ended(qtbot, sky)
    assert "4 of 4 frames solved" in sky.log.text.toPlainText()


def test_aligning_the_night_says_on_how_many_references(qtbot, sky):
    press(qtbot, sky.sky.panel.foot.buttons["align"])
    ended(qtbot, sky)
    assert "4 of 4 frames aligned on 1 reference" in sky.log.text.toPlainText()


def test_after_aligning_shifts_are_counted_from_the_chosen_reference_at_once(qtbot, sky, lights):
    sky.night.looks_quickly = True
    sky.decisions.set_reference(lights[2])
    press(qtbot, sky.sky.panel.foot.buttons["align"])
    ended(qtbot, sky)
    qtbot.waitUntil(lambda: set(lights) <= sky.night.rows.keys(), timeout=LONG)
    qtbot.waitUntil(lambda: {sky.night.rows[path].extra["reference"] for path in lights} == {lights[2]}, timeout=LONG)
    assert sky.night.rows[lights[2]].dx_px == 0.0


def test_a_stack_is_made_listed_looked_at_and_left_with_esc(qtbot, sky, lights):
    panel = sky.sky.panel
    press(qtbot, panel.foot.buttons["stack"])
    ended(qtbot, sky)
    qtbot.waitUntil(lambda: panel.foot.stacks.count() > 0, timeout=LONG)
    panel.foot.stacks.itemClicked.emit(panel.foot.stacks.item(0))
    view = sky.viewing.view
    qtbot.waitUntil(lambda: view.title.startswith("DEMO-1_"), timeout=LONG)
    assert sky.products.bar.isVisible()
    assert "DEMO-1" in sky.products.bar.words.full_text
    assert view.shown.unit == "e⁻"
    assert view.shown.facts.sky_source.startswith("stack")  # its reference is solved
    assert panel.state.text().startswith("▤ DEMO-1")
    assert not panel.map.isVisibleTo(panel)
    qtbot.keyClick(sky, Qt.Key.Key_Escape)
    qtbot.waitUntil(lambda: view.title == lights[0].rsplit("/", 1)[-1], timeout=LONG)
    assert panel.state.text().startswith("✓ solved")


def test_work_shows_how_far_it_is_and_is_stopped_within_two_seconds(qtbot, sky, monkeypatch):
    import pipeline_core.solve_night as module

    began = []

    def slow(_output, _recipe, _options, context: RunContext):
        for _ in context.track("plate solutions", range(1000)):
            began.append(time.monotonic())
            time.sleep(0.02)

    monkeypatch.setattr(module, "solve_output", slow)
    panel = sky.sky.panel
    press(qtbot, panel.foot.buttons["solve_night"])
    foot = panel.foot
    qtbot.waitUntil(lambda: "/1000" in foot.progress_words.full_text and "left" in foot.time_words.full_text)
    assert " so far · " in foot.time_words.full_text
    assert not panel.foot.buttons["stack"].isEnabled()
    assert sky.actions_by_name["cancel"].isEnabled()
    asked = time.monotonic()
    press(qtbot, panel.foot.cancel)
    qtbot.waitUntil(lambda: not sky.sky.work.is_running, timeout=5000)
    assert time.monotonic() - asked < 2.0
    assert not panel.foot.progress_box.isVisibleTo(panel)
    assert panel.foot.buttons["stack"].isEnabled()


def test_a_real_search_is_stopped_within_two_seconds(qtbot, sky):
    """A hopeless hint: the engine searches the whole sky in a process of its own, and is ended."""
    path = sky.night.current
    sky.sky.solve_with(path, {"ra_deg": 10.0, "dec_deg": 80.0, "scale_arcsec": 15.0, "radius_deg": 1.0})
    qtbot.waitUntil(lambda: sky.sky.work.total > 0 and sky.sky.work._part == "plate solutions", timeout=LONG)
    qtbot.wait(300)
    assert sky.sky.work.is_running, "an index serves 15 arcsec a pixel, no field has it: much to search"
    asked = time.monotonic()
    sky.actions_by_name["cancel"].trigger()
    qtbot.waitUntil(lambda: not sky.sky.work.is_running, timeout=8000)
    assert time.monotonic() - asked < 2.0


def test_a_search_that_waits_for_the_network_says_for_what_and_how_long_and_is_stopped(qtbot, sky, monkeypatch):
    """Gaia's archive does not answer: what a person sees is not a bar that stands still."""
    from pipeline_core.catalogues import services

    gone = threading.Event()

    class Silent:
        name = "Gaia's archive"

        def tiles(self, _tiles, _faintest_mag, context):
            while not context.cancelled:
                time.sleep(0.02)
            gone.set()
            context.check()

    monkeypatch.setattr(services, "default_services", lambda: [Silent()])
    foot = sky.sky.panel.foot
    sky.decisions.reject([sky.night.current], "cloud")
    sky.sky.work.solve(force=True)
    qtbot.waitUntil(lambda: foot.wait_words.text().startswith("waits for Gaia's archive: "), timeout=LONG)
    assert foot.wait_words.isVisibleTo(foot)
    assert foot.progress_words.full_text.startswith("Solving the night · 0/3 plate solutions"), "one is rejected"
    before = foot.time_words.full_text
    assert before.endswith(" so far")
    qtbot.waitUntil(lambda: foot.time_words.full_text != before, timeout=3000)
    qtbot.wait(100)
    asked = time.monotonic()
    press(qtbot, foot.cancel)
    ended(qtbot, sky)
    assert time.monotonic() - asked < 2.0
    assert gone.wait(2.0), "nobody asks the network any more"
    assert not foot.wait_words.text()


def test_rejected_frames_are_left_out_of_solving_the_night_and_counted(qtbot, sky, lights):
    sky.decisions.reject(lights[:1], "cloud")
    press(qtbot, sky.sky.panel.foot.buttons["solve_night"])
    ended(qtbot, sky)
    assert "3 of 3 frames solved · 1 rejected left out" in sky.log.text.toPlainText()


def test_gaias_stars_are_fetched_by_the_window_and_what_did_not_come_is_said(qtbot, sky, monkeypatch):
    import pipeline_core.fetch_catalogue as module
    from pipeline_core.catalogues.services import CatalogueServiceError

    class Down:
        name = "Gaia's archive"

        def tiles(self, _tiles, _faintest_mag, _context):
            raise CatalogueServiceError("Gaia's archive gave no stars", "the line is down", "try later")

    monkeypatch.setattr(module, "default_services", lambda: [Down()])
    sky.actions_by_name["sky_catalogue"].trigger()
    ended(qtbot, sky)
    said = sky.log.line.full_text
    assert said.startswith("0 of ")
    assert "the rest did not come: Gaia's archive gave no stars" in said


def test_hints_for_all_frames_are_one_step_and_solve_the_night(qtbot, sky, lights):
    press(qtbot, way(sky.sky.panel, "hint"))
    asked = dialog(SolveHintDialog)
    qtbot.keyClicks(asked.scale, "7.44")
    asked.for_all.setChecked(True)
    press(qtbot, asked.solve)
    ended(qtbot, sky)
    hints = sky.sky.model.sky.hints
    assert {path: hints[path]["scale_arcsec"] for path in lights} == dict.fromkeys(lights, 7.44)
    assert "4 of 4 frames solved" in sky.log.text.toPlainText()
    sky.decisions.undo()
    with Logbook.open(sky.night.place.output) as logbook:
        assert not solve_hints(logbook)


def test_the_key_of_nova_goes_into_the_systems_keyring_and_nowhere_else(qtbot, sky, monkeypatch):
    from pipeline_core.solving import nova

    kept = []
    monkeypatch.setattr(nova, "nova_key", lambda: kept[-1] if kept else None)
    monkeypatch.setattr(nova, "keep_nova_key", kept.append)
    sky.actions_by_name["sky_nova_key"].trigger()
    asked = dialog(NovaKeyDialog)
    qtbot.waitUntil(lambda: asked.told.text() == "no key is kept yet", timeout=LONG)
    assert not asked.keep.isEnabled()
    qtbot.keyClicks(asked.key, "my-secret")
    assert asked.key.displayText() != "my-secret"
    press(qtbot, asked.keep)
    qtbot.waitUntil(lambda: "is in the system's keyring" in asked.told.text(), timeout=LONG)
    assert kept == ["my-secret"]
    assert not asked.key.text()
    assert "my-secret" not in sky.log.text.toPlainText()
    asked.close()


def test_a_keyring_that_refuses_is_explained_and_the_key_stays_typed(qtbot, sky, monkeypatch):
    from pipeline_core.solving import nova
    from pipeline_core.solving.engine import EngineError

    def refuse(_key):
        raise EngineError("cannot keep the key", "the system's keyring refuses: locked", "unlock the keyring")

    monkeypatch.setattr(nova, "nova_key", lambda: None)
    monkeypatch.setattr(nova, "keep_nova_key", refuse)
    sky.actions_by_name["sky_nova_key"].trigger()
    asked = dialog(NovaKeyDialog)
    qtbot.waitUntil(lambda: asked.told.text() == "no key is kept yet", timeout=LONG)
    qtbot.keyClicks(asked.key, "my-secret")
    qtbot.keyClick(asked.key, Qt.Key.Key_Return)
    qtbot.waitUntil(lambda: "unlock the keyring" in asked.told.text(), timeout=LONG)
    assert asked.key.text() == "my-secret"
    asked.close()


def test_while_the_sky_is_at_work_a_reduction_waits_and_says_why(qtbot, sky, monkeypatch):
    import pipeline_core.solve_night as module

    def slow(_output, _recipe, _options, context: RunContext):
        for _ in context.track("plate solutions", range(1000)):
            time.sleep(0.02)

    monkeypatch.setattr(module, "solve_output", slow)
    sky.sky.work.solve()
    sky.run.start()
    assert not sky.run.is_running
    assert "solved, aligned or stacked" in sky.notice.why.text()
    sky.sky.work.cancel()
    ended(qtbot, sky)


def test_another_program_at_work_in_the_output_is_named(qtbot, sky):
    with RunLock(sky.night.place.output):
        press(qtbot, sky.sky.panel.foot.buttons["align"])
        qtbot.waitUntil(sky.notice.isVisible, timeout=LONG)
        assert "another run is writing" in sky.notice.what.text()
    ended(qtbot, sky)


def test_what_the_command_line_solves_appears_by_itself(qtbot, sky):
    before = sky.sky.model.sky
    out = sky.night.place.output
    words = ["solve", str(out), "--force", "--offline", "--workers", "1", "--quiet"]
    assert main(words) == 0
    qtbot.waitUntil(lambda: sky.sky.model.sky is not before, timeout=LONG)


def test_an_index_is_advised_for_the_field_and_nothing_is_installed(qtbot, sky):
    sky.actions_by_name["sky_index"].trigger()
    asked = dialog(IndexDialog)
    assert "63′" in asked.told.text()
    press(qtbot, next(b for b in asked.findChildren(QPushButton) if b.text() == "Copy"))
    board = QApplication.clipboard()
    assert board.text().startswith("sudo apt-get install")
    asked.close()


def test_index_files_are_copied_into_the_users_folder(qtbot, sky, tmp_path, monkeypatch):
    monkeypatch.setenv("ASTEP_INDEX_DIR", str(tmp_path / "indexes"))
    source = INDEXES[1]
    sky.sky.work.add_index([source])
    ended(qtbot, sky)
    assert (tmp_path / "indexes" / source.name).read_bytes() == source.read_bytes()
    sky.sky.work.add_index([tmp_path / "none.fits"])
    qtbot.waitUntil(sky.notice.isVisible, timeout=LONG)


def test_blinking_takes_the_shifts_of_the_alignment(sky, lights):
    alignment = sky.sky.model.sky.alignment
    pair = [alignment.references[0], next(path for path in lights if path != alignment.references[0])]
    first, second = (sky.sky.places(pair, is_trimmed=False)[path] for path in pair)
    moved = np.subtract(first.shift, second.shift)
    assert moved == pytest.approx(np.negative(alignment.by_path[pair[1]].placement.displacement), abs=0.05)
    assert np.hypot(*moved) > 0.2
    assert first.turn is second.turn is None  # a few pixels of drift need no turning


def test_marks_of_one_frame_are_not_drawn_over_a_blink(qtbot, sky, lights):
    press(qtbot, sky.sky.panel.marks["grid"])
    sky.viewing.toggle_blink(lights)
    qtbot.waitUntil(lambda: sky.viewing.view.shown.reduction >= 1 and sky.viewing.is_blinking, timeout=LONG)
    picture(sky)
    assert sky.sky.overlay.is_hidden
    sky.viewing.end_blink()
    qtbot.waitUntil(lambda: not sky.viewing.is_blinking)


def test_another_frame_brings_its_own_stars(qtbot, sky, lights):
    qtbot.waitUntil(lambda: sky.sky.model.view is not None, timeout=LONG)
    sky.night.select([lights[2]])
    qtbot.waitUntil(lambda: sky.sky.model.view is not None and sky.sky.model.view.frame.path == lights[2], timeout=LONG)


def test_a_calibration_frame_has_no_sky(sky):
    bias = next(frame.path for frame in sky.night.frames if frame.kind.value == "bias")
    sky.night.select([bias])
    assert sky.sky.panel.state.text() == "· no sky"
    assert values(sky.sky.panel) == {}


def test_a_night_that_is_not_reduced_offers_to_reduce_it(qtbot, opened):
    opened.actions_by_name["sky_dock"].trigger()
    panel = opened.sky.panel
    assert panel.state.text() == "· not reduced"
    assert panel.foot.words.full_text == "Night · nothing reduced yet"
    assert not any(button.isEnabled() for button in panel.foot.buttons.values())
    assert way(panel, "reduce").text() == "Reduce night"


def test_the_depth_of_a_solved_frame_is_among_its_facts(sky, lights):
    depth = sky.sky.model.sky.depths[lights[0]]
    told = values(sky.sky.panel)
    assert told["Zero point"].startswith(f"{depth.zero_point_mag:.2f} mag")
    assert told["Limit"] == f"{depth.limiting_mag:.2f} mag"
    assert told["Sky"].endswith("mag/arcsec²")


def test_a_place_that_is_found_after_the_question_was_put_away_is_no_fault(qtbot, opened, monkeypatch):
    found, faults = threading.Event(), []

    def find_target(*_args, **_more):
        found.wait(5)
        raise UsageError("cannot find it", "nobody knows it", "name another")

    monkeypatch.setattr("pipeline_core.sky_target.find_target", find_target)
    monkeypatch.setattr("sys.excepthook", lambda *fault: faults.append(fault))
    opened.sky.go_to()
    dialog = next(w for w in QApplication.topLevelWidgets() if isinstance(w, GotoDialog) and w.isVisible())
    dialog.asked.emit("M 5", False)
    dialog.close()
    qtbot.wait(50)
    found.set()
    qtbot.waitUntil(lambda: not opened.jobs.are_running, timeout=5000)
    qtbot.wait(50)
    assert not faults
