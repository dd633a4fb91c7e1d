"""Results as a person uses them: another day's summary, old reports, exports into new folders, files opened."""

from __future__ import annotations

import threading
from dataclasses import replace

import pytest
from PyQt6.QtCore import QPoint, Qt
from PyQt6.QtWidgets import QApplication, QPushButton

from astep_gui.models.folder_words import folder_words
from astep_gui.models.held_together import held_together
from astep_gui.models.results_words import old_reports_words, run_facts
from astep_gui.widgets import results_panel
from astep_gui.widgets.export_dialog import ExportDialog
from pipeline_core import report as core_report
from pipeline_core.errors import NightError
from pipeline_core.events import Cancelled
from pipeline_core.handed_frames import HandedFrames
from pipeline_core.handing_on import hand_on
from pipeline_core.measures import NOT_JUDGED, Flag
from pipeline_core.quality_table import read_quality_table, write_quality_table
from pipeline_core.report import write_report
from tests.gui.nights import small_night
from tests.gui.test_workflow import LIGHTS, PATIENCE_MS, open_again, reduce, sections, surveyed
from tests.gui.words_seen import unreadable

LEFT = Qt.MouseButton.LeftButton
SHOWN = "astep_gui.outside.QDesktopServices.openUrl"


@pytest.fixture
def reduced(opened_reduced):
    opened_reduced.tabs.choose("Results")
    return opened_reduced


@pytest.fixture
def ran(qtbot, opened):
    """The window that has reduced its night itself."""
    reduce(qtbot, opened)
    opened.tabs.choose("Results")
    return opened


@pytest.fixture
def shown(monkeypatch):
    """What was given to the system's programs."""
    asked: list[str] = []
    monkeypatch.setattr(SHOWN, lambda url: asked.append(url.toLocalFile()) or True)
    return asked


def press(qtbot, button):
    qtbot.mouseClick(button, LEFT)


def line(window, words):
    """The line of the list of results that begins with these words."""
    tree = window.results.tree
    return next(
        child
        for k in range(tree.topLevelItemCount())
        for j in range(tree.topLevelItem(k).childCount())
        if (child := tree.topLevelItem(k).child(j)).text(0).startswith(words)
    )


def click_line(qtbot, window, words):
    tree = window.results.tree
    tree.scrollToItem(line(window, words))
    QApplication.processEvents()
    qtbot.mouseClick(tree.viewport(), LEFT, pos=tree.visualItemRect(line(window, words)).center())


def files(window):
    return next(lines for title, lines in sections(window).items() if title.startswith("Files"))


def test_where_the_files_lie_is_said_by_the_folders_name_where_there_is_no_room_for_more(qtbot, reduced):
    where, name = reduced.results.where, reduced.night.place.output.name
    where.setFixedWidth(where.fontMetrics().horizontalAdvance(name) + 8)
    qtbot.wait(20)
    assert where.text() == name
    assert where.full_text == str(reduced.night.place.output)


@pytest.mark.parametrize("size", [(1280, 720), (1600, 1000)])
def test_every_fact_is_read_whole_above_a_list_of_eight_lines(qtbot, ran, monkeypatch, size):
    """As a real night says it: fifteen lines of words left the list no room in a low window."""
    noise = (
        "pixel to pixel 37.2 → 26.7 e⁻ (× 0.72)\nfrom place to place 4.58 → 4.68 e⁻ (× 1.02)\nmedian of 4 of 9 frames: "
        "Visual, 90 s grows from place to place where bias, dark or flat take off what hid a slope of the sky "
        "(twilight, Moon)"
    )
    solved = (
        "none: the pixel scale is not known: no header has it (PIXSCALE or SECPIX; or XPIXSZ with FOCALLEN). Say it "
        "with “Solve with hints…”: arcsec a pixel, 206.3 × pixel in µm / focal length in mm"
    )
    said = run_facts(ran.run.result) | {
        "Noise": 2 * noise,
        "Solved": solved,
        "To look at": "",
        "Frames": "9, " * 30,
    }
    monkeypatch.setattr("astep_gui.widgets.results_panel.run_facts", lambda _result: dict(said))
    ran.resize(*size)
    ran.results.follow()
    qtbot.wait(60)
    assert ran.results.facts["Noise"].text() == held_together(2 * noise)
    assert ran.results.isVisible()
    assert not unreadable(ran)
    tree = ran.results.tree
    row = tree.visualItemRect(tree.topLevelItem(0)).height()
    assert tree.viewport().height() >= 8 * row


# -- another day ---------------------------------------------------------------------------------------------------


def test_a_night_opened_again_says_what_its_last_run_took_and_what_is_up_to_date(qtbot, ran, remembered):
    night, took = ran.night.place.night, ran.results.facts["Took"].text()
    assert took.endswith("of memory at most")
    ran.close()
    again = open_again(qtbot, remembered)
    again.open_night(night)
    surveyed(qtbot, again, lambda survey: survey.is_reduced)
    facts = again.results.facts
    assert facts["Frames"].text() == "4 calibrated, all up to date"
    assert facts["Took"].text().startswith(f"{took} · ended 20")
    assert facts["Took"].text().endswith(" UTC")
    again.decisions.set_field(LIGHTS[:1], "exposure_s", 12.0)
    surveyed(qtbot, again, lambda survey: bool(survey.stale))
    assert facts["Frames"].text() == "4 calibrated, 3 up to date"
    again.close()


def test_a_star_and_a_pixel_that_are_asked_for_lie_where_the_shown_image_has_them(qtbot, reduced, monkeypatch):
    """A calibrated file begins where the frame is lit, the raw frame with its overscan; a master is no frame."""
    viewing, asked = reduced.viewing, []
    monkeypatch.setattr(viewing.star, "follow", lambda *_, is_raw, **_more: asked.append(is_raw))
    monkeypatch.setattr(viewing.story, "ask", lambda *_, is_trimmed: asked.append(not is_trimmed))

    def ask():
        asked.clear()
        for modifier in (Qt.KeyboardModifier.ShiftModifier, Qt.KeyboardModifier.AltModifier):
            viewing.view.clicked.emit(5.0, 6.0, modifier)
        return asked

    reduced.night.select(LIGHTS[:1])
    qtbot.waitUntil(lambda: viewing.view.shown is not None and viewing.view.shown.key[0] == "raw", timeout=PATIENCE_MS)
    assert ask() == [True, True]
    reduced.actions_by_name["calibrated"].trigger()
    qtbot.waitUntil(lambda: viewing.view.shown.key[0] == "calibrated", timeout=PATIENCE_MS)
    assert ask() == [False, False]
    reduced.products.show_master(reduced.night.survey.masters[0].name)
    qtbot.waitUntil(lambda: viewing.view.shown.key[0] == "master", timeout=PATIENCE_MS)
    assert ask() == []
    assert "the image is a master or a stack" in reduced.notice.why.text()


# -- the report ----------------------------------------------------------------------------------------------------


def test_a_report_of_before_the_last_decisions_is_said_to_be_old_and_written_anew_by_one_click(qtbot, reduced, shown):
    results = reduced.results
    press(qtbot, results.report)
    output = reduced.night.place.output
    qtbot.waitUntil(lambda: shown == [str(output / "report.html")], timeout=PATIENCE_MS)
    assert not results.old_reports.isVisible()
    assert "✓ report.html · the night on one page" in files(reduced)
    reduced.decisions.reject(LIGHTS[:1], "cloud")
    qtbot.waitUntil(results.old_reports.isVisible, timeout=PATIENCE_MS)
    assert results.old_words.text() == "▲ report.html is from before your last changes"
    assert "▲ report.html · from before your last changes" in files(reduced)
    reduced.actions_by_name["undo"].trigger()
    qtbot.waitUntil(lambda: not results.old_reports.isVisible(), timeout=PATIENCE_MS)
    assert "✓ report.html · the night on one page" in files(reduced), "it shows what holds again"
    reduced.actions_by_name["redo"].trigger()
    qtbot.waitUntil(results.old_reports.isVisible, timeout=PATIENCE_MS)
    press(qtbot, results.anew)
    qtbot.waitUntil(lambda: not results.old_reports.isVisible(), timeout=PATIENCE_MS)
    assert "cloud" in (output / "report.html").read_text()
    assert len(shown) == 1, "it was asked to be written, not to be shown"


def test_a_report_is_old_after_an_update_too_and_all_that_are_old_are_written_anew(qtbot, reduced):
    place = reduced.night.place
    for small in (False, True):
        write_report(place, reduced.jobs.job("x", None).context, small=small)
    reduced.decisions.set_field(LIGHTS[:1], "exposure_s", 12.0)
    reduce(qtbot, reduced)
    qtbot.waitUntil(reduced.results.old_reports.isVisible, timeout=PATIENCE_MS)
    assert reduced.results.old_words.text().startswith("▲ report.html and report_small.html are from before")
    press(qtbot, reduced.results.anew)
    qtbot.waitUntil(lambda: not reduced.results.old_reports.isVisible(), timeout=PATIENCE_MS)


def test_reports_are_read_again_only_where_one_of_them_or_the_night_is_another(qtbot, reduced, monkeypatch):
    read, reports_of = [], results_panel.reports_of
    monkeypatch.setattr(results_panel, "reports_of", lambda *asked: read.append(asked) or reports_of(*asked))
    results, place = reduced.results, reduced.night.place
    results.follow()
    read.clear()
    for path in LIGHTS:
        reduced.night.select([path])
    for signal in (reduced.night.needs_changed, reduced.night.plan_changed, reduced.errands.changed):
        signal.emit()
    assert not read
    (place.output / "report.html").write_text("of an earlier version")
    results.follow()
    assert len(read) == 1
    assert results.old_reports.isVisible()
    (place.output / "report.html").unlink()
    results.follow()
    assert not results.old_reports.isVisible()
    reduced.decisions.reject(LIGHTS[:1], "cloud")
    read.clear()
    qtbot.waitUntil(lambda: bool(read), timeout=PATIENCE_MS)


def test_no_report_is_called_old_where_none_was_written(reduced):
    assert not reduced.results.old_reports.isVisible()
    assert not any("report" in words for words in files(reduced))
    assert old_reports_words({"report.html": False}) == ""


def test_the_button_of_the_report_cancels_while_it_is_written(qtbot, reduced, monkeypatch, shown):
    entered = threading.Event()

    def slow(_place, context, **_more):
        for _ in context.track("thumbnails", range(500)):
            entered.set()
            threading.Event().wait(0.02)

    monkeypatch.setattr(core_report, "write_report", slow)
    button = reduced.results.report
    press(qtbot, button)
    qtbot.waitUntil(lambda: "/500" in button.text(), timeout=PATIENCE_MS)
    assert button.text().startswith("Cancel · ")
    assert not reduced.actions_by_name["report"].isEnabled(), "it is begun once"
    press(qtbot, button)
    assert not button.isEnabled()
    qtbot.waitUntil(lambda: button.text() == "Report", timeout=2000)
    assert button.isEnabled()
    assert reduced.actions_by_name["report"].isEnabled()
    assert not shown
    assert "stopped: the report of the night" in reduced.log.text.toPlainText()


@pytest.fixture
def slowly(monkeypatch):
    """A report that is written once it is let; whether it was, and whether it was stopped."""
    gate = type("Gate", (), {"let": threading.Event(), "entered": threading.Event(), "stopped": False})()

    def slow(place, context, **more):
        gate.entered.set()
        while not gate.let.wait(0.02):
            try:
                context.check()
            except Cancelled:
                gate.stopped = True
                raise
        return write_report(place, context, **more)

    monkeypatch.setattr(core_report, "write_report", slow)
    yield gate
    gate.let.set()


def test_quitting_while_the_report_is_written_finishes_it_says_so_and_closes_then(qtbot, reduced, shown, slowly):
    output = reduced.night.place.output
    press(qtbot, reduced.results.report)
    qtbot.waitUntil(slowly.entered.is_set, timeout=PATIENCE_MS)
    qtbot.keyClick(reduced, Qt.Key.Key_Q, Qt.KeyboardModifier.ControlModifier)
    assert reduced.isVisible()
    assert "finishing the report of the night, then the window closes" in reduced.log.line.full_text
    slowly.let.set()
    qtbot.waitUntil(lambda: not reduced.isVisible(), timeout=PATIENCE_MS)
    assert (output / "report.html").read_text().rstrip().endswith("</html>")
    assert not shown, "no browser opens after the window"


def test_quitting_a_second_time_stops_what_is_written_and_leaves_nothing_half(qtbot, reduced, shown, slowly):
    output = reduced.night.place.output
    before = sorted(output.rglob("*.part"))
    press(qtbot, reduced.results.report)
    qtbot.waitUntil(slowly.entered.is_set, timeout=PATIENCE_MS)
    for _ in range(2):
        qtbot.keyClick(reduced, Qt.Key.Key_Q, Qt.KeyboardModifier.ControlModifier)
    assert not reduced.isVisible()
    assert slowly.stopped
    assert not (output / "report.html").exists()
    assert sorted(output.rglob("*.part")) == before
    assert not shown


def test_a_window_that_was_to_close_stays_after_esc_and_what_is_written_is_finished(qtbot, reduced, shown, slowly):
    press(qtbot, reduced.results.report)
    qtbot.waitUntil(slowly.entered.is_set, timeout=PATIENCE_MS)
    reduced.close()
    assert "Esc stays open" in reduced.log.line.full_text
    qtbot.keyClick(reduced, Qt.Key.Key_Escape)
    assert "stays open" in reduced.log.line.full_text
    assert "closes" not in reduced.log.what.text()
    slowly.let.set()
    qtbot.waitUntil(lambda: len(shown) == 1, timeout=PATIENCE_MS)
    qtbot.wait(100)
    assert reduced.isVisible()


def test_a_window_that_was_to_close_stays_where_the_report_cannot_be_written(qtbot, reduced, monkeypatch):
    entered, let = threading.Event(), threading.Event()

    def fails(*_args, **_more):
        entered.set()
        let.wait(10)
        raise NightError("the report cannot be written", "the disk is full", "make room")

    monkeypatch.setattr(core_report, "write_report", fails)
    press(qtbot, reduced.results.report)
    qtbot.waitUntil(entered.is_set, timeout=PATIENCE_MS)
    reduced.close()
    let.set()
    qtbot.waitUntil(reduced.notice.isVisible, timeout=PATIENCE_MS)
    qtbot.wait(100)
    assert reduced.isVisible()
    reduced.close()
    assert not reduced.isVisible()


# -- export --------------------------------------------------------------------------------------------------------


def export_dialog(qtbot, window):
    window.actions_by_name["export_siril"].trigger()
    found = [w for w in QApplication.topLevelWidgets() if isinstance(w, ExportDialog) and w.isVisible()]
    qtbot.addWidget(found[0])
    return found[0]


def type_folder(qtbot, dialog, folder):
    dialog.folder.setFocus()
    dialog.folder.selectAll()
    qtbot.keyClicks(dialog.folder, str(folder))


def test_frames_are_exported_into_a_new_folder_whose_name_is_typed(qtbot, reduced, tmp_path):
    dialog = export_dialog(qtbot, reduced)
    assert dialog.path == reduced.night.place.output.parent / "night_siril", "a folder of its own is suggested"
    folder = tmp_path / "for colleagues" / "june"
    type_folder(qtbot, dialog, folder)
    assert dialog.told.text() == "a new folder: it is made, and for colleagues with it"
    press(qtbot, dialog.export)
    qtbot.waitUntil(lambda: "4 frames for Siril written: " in reduced.log.text.toPlainText(), timeout=PATIENCE_MS)
    assert len(list(folder.glob("astep_*.fit"))) == 4


def test_a_second_export_is_offered_a_folder_that_mixes_with_nothing(qtbot, reduced):
    beside = reduced.night.place.output.parent
    (beside / "night_siril").mkdir()
    dialog = export_dialog(qtbot, reduced)
    assert dialog.path == beside / "night_siril", "it is empty"
    dialog.reject()
    for name in ("night_siril", "night_siril_2"):
        (beside / name).mkdir(exist_ok=True)
        (beside / name / "astep_001.fit").write_bytes(b"")
    assert export_dialog(qtbot, reduced).path == beside / "night_siril_3"


def test_the_last_line_of_an_export_names_what_is_doubtful_before_the_folder(qtbot, reduced, tmp_path):
    dialog = export_dialog(qtbot, reduced)
    folder = tmp_path / "a folder with quite a long name in which the frames will lie"
    type_folder(qtbot, dialog, folder)
    press(qtbot, dialog.export)
    qtbot.waitUntil(lambda: f"they lie in {folder}" in reduced.log.line.full_text, timeout=PATIENCE_MS)
    said = reduced.log.line.full_text
    assert said.removeprefix("· ").startswith("✓ 4 frames for Siril written: "), (
        "a success, whatever is to be thought of"
    )
    assert said.endswith(f"; they lie in {folder}")


def test_a_finished_export_is_shown_by_a_button_as_a_saved_picture_is(qtbot, reduced, tmp_path, shown):
    folder = tmp_path / "frames"
    reduced.deeds.export_into("siril", folder)
    qtbot.waitUntil(reduced.log.deed.isVisible, timeout=PATIENCE_MS)
    assert "▲" not in reduced.log.line.full_text
    press(qtbot, reduced.log.deed)
    assert shown == [str(folder)]


CLOUD, UNTOLD = Flag("cloud", "cloud: thick", "bad"), Flag(NOT_JUDGED, "not judged: 3 stars only", "note")


def judge_finally(qtbot, window, flags):
    """Let the reduced frames stand as asked, in the table that an export reads and in the window."""
    night = window.night
    night.looks_quickly = True
    night.look_quickly()
    qtbot.waitUntil(lambda: set(LIGHTS) <= set(night.rows) and night.survey is not None, timeout=PATIENCE_MS)
    qtbot.waitUntil(lambda: not night.awaits_final, timeout=PATIENCE_MS)
    table = night.place.output / "quality.ecsv"
    rows = [replace(row, flags=flags.get(row.path, ())) for row in read_quality_table(table)]
    assert {row.measures.state for row in rows} == {"final"}
    write_quality_table(table, rows, rejected={}, calibration_flags={})
    night.looks_quickly = False
    night.judgements.take_rows(rows)


def select_and_press(qtbot, window, path, key):
    window.night.select([path])
    qtbot.keyClick(window, key)


def test_an_export_of_good_frames_takes_those_a_person_accepted_and_names_the_others_with_their_reason(
    qtbot, reduced, tmp_path
):
    """It left out what was accepted against a flag, and took what was accepted though nobody could judge it."""
    judge_finally(qtbot, reduced, {LIGHTS[0]: (CLOUD,), LIGHTS[1]: (UNTOLD,), LIGHTS[2]: (CLOUD,)})
    select_and_press(qtbot, reduced, LIGHTS[2], Qt.Key.Key_U)
    dialog = export_dialog(qtbot, reduced)
    assert dialog.goes.text() == "4 frames would go: 1 good, 1 accepted by a person, 1 bad, 1 not judged"
    qtbot.keyClick(dialog.only_good, Qt.Key.Key_Space)
    assert dialog.goes.text() == "2 frames would go: 1 good, 1 accepted by a person"
    assert dialog.left_out.isVisible()
    assert dialog.left_out.text() == "2 frames left out: cloud (light 000), not judged (light 001)"
    qtbot.keyClick(dialog.only_good, Qt.Key.Key_Space)
    assert not dialog.left_out.isVisible()
    qtbot.keyClick(dialog.only_good, Qt.Key.Key_Space)
    type_folder(qtbot, dialog, tmp_path / "good")
    press(qtbot, dialog.export)
    qtbot.waitUntil(lambda: "frames for Siril written" in reduced.log.line.full_text, timeout=PATIENCE_MS)
    said, left = reduced.log.line.full_text, "2 frames left out: cloud (light 000), not judged (light 001)"
    assert left in said
    assert "them" in said
    assert "them" not in said[said.index(left) :], "else it would be those that are left out"
    assert len(list((tmp_path / "good").glob("*.fit"))) == 2


def test_what_a_person_accepts_and_takes_back_goes_with_the_good_frames_and_stays_behind_again(qtbot, reduced):
    judge_finally(qtbot, reduced, {LIGHTS[1]: (UNTOLD,)})
    dialog = export_dialog(qtbot, reduced)
    assert dialog.only_good.isVisible()
    dialog.close()
    select_and_press(qtbot, reduced, LIGHTS[1], Qt.Key.Key_U)
    dialog = export_dialog(qtbot, reduced)
    assert dialog.goes.text() == "4 frames would go: 3 good, 1 accepted by a person"
    assert not dialog.only_good.isVisible(), "it would leave out none"
    dialog.close()
    qtbot.keyClick(reduced, Qt.Key.Key_Z, Qt.KeyboardModifier.ControlModifier)
    dialog = export_dialog(qtbot, reduced)
    assert dialog.goes.text() == "4 frames would go: 3 good, 1 not judged"
    dialog.close()


def test_however_many_frames_are_left_out_for_whatever_reasons_no_line_of_it_is_cut(qtbot, window, tmp_path):
    """The dialog kept its height, and cut the third line."""
    reasons = ("cloud", "not judged", "trailed", "bright sky", "dark too weak")
    stands = dict.fromkeys((f"good {k}" for k in range(3)), "good")
    left_out = {f"Jason {k:03d}": reasons[k % 5] for k in range(25)}
    dialog = ExportDialog("Siril", tmp_path / "x", (HandedFrames(stands), HandedFrames(stands, left_out)), window)
    qtbot.addWidget(dialog)
    dialog.show()
    for is_seen in (True, False, True):
        qtbot.keyClick(dialog.only_good, Qt.Key.Key_Space)
        qtbot.wait(20)
        assert dialog.left_out.isVisible() is is_seen
        assert not unreadable(dialog)
    assert "and 2 more" in dialog.left_out.text()
    dialog.close()


def test_where_no_frame_is_good_or_accepted_only_good_ones_cannot_be_exported(qtbot, reduced):
    judge_finally(qtbot, reduced, dict.fromkeys(LIGHTS, (CLOUD,)))
    dialog = export_dialog(qtbot, reduced)
    assert dialog.export.isEnabled()
    qtbot.keyClick(dialog.only_good, Qt.Key.Key_Space)
    assert dialog.goes.text() == "No frame would go"
    assert dialog.left_out.text() == "4 frames left out: cloud (light 000, light 001, light 002, light 003)"
    assert not dialog.export.isEnabled()
    dialog.close()


def test_a_mere_name_is_a_folder_beside_the_results_and_what_is_in_one_is_said(qtbot, reduced):
    dialog = export_dialog(qtbot, reduced)
    beside = reduced.night.place.output.parent
    type_folder(qtbot, dialog, "mine")
    assert dialog.path == beside / "mine"
    assert dialog.told.text() == f"a new folder: it is made, in {beside}"
    (beside / "mine").mkdir()
    (beside / "mine" / "a.txt").touch()
    type_folder(qtbot, dialog, "mine")
    assert "it holds one thing already" in dialog.told.text()
    dialog.close()


@pytest.mark.parametrize("kind", ["", "file", "read-only"])
def test_a_folder_that_cannot_be_is_explained_and_nothing_is_begun(qtbot, reduced, tmp_path, monkeypatch, kind):
    dialog = export_dialog(qtbot, reduced)
    (tmp_path / "file").touch()
    if kind == "read-only":
        monkeypatch.setattr("astep_gui.models.folder_words.os.access", lambda *_args: False)
    type_folder(qtbot, dialog, tmp_path / kind / "new" if kind else " ")
    said = {"": "needs a name", "file": "is a file", "read-only": "nothing can be made in"}[kind]
    assert dialog.told.text().startswith("! ")
    assert said in dialog.told.text()
    assert not dialog.export.isEnabled()
    qtbot.keyClick(dialog.folder, Qt.Key.Key_Return)
    assert dialog.isVisible()
    assert not reduced.errands.is_running("export")
    dialog.close()


@pytest.mark.parametrize("name", ["~nobody_of_this_name", "~nobody_of_this_name/frames"])
def test_a_home_that_nobody_has_is_a_folder_of_that_name(qtbot, reduced, name):
    dialog = export_dialog(qtbot, reduced)
    beside = reduced.night.place.output.parent
    type_folder(qtbot, dialog, name)
    assert dialog.path == beside / name
    assert dialog.told.text().startswith("a new folder")
    dialog.close()


def test_of_a_folder_that_may_not_be_looked_into_that_is_said(tmp_path, monkeypatch):
    def refused(_folder):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr("pathlib.Path.iterdir", refused)
    assert folder_words(tmp_path) == "a folder that may not be looked into: files of the same names are replaced"


def test_a_folder_that_holds_the_night_is_refused_by_the_core_in_words(qtbot, reduced):
    reduced.deeds.export_into("siril", reduced.night.place.night)
    qtbot.waitUntil(reduced.notice.isVisible, timeout=PATIENCE_MS)
    assert "raw data is never written to" in reduced.notice.why.text()


def test_the_button_of_the_export_cancels_while_frames_are_written(qtbot, reduced, tmp_path, monkeypatch):
    go_on = threading.Event()

    def slow(*arguments, **how):
        context = arguments[-1]
        for _ in context.track("export", range(200)):
            go_on.wait(0.02)
        return hand_on(*arguments, **how)

    monkeypatch.setattr("pipeline_core.handing_on.hand_on", slow)
    button = reduced.results.export
    reduced.deeds.export_into("siril", tmp_path / "x")
    qtbot.waitUntil(lambda: "/200" in button.text(), timeout=PATIENCE_MS)
    assert button.menu() is None, "a click means the one thing it says"
    press(qtbot, button)
    qtbot.waitUntil(lambda: button.text() == "Export", timeout=2000)
    assert button.menu() is not None
    assert not (tmp_path / "x").exists()


# -- opening -------------------------------------------------------------------------------------------------------


def test_a_file_of_the_results_is_opened_by_a_click_and_only_once_by_two(qtbot, reduced, shown):
    click_line(qtbot, reduced, "· quality.ecsv")
    quality = str(reduced.night.place.output / "quality.ecsv")
    assert shown == [quality]
    at = reduced.results.tree.visualItemRect(line(reduced, "· quality.ecsv")).center()
    qtbot.mouseDClick(reduced.results.tree.viewport(), LEFT, pos=QPoint(at))
    assert shown == [quality]


def test_where_no_program_answers_the_file_is_named_and_its_path_can_be_copied(qtbot, reduced, monkeypatch):
    monkeypatch.setattr(SHOWN, lambda _url: False)
    QApplication.clipboard().setText("mine")
    click_line(qtbot, reduced, "· quality.ecsv")
    notice, file = reduced.notice, reduced.night.place.output / "quality.ecsv"
    assert notice.what.text().replace("\u200b", "") == f"! cannot open the file {file}"
    assert "no program for .ecsv files answered" in notice.why.text()
    assert "Copy the path" in notice.hint.text()
    assert QApplication.clipboard().text() == "mine", "nothing is put there unasked"
    press(qtbot, notice.copy_path)
    assert QApplication.clipboard().text() == str(file)


@pytest.mark.parametrize("size", [(1280, 720), (1600, 1000)])
def test_where_no_file_manager_answers_it_is_said_once_over_the_whole_width(qtbot, reduced, monkeypatch, size):
    monkeypatch.setattr(SHOWN, lambda _url: False)
    reduced.resize(*size)
    reduced.log.say("what was done before")
    press(qtbot, reduced.results.folder)
    qtbot.wait(50)
    notice = reduced.notice
    assert notice.isVisible()
    for part in (notice.what, notice.why, notice.hint):
        assert part.width() >= 0.9 * notice.width() - 40, "its words are pressed into a column"
    assert notice.copy_path.mapTo(notice, QPoint(0, 0)).y() >= notice.hint.geometry().bottom()
    assert notice.height() <= 0.2 * reduced.height()
    assert reduced.log.line.full_text == "what was done before", "the status line says it a second time"
    assert "no file manager answered" in reduced.log.text.toPlainText()


def test_a_notice_that_is_about_no_file_offers_no_path(reduced):
    reduced.deeds.export_into("siril", reduced.night.place.night)
    reduced.notice.show_error(core_report.NightError("a", "b", "c"))
    assert not reduced.notice.copy_path.isVisible()


def test_a_file_that_is_gone_is_said_to_be(qtbot, reduced, shown):
    (reduced.night.place.output / "accepted.txt").unlink()
    click_line(qtbot, reduced, "· accepted.txt")
    assert not shown
    assert "not there any more" in reduced.notice.why.text()


def test_without_ds9_the_frames_are_named_and_their_paths_can_be_copied(qtbot, reduced, monkeypatch):
    monkeypatch.setenv("DS9", "no-such-program")
    monkeypatch.setattr("astep_gui.ds9._listens", lambda: False)
    reduced.night.select(LIGHTS[:2])
    reduced.actions_by_name["ds9"].trigger()
    qtbot.waitUntil(reduced.notice.isVisible, timeout=PATIENCE_MS)
    assert f"{LIGHTS[0]} in DS9 and 1 more" in reduced.notice.what.text()
    assert reduced.notice.copy_path.text() == "Copy the paths"
    press(qtbot, reduced.notice.copy_path)
    folder = reduced.night.place.night
    assert QApplication.clipboard().text().splitlines() == [str(folder / name) for name in LIGHTS[:2]]


# -- one at a time -------------------------------------------------------------------------------------------------


def test_the_button_that_makes_the_masters_cancels_that_while_they_are_made(qtbot, opened, monkeypatch):
    entered = threading.Event()

    def slow(_place, _recipe, _options, context):
        for _ in context.track("master darks", range(500)):
            entered.set()
            threading.Event().wait(0.02)

    monkeypatch.setattr("pipeline_core.reduce.reduce_night", slow)
    opened.night.select(LIGHTS[:1])
    steps, make = opened.viewing.steps, opened.viewing.rail.make
    steps.choose("dark")
    qtbot.waitUntil(make.isVisible, timeout=PATIENCE_MS)
    press(qtbot, make)
    qtbot.waitUntil(entered.is_set, timeout=PATIENCE_MS)
    qtbot.waitUntil(lambda: make.text().startswith("Cancel"), timeout=PATIENCE_MS)
    for name in ("make_masters", "reduce", "sky_solve_night", "sky_align", "sky_stack"):
        assert not opened.actions_by_name[name].isEnabled(), name
    assert opened.actions_by_name["cancel"].isEnabled()
    press(qtbot, make)
    assert not make.isEnabled()
    qtbot.waitUntil(lambda: make.text() == "Make the masters", timeout=2000)
    assert make.isEnabled()
    assert opened.actions_by_name["make_masters"].isEnabled()


def test_while_a_whole_run_is_on_the_masters_are_not_begun_a_second_time(qtbot, opened, monkeypatch):
    leave = threading.Event()
    monkeypatch.setattr("pipeline_core.reduce.reduce_night", lambda *arguments: leave.wait(20) and arguments[3].check())
    opened.night.select(LIGHTS[:1])
    opened.viewing.steps.choose("dark")
    make = opened.viewing.rail.make
    qtbot.waitUntil(make.isVisible, timeout=PATIENCE_MS)
    press(qtbot, opened.reduce_button)
    assert opened.run.is_running
    assert (make.text(), make.isEnabled()) == ("Make the masters", False)
    assert "the run that is on makes them" in make.toolTip()
    press(qtbot, opened.reduce_button)
    leave.set()
    qtbot.waitUntil(lambda: not opened.run.is_running, timeout=PATIENCE_MS)
    assert make.isEnabled()


def test_a_demo_night_is_begun_once_and_its_button_cancels(qtbot, window, tmp_path, monkeypatch):
    def slow(_night, *, size, ctx):
        assert size
        for _ in ctx.track("demo frames", range(500)):
            threading.Event().wait(0.02)

    monkeypatch.setattr("pipeline_core.demo.night.make_demo_night", slow)
    monkeypatch.setattr("astep_gui.night_deeds.QFileDialog.getExistingDirectory", lambda *_args: str(tmp_path))
    button = next(b for b in window.findChildren(QPushButton) if b.text() == "Make a demo night…")
    press(qtbot, button)
    qtbot.waitUntil(lambda: button.text().startswith("Cancel · "), timeout=PATIENCE_MS)
    assert not window.actions_by_name["demo"].isEnabled()
    press(qtbot, button)
    qtbot.waitUntil(lambda: button.text() == "Make a demo night…", timeout=2000)
    assert window.actions_by_name["demo"].isEnabled()


def test_a_demo_night_that_is_stopped_leaves_nothing_hidden_behind(qtbot, window, tmp_path, monkeypatch):
    begun = threading.Event()

    def slow(night, *, size, ctx):
        assert size
        night.mkdir()
        (night / "dark.fits").touch()
        begun.set()
        for _ in ctx.track("demo frames", range(500)):
            threading.Event().wait(0.02)

    monkeypatch.setattr("pipeline_core.demo.night.make_demo_night", slow)
    window.deeds.make_demo(tmp_path / "demo_night")
    qtbot.waitUntil(begun.is_set, timeout=PATIENCE_MS)
    qtbot.keyClick(window, Qt.Key.Key_Period, Qt.KeyboardModifier.ControlModifier)
    qtbot.waitUntil(lambda: not window.errands.is_running("demo"), timeout=PATIENCE_MS)
    assert not list(tmp_path.glob(".*"))
    assert not (tmp_path / "demo_night").exists()


def test_a_demo_night_that_is_ready_does_not_take_the_place_of_a_night_opened_meanwhile(
    qtbot, window, night_folder, tmp_path, monkeypatch
):
    let = threading.Event()

    def slow(night, *, size, ctx):
        assert size
        ctx.check()
        small_night(night)
        let.wait(10)

    monkeypatch.setattr("pipeline_core.demo.night.make_demo_night", slow)
    window.deeds.make_demo(tmp_path / "demo_night")
    window.open_night(night_folder)
    qtbot.waitUntil(lambda: window.night.plan is not None, timeout=PATIENCE_MS)
    let.set()
    qtbot.waitUntil(lambda: not window.errands.is_running("demo"), timeout=PATIENCE_MS)
    qtbot.wait(200)
    assert window.night.place.night == night_folder
    assert "the demo night is made: it lies in" in window.log.line.full_text
