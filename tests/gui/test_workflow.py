"""From Night to Results as a person walks it: tabs, settings, the run, its summary, what changed since."""

from __future__ import annotations

import pytest
from PyQt6.QtCore import QMimeData, QPointF, Qt, QUrl
from PyQt6.QtGui import QDropEvent
from PyQt6.QtWidgets import QApplication, QFileDialog, QLabel, QPushButton

from astep_gui.deeds import PANELS_OF
from astep_gui.main_window import MainWindow
from astep_gui.models.needs import needs_of, output_problem
from astep_gui.models.reduction_model import StageProgress, waiting_reasons, waiting_words
from astep_gui.widgets.elided_label import ElidedLabel
from astep_gui.widgets.needs_you import NeedsYou
from astep_gui.widgets.run_panel import settings_words
from pipeline_core.config import Recipe
from pipeline_core.events import Event
from pipeline_core.measures import Flag, QualityRow, ScienceMeasures
from pipeline_core.reduce import RunOptions
from pipeline_core.reduction_told import Reduction
from pipeline_core.survey import Survey
from tests.gui.nights import small_night

WIDE, NARROW = ["Go without", "Use flat_R", "Plan"], ["Go without", "more"]
PATIENCE_MS = 30_000
"""What a busy machine may need for what takes a moment on a quiet one; nobody waits longer than it takes."""
LIGHTS = [f"light_{k:03d}.fits" for k in range(4)]


def click_tab(qtbot, window, name):
    number = list(PANELS_OF).index(name)
    qtbot.mouseClick(window.tabs, Qt.MouseButton.LeftButton, pos=window.tabs.tabRect(number).center())


def reduce(qtbot, window):
    """Reduce in threads: starting processes takes longer than these frames."""
    with qtbot.waitSignal(window.run.finished, timeout=90_000):
        window.run.start(RunOptions(executor="threads"))
    qtbot.waitUntil(lambda: window.night.survey is not None and window.night.survey.is_reduced, timeout=PATIENCE_MS)


def open_again(qtbot, remembered):
    """Return the window of the next day, which is closed whatever the test finds."""
    again = MainWindow(remembered)
    qtbot.addWidget(again)
    again.night.looks_quickly = False
    again.show()
    return again


def surveyed(qtbot, window, test):
    qtbot.waitUntil(lambda: window.night.survey is not None and test(window.night.survey), timeout=PATIENCE_MS)


@pytest.fixture
def reduced(opened_reduced):
    return opened_reduced


@pytest.fixture
def ran(qtbot, opened):
    """The window that has reduced its night itself."""
    reduce(qtbot, opened)
    return opened


# -- tabs ---------------------------------------------------------------------------------------------------------


def test_each_tab_brings_its_panels_to_the_front(qtbot, opened):
    for name, panels in PANELS_OF.items():
        click_tab(qtbot, opened, name)
        QApplication.processEvents()
        assert opened.tabs.name == name
        assert not opened.docks[panels[0]].visibleRegion().isEmpty()
        assert all(opened.docks[panel].toggleViewAction().isChecked() for panel in panels)
        assert opened.table.isVisible()


def test_tabs_are_turned_by_key_and_remembered(qtbot, opened, remembered, night_folder):
    qtbot.keyClick(opened, Qt.Key.Key_4, Qt.KeyboardModifier.ControlModifier)
    assert opened.tabs.name == "Results"
    opened.close()
    again = open_again(qtbot, remembered)
    again.open_night(night_folder)
    qtbot.waitUntil(lambda: again.night.plan is not None, timeout=PATIENCE_MS)
    assert again.tabs.name == "Results"
    assert again.docks["results"].toggleViewAction().isChecked()
    again.close()


def test_a_panel_that_floats_is_left_alone_by_the_tabs(qtbot, opened):
    opened.docks["plan"].setFloating(True)
    click_tab(qtbot, opened, "Judge")
    assert opened.docks["plan"].isVisible()
    opened.panels.reset()
    assert not opened.docks["plan"].isFloating()


def test_in_a_low_window_the_levels_make_room_for_results_and_come_back(qtbot, opened):
    opened.resize(1280, 720)
    click_tab(qtbot, opened, "Results")
    assert opened.docks["levels"].isHidden()
    click_tab(qtbot, opened, "Judge")
    assert not opened.docks["levels"].isHidden()
    click_tab(qtbot, opened, "Results")
    opened.resize(1280, 900)
    QApplication.processEvents()
    assert not opened.docks["levels"].isHidden()
    opened.resize(1280, 720)
    click_tab(qtbot, opened, "Night")
    opened.docks["levels"].close()
    click_tab(qtbot, opened, "Results")
    click_tab(qtbot, opened, "Night")
    assert opened.docks["levels"].isHidden(), "what a person closed stays closed"


def panels_overlap(window):
    seen = [dock for dock in window.docks.values() if not dock.visibleRegion().isEmpty()]
    return [
        (one.objectName(), other.objectName())
        for k, one in enumerate(seen)
        for other in seen[:k]
        if one.geometry().intersects(other.geometry())
    ]


def test_a_window_made_low_makes_room_at_once_and_no_panel_lies_on_another(qtbot, opened):
    opened.resize(1600, 1000)
    click_tab(qtbot, opened, "Results")
    assert not opened.docks["levels"].isHidden()
    opened.resize(1280, 720)
    qtbot.waitUntil(opened.docks["levels"].isHidden)
    for name in ("Judge", "Results", "Night", "Reduce", "Judge"):
        click_tab(qtbot, opened, name)
        qtbot.wait(50)
        qtbot.waitUntil(lambda: not panels_overlap(opened), timeout=PATIENCE_MS)  # docks are laid out a moment later
        assert opened.docks["levels"].isHidden() == (name in {"Results", "Reduce"})


# -- before -------------------------------------------------------------------------------------------------------


def test_a_remedy_for_a_missing_flat_settles_it_in_one_click(qtbot, opened):
    opened.decisions.set_field(LIGHTS[:2], "filter", "V")
    qtbot.waitUntil(lambda: any("flat for filter V" in need.title for need in opened.night.needs), timeout=PATIENCE_MS)
    QApplication.processEvents()
    button = next(b for b in opened.needs.findChildren(QPushButton) if b.text() == "Go without" and b.isVisible())
    qtbot.mouseClick(button, Qt.MouseButton.LeftButton)
    qtbot.waitUntil(
        lambda: not any("flat for filter V" in need.title for need in opened.night.needs), timeout=PATIENCE_MS
    )
    assert opened.night.plan is not None
    assert {s.path: s.flat for s in opened.night.plan.science}[LIGHTS[0]] is None
    opened.decisions.undo()
    qtbot.waitUntil(lambda: any("flat for filter V" in need.title for need in opened.night.needs), timeout=PATIENCE_MS)


def test_another_flat_is_offered_for_a_missing_one(qtbot, opened):
    opened.decisions.set_field(LIGHTS[:2], "filter", "V")
    qtbot.waitUntil(lambda: any("flat for filter V" in need.title for need in opened.night.needs), timeout=PATIENCE_MS)
    need = next(need for need in opened.night.needs if "flat for filter V" in need.title)
    assert [way.label for way in need.remedies] == ["Go without", "Use flat_R", "Show", "Plan"]
    opened.deeds.remedy(need, need.remedies[1])
    qtbot.waitUntil(
        lambda: {s.path: s.flat for s in opened.night.plan.science}[LIGHTS[0]] == "flat_R", timeout=PATIENCE_MS
    )


@pytest.mark.parametrize(("width", "buttons"), [(460, WIDE), (350, NARROW)])
def test_in_a_narrow_panel_a_need_keeps_its_words_and_the_first_way_out(qtbot, opened, width, buttons):
    opened.decisions.set_field(LIGHTS[:2], "filter", "V")
    qtbot.waitUntil(lambda: any("flat for filter V" in need.title for need in opened.night.needs), timeout=PATIENCE_MS)
    panel = NeedsYou(opened.night)
    qtbot.addWidget(panel)
    panel.resize(width, 400)
    panel.show()

    def said():
        lines = [w.parentWidget() for w in panel.findChildren(QLabel) if w.text() == "No flat for filter V"]
        return [b.text() for b in lines[-1].findChildren(QPushButton)]

    qtbot.waitUntil(lambda: said() == buttons, timeout=PATIENCE_MS)


def test_a_click_on_a_need_shows_its_frames(qtbot, opened):
    QApplication.processEvents()
    line = next(
        w for w in opened.needs.findChildren(QPushButton) if w.text() == "Science" and w.isVisible()
    ).parentWidget()
    qtbot.mouseClick(line, Qt.MouseButton.LeftButton, pos=line.rect().bottomLeft())
    assert opened.night.current == "mystery.fits"


def test_a_place_that_cannot_be_written_offers_another(opened, tmp_path, monkeypatch):
    monkeypatch.setattr("astep_gui.models.needs.os.access", lambda *_: False)
    assert "cannot be written" in output_problem(tmp_path / "new" / "out")
    file = tmp_path / "file"
    file.write_text("in the way")
    assert "is a file" in output_problem(file)
    needs = needs_of(opened.night.night, None, {}, {}, {}, frozenset(), output_problem(tmp_path / "out"))
    assert needs[0].tone == "bad"
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    monkeypatch.setattr(QFileDialog, "getExistingDirectory", lambda *_args: str(elsewhere))
    opened.deeds.remedy(needs[0], needs[0].remedies[0])
    assert opened.remembered.output(opened.night.place.night.absolute()) == elsewhere


def test_files_that_are_dropped_are_selected_in_their_night(qtbot, window, tmp_path):
    night = small_night(tmp_path / "dropped")
    data = QMimeData()
    data.setUrls([QUrl.fromLocalFile(str(night / name)) for name in LIGHTS[1:3]])
    here, left = QPointF(50, 50), Qt.MouseButton.LeftButton
    window.dropEvent(QDropEvent(here, Qt.DropAction.CopyAction, data, left, Qt.KeyboardModifier.NoModifier))
    qtbot.waitUntil(lambda: list(window.night.selection) == LIGHTS[1:3], timeout=PATIENCE_MS)


def test_a_list_of_names_that_is_dropped_is_a_decision(opened, tmp_path):
    listed = tmp_path / "rejected.txt"
    listed.write_text(f"{LIGHTS[0]}\n{LIGHTS[2]}\n")
    opened.deeds.open_dropped([listed])
    assert sorted(opened.night.rejected) == [LIGHTS[0], LIGHTS[2]]
    assert opened.decisions.stack.canUndo()
    accepted = tmp_path / "accepted.txt"
    accepted.write_text(f"{LIGHTS[0]}\n")
    opened.deeds.open_dropped([accepted])
    assert sorted(opened.night.rejected) == [LIGHTS[2]]


def test_the_reduce_panel_says_what_will_be_done_and_what_is_not_the_default(opened):
    assert "calibrates 4 frames" in opened.run_panel.headline.text()
    assert opened.run_panel.settings.text() == "Settings: all at their defaults"
    recipe = Recipe()
    opened.decisions.set_recipe(
        recipe.model_copy(update={"cosmic": recipe.cosmic.model_copy(update={"enabled": False})})
    )
    assert opened.run_panel.settings.text() == "Settings changed: Cosmic: enabled = False"
    opened.decisions.undo()
    assert opened.run_panel.settings.text() == "Settings: all at their defaults"
    assert "not set" not in settings_words(recipe)


# -- the run ------------------------------------------------------------------------------------------------------


def test_a_run_is_shown_stage_by_stage_and_ends_in_results(qtbot, opened):
    click_tab(qtbot, opened, "Reduce")
    seen = []
    opened.run.changed.connect(lambda: seen.append((opened.run.done, opened.run.total)))
    reduce(qtbot, opened)
    stages = opened.run.stages
    assert {"gain and read noise", "science frames", "quality"} <= set(stages)
    assert all(stage.state == "finished" and stage.done == stage.total for stage in stages.values())
    told = [done / total for done, total in seen if total]
    assert told == sorted(told), "how far it is never goes back"
    assert opened.tabs.name == "Results"
    assert opened.results.headline.text() == "✓ 4 frames calibrated"
    assert "→" in opened.results.facts["Noise"].text()
    assert opened.results.where.full_text == str(opened.night.place.output)


def test_who_judges_meanwhile_is_not_disturbed_by_the_end_of_a_run(qtbot, opened):
    click_tab(qtbot, opened, "Judge")
    reduce(qtbot, opened)
    assert opened.tabs.name == "Judge"
    assert opened.tabs.tabText(3) == "Results ●"
    click_tab(qtbot, opened, "Results")
    assert opened.tabs.tabText(3) == "Results"


def test_finished_frames_are_marked_while_the_run_goes_on(opened):
    opened.night.is_running = True
    opened.run._hear([Event("progress", "science frames", 1, 4, data={"labels": [LIGHTS[1]]})])
    assert opened.night.state_of(LIGHTS[1]).word == "calibrated"
    assert opened.night.state_of(LIGHTS[0]).word == "not measured"
    opened.night.is_running = False


def test_a_frame_that_breaks_meanwhile_is_a_marked_row_with_its_reason(qtbot, opened, night_folder):
    file = night_folder / LIGHTS[2]
    whole = file.read_bytes()
    opened.night._folders.forget()
    file.write_bytes(whole[: len(whole) // 2])
    reduce(qtbot, opened)
    qtbot.waitUntil(lambda: opened.night.state_of(LIGHTS[2]).word == "unusable", timeout=PATIENCE_MS)
    assert "cut" in opened.night.state_of(LIGHTS[2]).why


def test_a_failure_is_a_marked_row_at_once_and_no_dialog(opened):
    opened.run._hear(
        [Event("failed", "science frames", 1, 4, text="its pixels are damaged", level="error", path=LIGHTS[1])]
    )
    state = opened.night.state_of(LIGHTS[1])
    assert (state.mark, state.word, state.why) == ("!", "failed", "its pixels are damaged")
    assert not opened.notice.isVisible()
    assert "its pixels are damaged" in opened.run_panel.said.item(0).text()


def test_what_was_said_stands_in_the_panel_and_leads_to_its_frame(qtbot, opened):
    opened.run.said.emit([Event("message", "science frames", text="odd", level="warning", path=LIGHTS[3])])
    item = opened.run_panel.said.item(0)
    assert item.text() == f"▲ {LIGHTS[3]}: odd"
    opened.run_panel.said.itemActivated.emit(item)
    assert opened.night.current == LIGHTS[3]


def test_how_far_the_whole_run_is_counts_what_is_still_to_come(opened):
    run = opened.run
    run._is_timed = True
    run._expected, run._calibration, run._leg, run._before, run._leg_done = 12, 9, (0, True), 0, 0
    said = []
    for job, done, total in (
        ("gain and read noise", 1, 1), ("quality of calibration frames", 5, 9),
        ("quality of calibration frames", 9, 9), ("science frames", 0, 12), ("science frames", 12, 12),
    ):  # fmt: skip
        run._reckon(Event("progress", job, data={"run_done": done, "run_total": total, "eta_s": 3.0}))
        said.append((run.done, run.total, run.eta_s))
    assert said == [(1, 22, None), (6, 22, None), (10, 22, None), (10, 22, 3.0), (22, 22, 3.0)]


def test_the_first_run_of_a_night_promises_no_time_before_a_frame_was_timed(opened):
    run = opened.run
    run._expected, run._leg = 12, (12, False)
    said = []
    for job, done in (("master dark", 1), ("science frames", 3)):
        run._hear([Event("progress", job, done, 4, data={"run_done": done, "run_total": 12, "eta_s": 30.0})])
        run._hear([Event("progress", job, done, 4, data={"run_done": done, "run_total": 12, "eta_s": 30.0})])
        said.append(run.eta_s)
    assert said == [None, 30.0]


@pytest.mark.parametrize("size", [(1280, 720), (1600, 1000)])
def test_the_image_stays_where_it_is_whatever_the_panel_of_the_run_says(qtbot, opened, size):
    opened.resize(*size)
    click_tab(qtbot, opened, "Reduce")
    qtbot.wait(100)
    places = {(opened.centralWidget().x(), opened.centralWidget().width())}
    opened.run.changed.connect(lambda: places.add((opened.centralWidget().x(), opened.centralWidget().width())))
    reduce(qtbot, opened)
    click_tab(qtbot, opened, "Reduce")
    name = "fluxes of the stars against those of the catalogue"
    opened.run.stages[name] = StageProgress(name, done=1234, total=5000, failed=12)
    opened.run.changed.emit()
    qtbot.wait(100)
    opened.run.changed.emit()
    assert len(places) == 1
    words = next(one for one in opened.run_panel.findChildren(ElidedLabel) if one.full_text == name)
    assert " ".join(words.toolTip().split()) == name


# -- afterwards ---------------------------------------------------------------------------------------------------


def test_after_decisions_the_button_says_how_many_frames_change_and_why(qtbot, ran):
    assert ran.reduce_button.text() == "Up to date"
    ran.decisions.set_field(LIGHTS[:3], "exposure_s", 12.0)
    surveyed(qtbot, ran, lambda survey: len(survey.stale) == 3)
    assert ran.reduce_button.text() == "3 frames changed: update"
    assert "3 frames: " in ran.reduce_button.toolTip()
    ran.decisions.undo()
    surveyed(qtbot, ran, lambda survey: survey.is_up_to_date)
    assert ran.reduce_button.text() == "Up to date"


def test_the_rail_of_a_calibrated_frame_marks_what_the_run_did_before_any_step_is_looked_at(qtbot, ran):
    buttons = ran.viewing.rail.buttons
    qtbot.keyClick(ran.table, Qt.Key.Key_Home)
    ran.night.select(LIGHTS[:1])
    states = {name: button.state for name, button in buttons.items()}
    idle = {"overscan", "trim", "bias"}
    assert states == {name: "idle" if name in idle else "done" for name in states}
    assert "the dark holds the bias, both come off with it" in buttons["bias"].toolTip()
    ran.decisions.set_field(LIGHTS[:1], "exposure_s", 12.0)
    surveyed(qtbot, ran, lambda survey: list(survey.stale) == LIGHTS[:1])
    assert buttons["flat"].state == "waiting", "the run would do it anew"
    ran.night.select(LIGHTS[1:2])
    assert buttons["flat"].state == "done"


def test_an_update_computes_only_what_changed(qtbot, reduced):
    reduced.decisions.set_field(LIGHTS[:1], "filter", "V")
    surveyed(qtbot, reduced, lambda survey: list(survey.stale) == LIGHTS[:1])
    reduce(qtbot, reduced)
    assert reduced.run.result.counts["done"] == 1
    assert reduced.run.result.counts["cached"] == 3


def test_a_changed_setting_is_an_update_of_all_frames_that_undo_takes_back(qtbot, reduced):
    recipe = reduced.night.recipe
    reduced.decisions.set_recipe(
        recipe.model_copy(update={"cosmic": recipe.cosmic.model_copy(update={"sigclip": 9.0})})
    )
    surveyed(qtbot, reduced, lambda survey: len(survey.stale) == 4)
    assert reduced.decisions.stack.undoText() == "Cosmic: sigclip = 9.0"
    qtbot.keyClick(reduced, Qt.Key.Key_Z, Qt.KeyboardModifier.ControlModifier)
    assert reduced.night.recipe == recipe
    surveyed(qtbot, reduced, lambda survey: survey.is_up_to_date)


def test_masters_stand_in_the_table_and_are_shown_with_their_parts(qtbot, reduced):
    model, tree = reduced.table.model, reduced.table.tree
    group = next(k for k, g in enumerate(model.groups) if g.is_masters)
    rows = {
        model.master_of(model.index(k, 0, model.index(group, 0))).kind: k for k in range(len(model.groups[group].paths))
    }
    assert {"bias", "dark", "flat", "mask"} <= set(rows)
    flat = model.index(rows["flat"], 0, model.index(group, 0))
    assert flat.data().startswith("✓ flat_R")
    current = reduced.night.current
    tree.scrollTo(flat)
    qtbot.mouseClick(tree.viewport(), Qt.MouseButton.LeftButton, pos=tree.visualRect(flat).center())
    qtbot.waitUntil(lambda: reduced.viewing.view.title == "flat_R", timeout=PATIENCE_MS)
    assert reduced.night.current == current, "frames that are meant stay meant"
    assert "frames combined" in reduced.products.bar.words.full_text
    assert "master flat_R, which shows no sky" in reduced.sky.panel.why.text()
    qtbot.mouseClick(reduced.products.bar.parts["used"], Qt.MouseButton.LeftButton)
    qtbot.waitUntil(lambda: reduced.viewing.view.title == "flat_R · frames used", timeout=PATIENCE_MS)
    mask = model.index(rows["mask"], 0, model.index(group, 0))
    tree.setCurrentIndex(mask)
    qtbot.waitUntil(lambda: reduced.viewing.view.title.startswith("mask"), timeout=PATIENCE_MS)
    assert reduced.viewing.view.mask_bits
    qtbot.keyClick(reduced, Qt.Key.Key_Escape)
    qtbot.waitUntil(lambda: reduced.viewing.view.title == current, timeout=PATIENCE_MS)
    assert not reduced.viewing.view.mask_bits
    assert reduced.products.bar.isHidden()
    assert "master" not in reduced.sky.panel.why.text()


def test_a_master_that_a_decision_changed_says_that_it_is_to_be_renewed(qtbot, ran):
    ran.decisions.reject(["flat_000.fits"], "cloud")
    surveyed(qtbot, ran, lambda survey: any(m.name == "flat_R" and m.state == "changed" for m in survey.masters))
    model = ran.table.model
    group = next(k for k, g in enumerate(model.groups) if g.is_masters)
    said = [model.index(k, 0, model.index(group, 0)).data() for k in range(len(model.groups[group].paths))]
    assert "▲ flat_R · to be renewed" in said
    ran.products.show_master("flat_R")
    assert "to be renewed" in ran.products.bar.words.full_text or ran.products.bar._about


def test_the_calibrated_file_of_a_frame_is_shown_and_left_with_one_key(qtbot, reduced):
    qtbot.keyClick(reduced, Qt.Key.Key_Y)
    qtbot.waitUntil(lambda: reduced.viewing.view.title == "light_000_CAL.fits", timeout=PATIENCE_MS)
    qtbot.keyClick(reduced, Qt.Key.Key_Y)
    qtbot.waitUntil(lambda: reduced.viewing.view.title == LIGHTS[0], timeout=PATIENCE_MS)


def test_calibrated_files_are_stepped_through_until_one_is_missing(qtbot, reduced):
    qtbot.keyClick(reduced, Qt.Key.Key_Y)
    qtbot.keyClick(reduced, Qt.Key.Key_Right)
    qtbot.waitUntil(lambda: reduced.viewing.view.title == "light_001_CAL.fits", timeout=PATIENCE_MS)
    qtbot.wait(300)  # the raw frame, asked for as well, must not take its place
    assert reduced.viewing.view.title == "light_001_CAL.fits"
    reduced.night.select(["dark_000.fits"])
    qtbot.waitUntil(lambda: reduced.viewing.view.title == "dark_000.fits", timeout=PATIENCE_MS)
    assert not reduced.products.is_on


def test_a_frame_that_was_not_calibrated_says_so(qtbot, opened):
    opened.night.select(LIGHTS[:1])
    qtbot.keyClick(opened, Qt.Key.Key_Y)
    assert "not calibrated yet" in opened.log.text.toPlainText()


def test_a_frame_that_is_not_to_be_calibrated_says_why(qtbot, opened):
    opened.night.select(["bias_000.fits"])
    qtbot.keyClick(opened, Qt.Key.Key_Y)
    opened.decisions.reject(LIGHTS[1:2], "wind")
    opened.night.select(LIGHTS[1:2])
    qtbot.keyClick(opened, Qt.Key.Key_Y)
    said = opened.log.text.toPlainText()
    assert "no science frame (its kind: bias)" in said
    assert "it was rejected (wind), and so it was left out of the reduction; U accepts it" in said
    assert "not calibrated yet" not in said


def test_of_a_rejected_frame_that_is_no_science_frame_it_is_not_said_that_a_run_would_calibrate_it(qtbot, opened):
    opened.decisions.reject(["bias_000.fits"], "light leak")
    opened.night.select(["bias_000.fits"])
    qtbot.keyClick(opened, Qt.Key.Key_Y)
    assert "no science frame (its kind: bias)" in opened.log.line.full_text
    assert "then calibrates it" not in opened.log.text.toPlainText()


def test_masters_of_an_earlier_plan_are_listed_apart_from_those_that_are_used(reduced):
    def branches():
        tree = reduced.results.tree
        return {
            (top := tree.topLevelItem(k)).text(0): [top.child(j).text(0) for j in range(top.childCount())]
            for k in range(tree.topLevelItemCount())
        }

    assert not any(title.startswith("Not used") for title in branches())
    masters = reduced.night.place.output / "masters"
    (masters / "mask_noflat.fits").write_bytes(b"left by another plan")
    reduced.results.follow()
    assert branches()["Not used now · 1"] == ["· mask_noflat · of an earlier plan"]


def test_accepted_frames_are_exported_where_a_person_says(qtbot, reduced, tmp_path):
    reduced.decisions.reject(LIGHTS[:1], "cloud")
    folder = tmp_path / "for siril"
    folder.mkdir()
    reduced.deeds.export_into("siril", folder)
    qtbot.waitUntil(lambda: "3 frames for Siril written: " in reduced.log.text.toPlainText(), timeout=PATIENCE_MS)
    assert len(list(folder.glob("astep_*.fit"))) == 3
    said = reduced.log.line.full_text
    assert "none of them has a WCS: they were not solved; Sky (Shift+S) looks for them on the sky" in said


def test_a_night_that_was_reduced_before_shows_its_results_when_it_is_opened(qtbot, reduced, remembered):
    night = reduced.night.place.night
    reduced.close()
    again = open_again(qtbot, remembered)
    again.open_night(night)
    surveyed(qtbot, again, lambda survey: survey.is_reduced)
    assert again.results.headline.text() == "✓ Reduced; everything is up to date"
    assert again.results.facts["Frames"].text() == "4 calibrated, all up to date"
    assert "→" in again.results.facts["Noise"].text()
    assert again.reduce_button.text() == "Up to date"
    again.close()


def sections(window):
    tree = window.results.tree
    return {
        (top := tree.topLevelItem(k)).text(0): [top.child(j).text(0) for j in range(top.childCount())]
        for k in range(tree.topLevelItemCount())
    }


def test_a_night_opened_again_sums_up_what_its_last_run_did(qtbot, ran, remembered):
    night = ran.night.place.night
    ran.decisions.reject(LIGHTS[:1], "cloud")
    reduce(qtbot, ran)
    surveyed(qtbot, ran, lambda survey: any(file.startswith("rejected/") for file in survey.calibrated.values()))
    before, noise = sections(ran), ran.results.facts["Noise"].text()
    ran.close()
    again = open_again(qtbot, remembered)
    again.open_night(night)
    surveyed(qtbot, again, lambda survey: survey.is_reduced)
    facts = again.results.facts
    assert again.results.headline.text() == "✓ Reduced; everything is up to date"
    assert facts["Frames"].text() == "3 calibrated, all up to date · 1 of 4 science frames left out"
    assert facts["Noise"].text() == noise
    assert sections(again) == before
    assert any(title.startswith("Warnings") for title in before)
    again.close()


def test_a_run_that_was_broken_off_is_said_when_the_night_is_opened_again(qtbot, reduced, remembered):
    place = reduced.night.place
    reduced.decisions.set_field(LIGHTS[:1], "exposure_s", 12.0)
    reduced.close()
    with (place.output / "log.jsonl").open("a") as diary:
        diary.write('{"kind": "started", "job": "run", "text": ""}\n')
    again = open_again(qtbot, remembered)
    again.open_night(place.night)
    surveyed(qtbot, again, lambda survey: survey.is_reduced)
    assert again.results.headline.text() == "▲ A run was broken off; Ctrl+R goes on"
    assert "a run was broken off" in again.log.text.toPlainText()
    again.close()


def test_the_plotted_quantity_and_the_chosen_step_are_as_they_were_left(qtbot, reduced, remembered):
    night = reduced.night.place.night
    reduced.viewing.timeline_model.set_quantity("depth_loss_mag")
    reduced.viewing.steps.choose("flat")
    reduced.close()
    again = open_again(qtbot, remembered)
    assert again.viewing.timeline_model.wished == "depth_loss_mag"
    again.open_night(night)
    qtbot.waitUntil(lambda: again.viewing.steps.chosen == "flat", timeout=PATIENCE_MS)
    again.viewing.steps.choose(None)
    again.keeper.keep()
    assert remembered.step(night) == ""
    again.close()


def test_frames_that_a_person_settled_are_not_suggested_any_more(reduced):
    flags = (Flag("cloud", "stars are 0.8 mag fainter"),)
    rows = [QualityRow(path, ScienceMeasures("final", "electron"), flags=flags) for path in LIGHTS[:2]]
    reduced.night._take_rows(rows)
    reduced.results.follow()
    assert reduced.results.facts["To look at"].text() == "2 frames suggested · 1 question left"
    reduced.decisions.accept(LIGHTS[:2])
    reduced.results.follow()
    assert reduced.results.facts["To look at"].text().split(" · ")[0] == "nothing is suggested"


def test_the_folder_can_be_shown_as_soon_as_it_is_there(opened):
    assert not opened.results.folder.isEnabled()
    opened.night.place.output.mkdir()
    opened.results.follow()
    assert opened.results.folder.isEnabled()
    assert not opened.results.report.isEnabled()


def test_a_mask_that_stands_on_flats_alone_counts_no_frames(qtbot, opened):
    opened.decisions.set_field(LIGHTS, "dark", "none")
    qtbot.waitUntil(lambda: opened.night.plan.master("mask_nodark") is not None, timeout=PATIENCE_MS)
    reduce(qtbot, opened)
    masters = next(lines for title, lines in sections(opened).items() if title.startswith("Masters"))
    (mask,) = (line for line in masters if "mask" in line)
    assert mask.startswith("✓ mask_nodark · ")
    assert mask.endswith(" · from flats only")


def test_what_a_click_would_do_is_said_in_few_words():
    made = {path: path for path in LIGHTS}
    assert waiting_words(None) == waiting_words(Survey()) == "Reduce night"
    assert waiting_words(Survey(calibrated=made)) == "Up to date"
    assert waiting_words(Survey(calibrated=made, stale={"a": "why"})) == "1 frame changed: update"
    assert waiting_words(Survey(calibrated=made, stale={"a": "w", "b": "w"}, new=frozenset("ab"))) == (
        "2 frames new: update"
    )
    assert waiting_words(Survey(calibrated=made, moves=("a", "b"))) == "2 verdicts changed: update"
    assert waiting_words(Survey(calibrated=made, unjudged=("a",))) == "Judge anew: update"
    assert waiting_words(Survey(calibrated=made, unaligned=("a", "b"), unsolved=("a",))) == "2 not aligned: update"
    assert waiting_words(Survey(calibrated=made, unsolved=("a",))) == "1 not solved: update"
    assert waiting_reasons(Survey(calibrated=made, unsolved=("a",))) == ["to be found on the sky: 1"]
    other = Survey(calibrated=made, realigned={"field": "the reference changed"})
    assert waiting_words(other) == "Reference changed: update"
    assert waiting_reasons(other) == ["field is aligned anew: the reference changed"]
    lines = waiting_reasons(Survey(calibrated=made, stale={f"{k}.fits": f"why {k}" for k in range(9)}))
    assert lines[-1] == "and 3 more"


def test_after_a_run_that_was_cancelled_the_masters_that_are_there_are_not_to_be_made_again(qtbot, opened):
    plan = opened.night.plan
    assert opened.run_panel.headline.text() == f"Ctrl+R makes {len(plan.masters)} masters and calibrates 4 frames"
    with qtbot.waitSignal(opened.run.finished, timeout=90_000):
        opened.run.start(RunOptions(executor="threads", only="masters"))
    with qtbot.waitSignal(opened.run.cancelled, timeout=90_000):
        opened.run.start(RunOptions(executor="threads"))
        opened.run.cancel()
    words = f"Ctrl+R calibrates 4 frames; {len(plan.masters)} masters are up to date"
    qtbot.waitUntil(lambda: opened.run_panel.headline.text() == words, timeout=PATIENCE_MS)
    assert opened.reduce_button.toolTip() == words


def test_the_summary_says_why_nothing_was_solved(opened):
    opened.run.result = Reduction(opened.night.place.output, sky_words="no catalogue is there")
    opened.results.follow()
    assert opened.results.facts["Solved"].text() == "none: no catalogue is there"
    opened.run.result = Reduction(opened.night.place.output)
    opened.results.follow()
    assert opened.results.facts["Solved"].text() == ""


def test_a_stage_begins_waiting():
    assert StageProgress("darks").state == "waiting"


def test_in_the_results_no_command_is_named_where_a_panel_helps(opened):
    words = "no header tells the pixel scale; `astep solve OUT --scale ARCSEC` searches with yours"
    opened.run.result = Reduction(opened.night.place.output, sky_words=words)
    opened.results.follow()
    said = opened.results.facts["Solved"].text()
    assert said == "none: no header tells the pixel scale; “Solve with hints…” searches with yours"
