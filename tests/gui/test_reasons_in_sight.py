"""What must be read at once is not what gives way: reasons, counts, units; and what is over is not said any more."""

from __future__ import annotations

from dataclasses import replace

import pytest
from PyQt6.QtCore import QEvent, QObject, QPoint, Qt
from PyQt6.QtGui import QRegion
from PyQt6.QtWidgets import QApplication

from astep_gui.theme import THEMES, apply_theme, theme
from astep_gui.widgets.image_head import ImageHead
from astep_gui.widgets.settings_form import SettingsDialog
from astep_gui.widgets.verdict_words import VerdictWords
from pipeline_core.align_night import FrameAlignment, NightAlignment
from pipeline_core.config import Recipe
from pipeline_core.science.placement import Placement
from tests.gui.nights import small_night, write_frame
from tests.gui.test_workflow import LIGHTS, PATIENCE_MS
from tests.gui.words_seen import cells_cut

LEFT = Qt.MouseButton.LeftButton
TRAILED = (
    "trailed: ellipticity 0.58 along 156° all over the field, above the 0.30 that optics and seeing make at most; the "
    "telescope moved evenly by 3.6 px"
)


# -- the verdict -----------------------------------------------------------------------------------------------------


@pytest.fixture
def verdict(qtbot):
    words = VerdictWords(lines=2)
    qtbot.addWidget(words)
    words.resize(400, words.height_of(2))
    words.show()
    return words


@pytest.mark.parametrize(
    ("words", "seen"),
    [
        (f"✕ rejected · {TRAILED}", "✕ rejected · trailed: ellipticity 0.58 along 156° all over the field"),
        (
            f"✕ rejected: FWHM > 2.49 px · said against it: {TRAILED}",
            "✕ rejected: FWHM > 2.49 px · said against it: trailed: ellipticity 0.58 along 156° all over the field",
        ),
        (f"▲ {TRAILED}", "▲ trailed: ellipticity 0.58 along 156° all over the field"),
    ],
)
def test_the_gravest_cause_stands_before_the_count_of_what_else_is_said(verdict, words, seen):
    verdict.resize(480 if "FWHM" in words else 300, verdict.height())
    verdict.setText(words)
    said = " ".join(verdict.text().split())
    assert said.startswith(seen)
    assert said.endswith("more")
    assert "…" not in said


# -- steps that wait -------------------------------------------------------------------------------------------------


def test_a_step_that_waits_for_a_master_says_so_first_and_a_click_on_it_says_it_of_that_step(qtbot, opened):
    opened.resize(1280, 720)
    steps, rail = opened.viewing.steps, opened.viewing.rail
    qtbot.waitUntil(lambda: opened.night.plan is not None and steps.path is not None, timeout=PATIENCE_MS)
    qtbot.mouseClick(rail.buttons["raw"], LEFT)
    qtbot.waitUntil(lambda: steps.missing is not None, timeout=PATIENCE_MS)
    assert rail.note.full_text.startswith("! Later steps need masters, which are not made yet.")
    assert rail.make.isVisible()
    waits = next(button for button in rail.buttons.values() if button.state == "missing")
    qtbot.mouseClick(waits, LEFT)
    assert waits.isChecked()
    said = rail.note.full_text
    assert said.startswith(
        f"! {waits.text()} needs masters, which are not made yet. Reduce makes them, or make them now"
    )


# -- the strip of the log --------------------------------------------------------------------------------------------


def test_a_refusal_and_what_an_errand_came_to_are_said_until_the_next_deed(qtbot, opened):
    qtbot.waitUntil(lambda: opened.night.plan is not None, timeout=PATIENCE_MS)
    line = opened.log.line
    opened.actions_by_name["difference"].trigger()
    assert line.full_text.startswith("no difference to the step before")
    qtbot.mouseClick(opened.viewing.rail.buttons["raw"], LEFT)
    assert line.full_text == ""
    assert "no difference to the step before" in opened.log.text.toPlainText()
    for deed in (lambda: opened.tabs.choose("Judge"), lambda: opened.night.select([LIGHTS[2]])):
        opened.log.say_passing("4 frames written: none has a place on the sky", "warning")
        opened.viewing.steps.changed.emit()
        assert line.full_text.startswith("▲ 4 frames written"), "a step that was computed is no deed"
        deed()
        assert line.full_text == ""
        assert not line.property("role")
    opened.log.say("42 frames in jason")
    opened.tabs.choose("Night")
    assert line.full_text == "42 frames in jason"


def test_where_no_night_is_open_and_nothing_was_said_there_is_no_empty_bar(window):
    assert not window.statusBar().isVisible()
    window.log.say("making a demo night")
    assert window.statusBar().isVisible()
    assert window.log.isVisible()


# -- the list --------------------------------------------------------------------------------------------------------


def test_a_heading_is_whole_wherever_the_columns_end_before_the_list_does(qtbot, window, tmp_path):
    night = small_night(tmp_path / "night")
    for k in range(2):
        write_frame(night / f"field_{k:03d}.fits", "object", number=50 + k, OBJECT="Entered Coordinates of this night")
    window.resize(1600, 1000)
    window.open_night(night)
    qtbot.waitUntil(lambda: window.night.plan is not None, timeout=PATIENCE_MS)
    tree = window.table.tree
    header = tree.header()
    window.resizeDocks([window.docks["frames"]], [640], Qt.Orientation.Horizontal)
    window.decisions.reject(["field_000.fits"], "cloud")
    qtbot.wait(50)
    cut = []
    for _narrower in range(12):
        header.resizeSection(1, max(60, header.sectionSize(1) - 8))
        header.resizeSection(0, max(60, header.sectionSize(0) - 8))
        qtbot.wait(20)
        cut += [fault for fault in cells_cut(tree) if "Entered" in fault]
    assert header.length() < tree.viewport().width()
    assert cut == []


def test_the_titles_of_the_columns_have_their_whole_height_however_it_was_asked_for(qtbot, opened):
    header = opened.table.tree.header()
    needed = header.fontMetrics().height() + 10
    header.setStyleSheet("QHeaderView::section { padding: 0; }")  # asked before it was dressed
    opened.table.tree.updateGeometries()
    qtbot.wait(30)
    assert header.height() >= needed


class Painted(QObject):
    """Notes what of a widget is painted."""

    def __init__(self, widget):
        super().__init__(widget)
        self.region = QRegion()
        widget.installEventFilter(self)

    def eventFilter(self, watched, event):  # noqa: N802 - Qt's name
        if event.type() == QEvent.Type.Paint:
            self.region = self.region.united(event.region())
        return super().eventFilter(watched, event)


def test_no_pieces_of_a_selection_are_left_beyond_the_last_column(qtbot, opened):
    tree = opened.table.tree
    opened.resizeDocks([opened.docks["frames"]], [700], Qt.Orientation.Horizontal)
    opened.night.select([LIGHTS[0]])
    qtbot.wait(100)
    room = tree.viewport()
    assert tree.header().length() < room.width() - 4
    painted = Painted(room)
    opened.night.select(list(LIGHTS))
    qtbot.wait(100)
    for path in LIGHTS[1:]:
        row = tree.visualRect(opened.table.model.index_of(path))
        assert painted.region.contains(QPoint(room.width() - 3, row.center().y())), path


# -- over the image --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("width", "says"), [(900, "size zoom unit"), (470, "zoom unit"), (330, "unit")])
def test_over_the_image_the_size_gives_way_then_the_zoom_never_the_unit(qtbot, make_shown, width, says):
    head = ImageHead()
    qtbot.addWidget(head)
    head.resize(width, 30)
    head.show()
    head.show_image(make_shown(("raw", "a"), title="Jason 069 · change: − dark", unit="ADU"))
    head.say_zoom("27 % · fit")
    QApplication.processEvents()
    assert head.about.isVisible()
    assert "ADU" in head.about.text()
    assert ("×" in head.about.text()) == ("size" in says)
    assert head.zoom.isVisible() == ("zoom" in says)


# -- settings, themes, names -----------------------------------------------------------------------------------------


def test_a_setting_that_is_changed_says_its_default_beside_it(qtbot):
    form = SettingsDialog(Recipe(cosmic={"iterations": 3}))
    qtbot.addWidget(form)
    editor = form.editors["cosmic", "iterations"]
    assert editor.mark.text() == f"● default {Recipe().cosmic.iterations}"
    editor.put(Recipe().cosmic.iterations)
    assert editor.mark.text() == ""


@pytest.mark.parametrize("name", list(THEMES))
def test_each_theme_has_an_action_of_its_own(window, name):
    was = theme().name
    window.actions_by_name[f"theme_{name}"].trigger()
    assert theme().name == name
    assert window.remembered.word("theme", "") == name
    apply_theme(QApplication.instance(), was)


def test_the_sky_calls_the_reference_by_what_tells_it_from_others(qtbot, window, tmp_path):
    night = small_night(tmp_path / "night")
    for file in night.glob("light_*.fits"):
        file.rename(file.with_name(f"Jason.00000{file.stem[-3:]}.Entered Coordinates.fit"))
    window.open_night(night)
    qtbot.waitUntil(lambda: len(window.night.frames) > 0, timeout=PATIENCE_MS)
    one, other = (f"Jason.0000000{k}.Entered Coordinates.fit" for k in (1, 2))
    assert window.night.frame(one) is not None
    alignment = NightAlignment((FrameAlignment(one, "field", other, Placement.identity((64, 64))),))
    window.sky.model.sky = replace(window.sky.model.sky, calibrated=frozenset({one}), alignment=alignment)
    window.night.select([one])
    window.sky.panel.follow()
    assert window.sky.panel.why.text().startswith("lies on Jason 002; ")
    assert ("Aligned to", "Jason 002") in [fact[:2] for fact in window.sky.panel._facts_shown]
