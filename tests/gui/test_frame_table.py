"""The frame table as a person uses it: names, columns, groups, pictures, editing, dragging, keys."""

from __future__ import annotations

import json

import pytest
from PyQt6.QtCore import QEvent, QMimeData, QModelIndex, QPoint, Qt
from PyQt6.QtGui import QCursor, QFont, QFontMetrics, QHelpEvent, QImage
from PyQt6.QtWidgets import QApplication, QComboBox, QMenu, QStyleOptionViewItem, QToolTip

from astep_gui.main_window import MainWindow
from astep_gui.models.dragged_rows import FRAMES_MIME
from astep_gui.models.frame_columns import COLUMNS, column_number
from astep_gui.models.frame_table_model import FILTER_MS
from astep_gui.models.thumbnails import LARGE_PX, MOST_KEPT, SIDE_PX
from astep_gui.theme import theme, ui_font
from astep_gui.theme.fonts import MONO_FAMILY
from astep_gui.widgets.frame_glance import page
from astep_gui.widgets.frame_rows import INDENT_PX, ROW_PX, THUMBNAIL_PX
from pipeline_core.errors import NightError
from pipeline_core.measures import Flag, QualityRow, ScienceMeasures
from tests.gui.nights import small_night, write_frame

LIGHTS = [f"light_{k:03d}.fits" for k in range(4)]
DARKS = [f"dark_{k:03d}.fits" for k in range(3)]


def group_row(window, begins):
    titles = [group.title for group in window.table.model.groups]
    return next(k for k, title in enumerate(titles) if title.startswith(begins))


def shown(window):
    return {COLUMNS[k].key for k in range(len(COLUMNS)) if not window.table.tree.isColumnHidden(k)}


def drop(window, paths, begins):
    """Drop frames on a group, as the view does at the end of a drag."""
    model = window.table.model
    data = model.mimeData([model.index_of(path) for path in paths])
    target = model.index(group_row(window, begins), 0)
    assert model.canDropMimeData(data, Qt.DropAction.CopyAction, -1, -1, target)
    assert model.dropMimeData(data, Qt.DropAction.CopyAction, -1, -1, target)


def find(window, qtbot, words):
    qtbot.keyClick(window, Qt.Key.Key_F, Qt.KeyboardModifier.ControlModifier)
    qtbot.keyClicks(window.table.search, words)
    qtbot.waitUntil(lambda: window.table.model.search_words == words, timeout=2000)


# -- what is seen -------------------------------------------------------------------------------------------------


def styled(window, index):
    """Return how a cell is painted."""
    option = QStyleOptionViewItem()
    window.table.tree.rows.initStyleOption(option, index)
    return option


def test_a_cell_is_painted_with_its_words_numbers_at_the_right_and_in_columns(opened):
    row = opened.table.model.index_of(LIGHTS[0])
    for k, column in enumerate(COLUMNS):
        option = styled(opened, row.siblingAtColumn(k))
        assert option.text == row.siblingAtColumn(k).data()
        assert bool(option.displayAlignment & Qt.AlignmentFlag.AlignRight) is column.is_number
        assert (option.font.family() == MONO_FAMILY) is column.is_number
        assert option.features & QStyleOptionViewItem.ViewItemFeature.HasDisplay


def test_a_heading_is_painted_bold_with_its_count(opened):
    option = styled(opened, opened.table.model.index(group_row(opened, "Science"), 0))
    assert option.text.endswith("4 frames")
    assert option.font.weight() == QFont.Weight.DemiBold


def test_a_rejected_frame_is_painted_dim_and_its_state_in_its_tone(qtbot, opened):
    row = opened.table.model.index_of(LIGHTS[3])
    before = styled(opened, row).palette.text().color()
    opened.decisions.reject([LIGHTS[3]], "cloud")
    qtbot.waitUntil(lambda: LIGHTS[3] in opened.night.rejected)
    row = opened.table.model.index_of(LIGHTS[3])
    state = row.siblingAtColumn(column_number("state"))
    assert styled(opened, row).palette.text().color() == theme().colour("dim") != before
    assert styled(opened, state).palette.text().color() == theme().colour("bad")


@pytest.mark.parametrize("width", [1280, 1600])
def test_nothing_in_the_table_is_cut(qtbot, opened, width):
    opened.resize(width, 800)
    opened.panels.reset()
    QApplication.processEvents()
    table = opened.table
    assert table.wanted_width() <= table.tree.width() + 2
    for path in (*LIGHTS, *DARKS):
        index = table.model.index_of(path)
        for number in (column_number(key) for key in ("name", "state")):
            words = str(index.siblingAtColumn(number).data())
            inside = table.tree.columnWidth(number) - (28 if number == 0 else 0)
            assert QFontMetrics(ui_font()).horizontalAdvance(words) <= inside


def test_the_whole_name_and_what_is_known_stand_in_the_tool_tip(opened):
    tip = opened.table.model.index_of(LIGHTS[2]).data(Qt.ItemDataRole.ToolTipRole)
    assert LIGHTS[2] in tip
    assert "science · R · 10 s · M 5" in tip


def test_a_flat_list_shows_kind_and_filter_which_groups_say(qtbot, opened):
    assert "kind" not in shown(opened)
    qtbot.mouseClick(opened.table.grouped, Qt.MouseButton.LeftButton)
    assert {"kind", "filter", "exposure"} <= shown(opened)
    assert opened.table.model.rowCount() == 14


def test_chosen_columns_and_pictures_are_remembered(qtbot, opened, remembered):
    opened.table.show_column("stars", True)
    opened.table.show_column("depth", False)
    opened.actions_by_name["pictures"].trigger()
    opened.close()
    again = MainWindow(remembered)
    assert "stars" in shown(again)
    assert "depth" not in shown(again)
    assert again.table.model.shows_thumbnails
    usual = next(a for a in again.table.columns.menu().actions() if a.text() == "Columns and widths as at first")
    usual.trigger()
    assert "stars" not in shown(again)
    assert "depth" in shown(again)
    again.close()


def test_columns_of_an_older_version_are_passed_over(opened):
    opened.table.restore_columns(opened.table.tree.header().saveState())
    assert "name" in shown(opened)


def test_small_pictures_come_into_the_rows_that_are_seen(qtbot, opened):
    index = opened.table.model.index_of(LIGHTS[0])
    assert index.data(Qt.ItemDataRole.DecorationRole) is None
    opened.actions_by_name["pictures"].trigger()
    qtbot.waitUntil(lambda: index.data(Qt.ItemDataRole.DecorationRole) is not None, timeout=8000)
    picture = index.data(Qt.ItemDataRole.DecorationRole)
    assert (picture.width(), picture.height()) == (64, 64)
    assert opened.table.tree.visualRect(index).height() == 48
    opened.actions_by_name["pictures"].trigger()
    assert opened.table.tree.visualRect(opened.table.model.index_of(LIGHTS[0])).height() == 24


def test_pictures_are_kept_in_bounded_memory(qtbot, opened, monkeypatch):
    monkeypatch.setitem(MOST_KEPT, SIDE_PX, 2)
    opened.actions_by_name["pictures"].trigger()
    pictures, night = opened.table.model.thumbnails, opened.night
    for path in LIGHTS:
        with qtbot.waitSignal(pictures.arrived, timeout=8000, check_params_cb=lambda made, path=path: made == path):
            pictures._kept[SIDE_PX].pop(path, None)
            pictures.get(path, night.night.file(path), night.frame(path))
    assert len(pictures._kept[SIDE_PX]) == 2


def rest_on(window, path):
    """Let the pointer rest on the row of a frame, as Qt tells of it."""
    tree = window.table.tree
    rect = tree.visualRect(window.table.model.index_of(path))
    where = tree.viewport().mapToGlobal(rect.center())
    tree.setCursor(Qt.CursorShape.ArrowCursor)
    QCursor.setPos(where)
    QApplication.sendEvent(tree.viewport(), QHelpEvent(QEvent.Type.ToolTip, rect.center(), where))


def test_the_pointer_resting_on_a_small_picture_shows_the_frame_large_with_the_words_of_its_row(qtbot, opened):
    opened.actions_by_name["pictures"].trigger()
    pictures, frame = opened.table.model.thumbnails, opened.night.frame(LIGHTS[0])
    with qtbot.waitSignal(pictures.large_arrived, timeout=8000):
        rest_on(opened, LIGHTS[0])
    assert pictures.get(LIGHTS[0], opened.night.night.file(frame), frame, LARGE_PX) is not None
    rest_on(opened, LIGHTS[0])
    qtbot.waitUntil(lambda: "data:image/png" in QToolTip.text(), timeout=3000)
    assert LIGHTS[0] in QToolTip.text()
    QToolTip.hideText()


def test_without_small_pictures_a_row_shows_its_words_alone(qtbot, opened):
    rest_on(opened, LIGHTS[0])
    qtbot.waitUntil(lambda: LIGHTS[0] in QToolTip.text(), timeout=3000)
    assert "data:image" not in QToolTip.text()
    QToolTip.hideText()


def test_words_of_a_header_are_no_page_in_a_tip():
    picture = QImage(4, 2, QImage.Format.Format_Grayscale8)
    assert "&lt;img src=&#x27;/etc/passwd&#x27;&gt;" in page(picture, "<img src='/etc/passwd'>")


def test_quality_that_comes_in_moves_no_row(opened):
    model, tree = opened.table.model, opened.table.tree
    before, place = model.ordered(), tree.verticalScrollBar().value()
    rebuilt = []
    model.rebuilt.connect(lambda: rebuilt.append(1))
    opened.night.frames_changed.emit(LIGHTS)
    assert (model.ordered(), tree.verticalScrollBar().value(), rebuilt) == (before, place, [])


def test_the_sorted_column_says_which_way(qtbot, opened):
    header = opened.table.tree.header()
    where = header.sectionViewportPosition(0) + 12
    qtbot.mouseClick(header.viewport(), Qt.MouseButton.LeftButton, pos=QPoint(where, header.height() // 2))
    assert opened.table.model.headerData(0, Qt.Orientation.Horizontal) == "Frame ▴"
    qtbot.mouseClick(header.viewport(), Qt.MouseButton.LeftButton, pos=QPoint(where, header.height() // 2))
    assert opened.table.model.headerData(0, Qt.Orientation.Horizontal) == "Frame ▾"
    group = opened.table.model.groups[group_row(opened, "Science")]
    assert group.paths == LIGHTS[::-1]


# -- searching ----------------------------------------------------------------------------------------------------


def test_a_search_leaves_what_it_names_and_enter_goes_there(qtbot, opened):
    find(opened, qtbot, "kind:dark -001")
    assert opened.table.model.ordered() == ["dark_000.fits", "dark_002.fits"]
    qtbot.keyClick(opened.table.search, Qt.Key.Key_Return)
    assert opened.night.current == "dark_000.fits"
    assert opened.table.tree.hasFocus() or not opened.isActiveWindow()
    qtbot.keyClick(opened.table.tree, Qt.Key.Key_Escape)
    qtbot.waitUntil(lambda: opened.table.model.count == 14, timeout=2000)


def judge(window, flagged, paths=LIGHTS):
    """Let values come in, those of some frames with a cloud over them."""
    cloud = (Flag("cloud", "half the light is gone", "suspect"),)
    window.night._take_rows(
        QualityRow(path, ScienceMeasures("quick", "ADU"), flags=cloud if path in flagged else ()) for path in paths
    )


def test_a_search_finds_frames_whose_values_come_in_after_it_was_typed(qtbot, opened):
    find(opened, qtbot, "cloud")
    assert opened.table.model.ordered() == []
    assert opened.table.count.text().startswith("no frame fits")
    judge(opened, LIGHTS[1:3])
    qtbot.waitUntil(lambda: opened.table.model.ordered() == LIGHTS[1:3], timeout=3000)
    assert opened.table.count.text().startswith("2 of 14 frames")


def test_only_suspects_follows_verdicts_of_causes_that_were_not_known_when_it_was_asked_for(qtbot, opened):
    opened.actions_by_name["show_suspects"].trigger()
    assert opened.table.model.ordered() == []
    judge(opened, LIGHTS[:1])
    qtbot.waitUntil(lambda: opened.table.model.ordered() == LIGHTS[:1], timeout=3000)


def test_values_that_come_in_one_by_one_move_the_found_rows_once_and_not_where_the_same_frames_fit(qtbot, opened):
    find(opened, qtbot, "cloud")
    rebuilt = []
    opened.table.model.rebuilt.connect(lambda: rebuilt.append(1))
    for path in LIGHTS:
        judge(opened, LIGHTS, [path])
    qtbot.waitUntil(lambda: opened.table.model.count == 4, timeout=3000)
    judge(opened, LIGHTS)
    qtbot.wait(FILTER_MS + 200)
    assert rebuilt == [1]


def test_a_suspect_that_was_just_rejected_stays_among_the_suspects_until_one_goes_on(qtbot, opened):
    judge(opened, LIGHTS)
    opened.actions_by_name["show_suspects"].trigger()
    opened.night.select([LIGHTS[1], LIGHTS[3]], LIGHTS[1])  # with one alone the rejection goes on to the next
    opened.decisions.reject([LIGHTS[1]], "cloud")
    opened.table.model.rebuild()  # as a new plan does, which may come first
    assert opened.table.model.ordered() == LIGHTS
    qtbot.wait(FILTER_MS + 200)
    assert opened.table.model.ordered() == LIGHTS
    assert opened.table.step(1) == LIGHTS[2]
    opened.night.select([LIGHTS[2]], LIGHTS[2])
    qtbot.waitUntil(lambda: opened.table.model.ordered() == [LIGHTS[0], *LIGHTS[2:]], timeout=3000)


def test_another_night_is_shown_whole_whatever_was_searched_for_in_the_one_before(qtbot, opened, tmp_path):
    opened.actions_by_name["show_rejected"].trigger()
    find(opened, qtbot, "dark")
    opened.open_night(small_night(tmp_path / "other"))
    qtbot.waitUntil(lambda: opened.night.is_open and opened.night.place.night.name == "other", timeout=8000)
    assert opened.table.search.text() == ""
    assert not opened.actions_by_name["show_rejected"].isChecked()
    assert opened.table.model.count == 14


def test_a_night_that_is_read_again_keeps_what_is_searched_for(qtbot, opened, night_folder):
    find(opened, qtbot, "dark")
    write_frame(night_folder / "dark_009.fits", "dark", number=9)
    opened.night.refresh()
    qtbot.waitUntil(lambda: set(opened.table.model.ordered()) == {*DARKS, "dark_009.fits"}, timeout=8000)
    assert opened.table.search.text() == "dark"


def test_what_can_be_searched_for_is_said_where_one_types(opened):
    assert "fwhm>3" in opened.table.search.placeholderText()
    assert "-word" in opened.table.search.toolTip()


# -- deciding -----------------------------------------------------------------------------------------------------


def test_the_kind_is_chosen_in_place_for_all_selected_rows(qtbot, opened):
    opened.table.show_column("kind", True)
    opened.table.show_only(DARKS[:2])
    opened.table.edit("kind")
    box = opened.table.tree.findChild(QComboBox)
    assert "flatdark" in [box.itemText(k) for k in range(box.count())]
    box.setCurrentText("flatdark")
    box.activated.emit(box.currentIndex())
    assert [opened.night.frame(path).kind.value for path in DARKS] == ["flatdark", "flatdark", "dark"]
    opened.actions_by_name["undo"].trigger()
    assert [opened.night.frame(path).kind.value for path in DARKS] == ["dark"] * 3
    box.hidePopup()


def test_a_filter_is_chosen_among_those_of_the_night_or_typed(qtbot, opened):
    opened.table.show_column("filter", True)
    opened.table.show_only(LIGHTS[:1])
    opened.table.edit("filter")
    box = opened.table.tree.findChild(QComboBox)
    assert box.isEditable()
    assert [box.itemText(k) for k in range(box.count())] == ["R"]
    box.setEditText("Clear")
    qtbot.keyClick(box, Qt.Key.Key_Return)
    qtbot.waitUntil(lambda: opened.night.frame(LIGHTS[0]).filter == "Clear", timeout=2000)


def test_frames_dropped_on_a_group_become_like_it_in_one_step(qtbot, opened):
    drop(opened, DARKS[:2], "Flat")
    assert [(f.kind.value, f.filter) for f in map(opened.night.frame, DARKS)] == [
        ("flat", "R"), ("flat", "R"), ("dark", None),
    ]  # fmt: skip
    assert "2 frames to Flat · R · 10 s: kind = flat, filter = R" in opened.log.text.toPlainText()
    assert opened.decisions.stack.undoText() == "2 frames to Flat · R · 10 s"
    qtbot.keyClick(opened, Qt.Key.Key_Z, Qt.KeyboardModifier.ControlModifier)
    assert [opened.night.frame(path).kind.value for path in DARKS] == ["dark"] * 3


def test_an_unknown_frame_is_given_kind_and_exposure_by_dropping_it(opened):
    drop(opened, ["mystery.fits"], "Bias")
    assert opened.night.frame("mystery.fits").kind.value == "bias"


def test_a_drop_on_its_own_group_decides_nothing_and_says_so(opened):
    drop(opened, LIGHTS[:1], "Science")
    assert not opened.decisions.stack.canUndo()
    assert "already" in opened.log.text.toPlainText()


def test_a_drop_from_elsewhere_or_on_nothing_is_refused(opened):
    model = opened.table.model
    files = QMimeData()
    files.setText("something")
    target = model.index(group_row(opened, "Flat"), 0)
    assert not model.canDropMimeData(files, Qt.DropAction.CopyAction, -1, -1, target)
    own = model.mimeData([model.index_of(LIGHTS[0])])
    assert not model.canDropMimeData(own, Qt.DropAction.CopyAction, -1, -1, QModelIndex())
    foreign = QMimeData()
    foreign.setData(FRAMES_MIME, json.dumps(["not/of/this/night.fits"]).encode())
    model.dropMimeData(foreign, Qt.DropAction.CopyAction, -1, -1, target)
    assert not opened.decisions.stack.canUndo()


def test_dragging_takes_no_files_along_that_another_program_could_move(opened):
    model = opened.table.model
    data = model.mimeData([model.index_of(LIGHTS[0])])
    assert data.formats() == [FRAMES_MIME]
    assert model.supportedDropActions() == Qt.DropAction.CopyAction


def test_a_frame_is_dragged_with_the_mouse_by_its_row(opened):
    tree, model = opened.table.tree, opened.table.model
    assert tree.dragEnabled()
    assert model.flags(model.index_of(LIGHTS[0])) & Qt.ItemFlag.ItemIsDragEnabled
    assert not model.flags(model.index(0, 0)) & Qt.ItemFlag.ItemIsDragEnabled


# -- keys and the menu --------------------------------------------------------------------------------------------


def test_the_whole_night_is_walked_and_judged_with_the_keyboard(qtbot, opened):
    tree = opened.table.tree
    tree.setFocus()
    qtbot.keyClick(tree, Qt.Key.Key_Down)
    assert opened.night.current == LIGHTS[1]
    qtbot.keyClick(tree, Qt.Key.Key_Down, Qt.KeyboardModifier.ShiftModifier)
    assert list(opened.night.selection) == LIGHTS[1:3]
    qtbot.keyClick(tree, Qt.Key.Key_X)
    assert sorted(opened.night.rejected) == LIGHTS[1:3]
    qtbot.keyClick(tree, Qt.Key.Key_U)
    assert not opened.night.rejected


def test_the_menu_offers_kind_filter_and_other_programs(qtbot, opened):
    opened.deeds.frame_menu(opened.mapToGlobal(QPoint(50, 50)))
    menu = next(w for w in QApplication.topLevelWidgets() if isinstance(w, QMenu) and w.isVisible())
    said = [action.text() for action in menu.actions()]
    assert {"Set kind", "Set filter", "Show in its folder", "Copy path", "Open in DS9"} <= set(said)
    menu.close()


def test_a_missing_ds9_is_explained(qtbot, opened, monkeypatch):
    monkeypatch.setattr("astep_gui.ds9.shutil.which", lambda _name: None)
    opened.actions_by_name["ds9"].trigger()
    qtbot.waitUntil(opened.notice.isVisible, timeout=4000)
    assert "DS9" in opened.notice.what.text()
    assert "install" in opened.notice.hint.text()


def test_frames_are_opened_in_the_ds9_that_the_environment_names(tmp_path, monkeypatch):
    from astep_gui.ds9 import open_in_ds9

    told = tmp_path / "told"
    program = tmp_path / "my ds9"
    program.write_text(f'#!/bin/sh\necho "$@" > "{told}.part"; mv "{told}.part" "{told}"\n')
    program.chmod(0o755)
    monkeypatch.setenv("DS9", str(program))
    monkeypatch.setenv("PATH", "/usr/bin:/bin")
    monkeypatch.setattr("astep_gui.ds9._listens", lambda: False)
    assert open_in_ds9([tmp_path / "a.fits", tmp_path / "b.fits"]) == "in a new window"
    for _ in range(100):
        if told.exists():
            break
        import time

        time.sleep(0.05)
    assert told.read_text().split() == [str(tmp_path / "a.fits"), str(tmp_path / "b.fits")]
    monkeypatch.setenv("DS9", str(tmp_path / "nothing"))
    with pytest.raises(NightError, match="DS9"):
        open_in_ds9([tmp_path / "a.fits"])


def test_a_frame_that_comes_in_joins_its_group_and_the_view_stays(qtbot, opened, night_folder):
    opened.night.select([LIGHTS[2]])
    write_frame(night_folder / "light_900.fits", "light", number=77, FILTER="R", OBJECT="M 5")
    qtbot.waitUntil(lambda: opened.night.frame("light_900.fits") is not None, timeout=8000)
    assert opened.night.current == LIGHTS[2]
    assert opened.table.model.index_of("light_900.fits").data() == "light 900"


def in_sight(table):
    room = table.tree.viewport().rect()
    return room.contains(table.tree.visualRect(table.tree.currentIndex()).center())


def test_the_frame_that_a_night_opens_on_is_in_sight_until_a_person_scrolls(qtbot, window, night_folder):
    window.resize(960, 600)
    last = max(path.name for path in night_folder.iterdir())
    window.remembered.set_frame(night_folder.absolute(), last)
    window.open_night(night_folder)
    qtbot.waitUntil(lambda: window.night.plan is not None, timeout=8000)
    qtbot.waitUntil(lambda: window.night.current == last and in_sight(window.table), timeout=8000)
    table = window.table
    assert table.tree.verticalScrollBar().maximum() > 0, "all rows fit: nothing is shown"
    bar = table.tree.verticalScrollBar()
    bar.triggerAction(bar.SliderAction.SliderToMinimum if bar.value() else bar.SliderAction.SliderToMaximum)
    assert not in_sight(table)
    place = bar.value()
    table.model.rebuild()
    qtbot.wait(50)
    assert bar.value() == place


def names_cut(table):
    """Return the names in the first column for which it is too narrow."""
    model, tree = table.model, table.tree
    words = QFontMetrics(ui_font())
    beside = (2 * INDENT_PX if model.is_grouped else 0) + (THUMBNAIL_PX if model.shows_thumbnails else 0) + 6
    paths = model.ordered()
    shown = [str(model.index_of(path).data()) for path in paths]
    return [name for name in shown if words.horizontalAdvance(name) + beside > tree.columnWidth(0)]


@pytest.mark.parametrize("size", [(1280, 720), (1600, 1000)])
@pytest.mark.parametrize("key", ["", "g", "t", "gt"])
def test_no_name_is_elided_and_no_column_lies_beyond_the_edge_of_the_list(qtbot, opened, key, size):
    opened.resize(*size)
    for letter in key:
        qtbot.keyClick(opened, letter)
    model, words = opened.table.model, QFontMetrics(ui_font())
    widest = max(model.ordered(), key=lambda path: words.horizontalAdvance(str(model.index_of(path).data())))
    opened.decisions.set_reference(widest)
    qtbot.wait(50)
    assert str(model.index_of(widest).data()).endswith("· ref")
    assert not names_cut(opened.table)
    if "g" not in key:  # the flat list has all columns, and is scrolled sideways
        bar = opened.table.tree.horizontalScrollBar()
        assert bar.maximum() == 0


@pytest.mark.parametrize("size", [(1280, 720), (1600, 1000)])
def test_a_layout_kept_from_a_night_of_short_names_leaves_room_for_the_longer_ones_of_the_next(
    qtbot, opened, remembered, tmp_path, size
):
    opened.resize(*size)
    QApplication.processEvents()
    opened.close()
    night = small_night(tmp_path / "next")
    for word in ("Jason", "prefix"):
        for k in range(3):
            write_frame(night / f"{word}_{k:04d}_x.fits", "object", number=k, FILTER="R", OBJECT="M 5")
    again = MainWindow(remembered)
    again.resize(*size)
    again.show()
    again.open_night(night)
    qtbot.waitUntil(lambda: again.night.plan is not None, timeout=8000)
    qtbot.wait(50)
    assert not names_cut(again.table)
    assert again.table.tree.horizontalScrollBar().maximum() == 0
    again.close()


def test_the_heading_of_a_field_with_a_long_name_takes_two_lines_and_the_rows_below_it_none_more(
    qtbot, window, tmp_path
):
    night = small_night(tmp_path / "night")
    field = "TIC 260004324 b transit follow-up, South Ecliptic Pole field 12"
    for k in range(2):
        write_frame(night / f"field_{k:03d}.fits", "object", number=50 + k, OBJECT=field)
    window.resize(1280, 720)
    window.open_night(night)
    qtbot.waitUntil(lambda: window.night.plan is not None, timeout=8000)
    tree, model = window.table.tree, window.table.model
    qtbot.wait(50)
    group = model.index_of("field_000.fits").parent()
    assert field in str(group.data())
    assert tree.visualRect(group).height() > 1.5 * ROW_PX
    assert tree.visualRect(model.index_of("field_000.fits")).height() == ROW_PX
    assert not tree.uniformRowHeights()
    window.resize(2600, 720)
    window.docks["frames"].setFloating(True)
    window.docks["frames"].resize(1400, 600)
    tree.header().resizeSection(0, 900)  # a heading ends where the last column does
    qtbot.waitUntil(lambda: tree.visualRect(group).height() == ROW_PX, timeout=2000)
    assert tree.uniformRowHeights(), "thousands of rows are then laid out at once"
    window.docks["frames"].setFloating(False)


def test_beside_pictures_the_current_row_is_seen_whole(qtbot, window, tmp_path):
    """Qt reckons with the rows of the last page, where groups are low: the current one lay below the edge."""
    night = small_night(tmp_path / "night")
    for k in range(10, 40):
        write_frame(night / f"light_{k:03d}.fits", "object", number=k)
    window.resize(1280, 720)
    window.open_night(night)
    qtbot.waitUntil(lambda: window.night.plan is not None, timeout=8000)
    qtbot.keyClick(window, Qt.Key.Key_T)
    tree = window.table.tree
    for path in window.table.model.ordered():
        window.night.select([path])
        row = tree.visualRect(tree.currentIndex())
        assert row.top() >= 0
        assert row.bottom() <= tree.viewport().height(), path


def test_a_name_stands_where_it_will_stand_beside_its_picture(qtbot, opened):
    opened.actions_by_name["pictures"].trigger()
    index = opened.table.model.index_of(LIGHTS[0])
    opened.table.model.thumbnails.get = lambda *_: None  # it is still being read
    assert styled(opened, index).features & QStyleOptionViewItem.ViewItemFeature.HasDecoration
    assert styled(opened, index).decorationSize.width() > 0


# -- of thousands of frames ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("is_grouped", [True, False])
def test_selected_frames_are_marked_as_few_stretches_of_rows(opened, is_grouped):
    table = opened.table
    table.grouped.setChecked(is_grouped)
    order = table.model.ordered()
    wanted = [*order[:3], *order[4:6]]
    stretches = table.model.stretches([*reversed(wanted), "no such frame"])
    found = [
        table.model.path_of(first.siblingAtRow(row))
        for first, last in stretches
        for row in range(first.row(), last.row() + 1)
    ]
    assert sorted(found) == sorted(wanted)
    assert len(stretches) < len(wanted)
    opened.night.select(wanted)
    assert table.selected_paths() == wanted
    opened.night.select(order)
    assert table.selected_paths() == order


def test_no_frame_is_no_stretch(opened):
    assert opened.table.model.stretches([]) == []


def test_a_click_on_a_heading_makes_the_rows_anew_once(opened):
    made = []
    opened.table.model.rebuilt.connect(lambda: made.append(1))
    opened.table.tree.sortByColumn(column_number("name"), Qt.SortOrder.DescendingOrder)
    assert len(made) == 1
    assert [path for path in opened.table.model.ordered() if path in LIGHTS] == LIGHTS[::-1]


def test_a_search_by_state_asks_for_each_state_once(opened, monkeypatch):
    asked = []
    states = opened.table.model.states
    monkeypatch.setattr(states, "_state_of", lambda path: (asked.append(path), opened.night.state_of(path))[1])
    opened.table.tree.sortByColumn(column_number("state"), Qt.SortOrder.DescendingOrder)
    asked.clear()
    opened.table.model.search("not measured")
    assert len(asked) == len(set(asked))
    assert set(asked) == {frame.path for frame in opened.night.frames}
