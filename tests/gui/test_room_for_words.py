"""Words in narrow places: panels in a small window, badges on half an image, names that are too long."""

import pytest
from PyQt6.QtCore import QPoint, Qt
from PyQt6.QtGui import QFontMetricsF
from PyQt6.QtWidgets import QApplication, QLabel, QPushButton

from astep_gui.models.held_together import NO_BREAK, held_together
from astep_gui.models.sky_words import AGAIN, HINT, INDEX, SkyStatus, Way
from astep_gui.theme import ui_font
from astep_gui.widgets.elided_label import ElidedLabel
from astep_gui.widgets.image_badge import lines_of
from astep_gui.widgets.image_head import ImageHead
from astep_gui.widgets.settings_form import SettingsDialog
from pipeline_core.config import Recipe

WHY = (
    "the pixel scale is not known: no header has it (PIXSCALE or SECPIX; or XPIXSZ with FOCALLEN); "
    "/a/folder/with/a/name/that/is/longer/than/the/panel/is/wide_and_has_no_place_to_break.fits was searched"
)
WAYS = (AGAIN, HINT, INDEX, Way("plain", "Take hints back"))
FAILED = SkyStatus("✕", "not solved: no index for this field", "bad", WHY, WAYS)


@pytest.fixture
def sky(opened, qtbot, monkeypatch):
    """The Sky panel of a small window, of a frame that did not solve."""
    opened.resize(1280, 800)
    monkeypatch.setattr(opened.sky.model, "status", lambda _path, _named=None: FAILED)
    opened.actions_by_name["sky_dock"].trigger()
    opened.sky.panel.follow()
    qtbot.waitUntil(opened.sky.panel.isVisible, timeout=3000)
    qtbot.wait(50)
    return opened.sky.panel


@pytest.mark.parametrize("width", [260, 300, 420])
def test_nothing_of_the_sky_panel_is_cut_at_the_right_after_a_failed_solve(sky, qtbot, width):
    sky.parentWidget().setFloating(True)
    sky.parentWidget().resize(width, 700)
    qtbot.wait(50)
    area = sky._area
    inside = area.viewport()
    edge = inside.mapToGlobal(QPoint(inside.width(), 0)).x()
    is_scrolled = area.horizontalScrollBar().maximum() > 0
    for widget in (
        *sky.figures.findChildren(QPushButton),
        *(b for b in sky.findChildren(QPushButton) if b.objectName()),
    ):
        if widget.isVisible() and not is_scrolled:
            assert widget.mapToGlobal(QPoint(widget.width(), 0)).x() <= edge, widget.text()
            assert widget.width() >= widget.sizeHint().width() - 1, widget.text()
    assert not is_scrolled or width < 300
    assert all(label.wordWrap() for label in (sky.state, sky.why))
    assert isinstance(sky.why, QLabel)
    sky.parentWidget().setFloating(False)


def test_cancel_does_not_appear_under_the_pointer_that_pressed_stack(sky, qtbot):
    stack = sky.foot.buttons["stack"]
    before = stack.mapToGlobal(stack.rect().center())
    sky.foot.progress_box.show()
    qtbot.wait(50)
    assert (stack.mapToGlobal(stack.rect().center()) - before).manhattanLength() <= 2
    place = sky.foot.cancel.rect().translated(sky.foot.cancel.mapToGlobal(QPoint()))
    assert not place.contains(before)
    sky.foot.progress_box.hide()


@pytest.mark.parametrize("width", [820, 1180])
def test_a_setting_that_is_changed_leaves_the_form_where_it_was(qtbot, width):
    form = SettingsDialog(Recipe())
    qtbot.addWidget(form)
    form.resize(width, 600)
    form.show()
    form.sections.setCurrentRow(form._names.index("cosmic"))
    editor = (
        form.editors["cosmic", "sigma_clip"]
        if ("cosmic", "sigma_clip") in form.editors
        else next(e for (section, _name), e in form.editors.items() if section == "cosmic" and e._kind is float)
    )
    before = editor.mapTo(form, QPoint()), editor.minimumSizeHint().width()
    field = editor._editor
    field.setFocus()
    qtbot.keyClick(field, Qt.Key.Key_A, Qt.KeyboardModifier.ControlModifier)
    qtbot.keyClicks(field, "7")
    qtbot.wait(30)
    assert editor.mark.text().startswith("● default ")
    assert (editor.mapTo(form, QPoint()), editor.minimumSizeHint().width()) == before
    area = form.pages.currentWidget()
    assert area.horizontalScrollBar().maximum() == 0


def test_what_stands_beside_a_section_stays_when_something_of_it_is_changed(qtbot):
    form = SettingsDialog(Recipe(cosmic={"iterations": 3}))
    qtbot.addWidget(form)
    beside = QLabel("a preview")
    form.set_beside("cosmic", beside)
    form.show()
    assert not beside.isVisible()
    form.sections.setCurrentRow(form._names.index("cosmic"))
    assert form.sections.currentItem().text() == "Cosmic ●"
    assert beside.isVisible()


def test_the_help_of_a_setting_says_not_set_as_its_field_does():
    form = SettingsDialog(Recipe())
    words = [label.text() for editor in form.editors.values() for label in editor.findChildren(QLabel)]
    assert not [text for text in words if "None" in text]
    form.deleteLater()


def test_in_the_smallest_window_no_panel_lies_over_the_image(qtbot, opened):
    opened.resize(1280, 720)
    opened.resize(opened.minimumSize())
    QApplication.processEvents()
    frames, levels = opened.docks["frames"].geometry(), opened.docks["levels"].geometry()
    centre = opened.centralWidget().geometry()
    inside = opened.docks["frames"].widget()
    assert inside.width() <= frames.width(), "what is inside is not wider than its panel"
    assert frames.right() < centre.left()
    assert centre.right() < levels.left()
    assert levels.right() <= opened.width()


def test_a_value_and_its_unit_are_not_parted_and_nothing_else_is_changed():
    said = "Reject 3 of 18: stack 0.03 mag shallower, median FWHM 2.90 → 2.60 px (× 0.83) · 5 frames px"
    held = held_together(said)
    assert held.replace(NO_BREAK, " ") == said
    assert len(held) == len(said)
    assert "2.90 → 2.60 px".replace(" ", NO_BREAK) in held
    assert f"(×{NO_BREAK}0.83)" in held
    assert "5 frames px" in held


# -- names and badges ------------------------------------------------------------------------------------------------

LONG = "ASTEP-400_Concordia-P48_2026-06-21_SCIENCE_R_bin1x1_gain2_N00000055.fits"
BADGE = "REJECTED · cloud that came in from the west and stayed all night · U to restore"


@pytest.mark.parametrize("room", [120, 200, 480, 2000])
def test_a_badge_breaks_into_lines_and_loses_no_word(qapp, room):
    width_of = QFontMetricsF(ui_font(13, bold=True)).horizontalAdvance
    lines = lines_of(BADGE, width_of, room)
    assert " ".join(lines).replace(" · ", " ").split() == BADGE.replace(" · ", " ").split()
    assert max(map(width_of, lines)) <= room
    assert (len(lines) == 1) == (width_of(BADGE) <= room)


def test_a_badge_breaks_between_its_parts_before_it_breaks_one():
    assert lines_of("REJECTED · cloud · U to restore", len, 20) == ["REJECTED · cloud", "U to restore"]


def test_words_are_said_shorter_before_any_of_them_is_left_out(qtbot):
    label = ElidedLabel()
    qtbot.addWidget(label)
    label.show()
    label.say(LONG, "SCIENCE 055 of the night", "055")
    for width, shown in ((900, LONG), (200, "SCIENCE 055 of the night"), (60, "055")):
        label.resize(width, 20)
        assert label.text() == shown
        assert bool(label.toolTip()) == (shown != LONG), "the whole is in the tip where it is not seen"
        assert label.full_text == LONG


@pytest.mark.parametrize(("width", "says_file"), [(1200, True), (420, False)])
def test_the_image_is_called_as_the_list_calls_its_frame_and_the_files_name_stands_beside_it_where_there_is_room(
    qtbot, make_shown, width, says_file
):
    head = ImageHead()
    qtbot.addWidget(head)
    head.short_title = lambda key, whole: {("raw", "a"): whole.replace(LONG, "SCIENCE 055")}[key]
    head.resize(width, 30)
    head.show()
    head.show_image(make_shown(("raw", "a"), title=LONG))
    head.say_zoom("26 % · fit")
    QApplication.processEvents()
    assert head._title.text() == "SCIENCE 055"
    assert head.title == LONG
    assert head.about.isVisible()
    assert head.file.isVisible() == says_file
    assert head.file.text() == (LONG if says_file else "")
    assert LONG in head._title.toolTip().replace("\u200b", "")
    head.show_image(make_shown(("raw", "a"), title=f"{LONG} · cosmic rays removed"))
    assert head._title.full_text == "SCIENCE 055 · cosmic rays removed"
    assert head.file.text() == (LONG if says_file else "")
    head.clear()
    assert not head.file.isVisible()
    assert head.title == head._title.toolTip() == ""
