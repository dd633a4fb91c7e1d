"""Words of a notice are copied as they were written: without the marks at which their paths are broken into lines."""

from __future__ import annotations

import pytest
from PyQt6.QtCore import QPoint, Qt
from PyQt6.QtGui import QGuiApplication, QKeySequence

from astep_gui.widgets.notice_bar import NoticeBar
from pipeline_core.errors import NightError

PATH = "/data/night/light_000.fits"


@pytest.fixture
def notice(qtbot):
    bar = NoticeBar()
    qtbot.addWidget(bar)
    bar.resize(900, 120)
    bar.show()
    bar.show_error(NightError(f"cannot read {PATH}", "it is cut short", f"copy {PATH} again"))
    QGuiApplication.clipboard().clear()
    return bar


def test_a_path_that_is_marked_by_the_mouse_is_copied_by_the_key_as_it_was_written(qtbot, notice):
    label = notice.hint
    qtbot.mousePress(label, Qt.MouseButton.LeftButton, pos=QPoint(1, label.height() // 2))
    qtbot.mouseMove(label, QPoint(label.width() - 1, label.height() // 2))
    qtbot.mouseRelease(label, Qt.MouseButton.LeftButton, pos=QPoint(label.width() - 1, label.height() // 2))
    assert "\u200b" in label.selectedText(), "else it could not be broken into lines"
    qtbot.keySequence(label, QKeySequence(QKeySequence.StandardKey.Copy))
    assert QGuiApplication.clipboard().text() == f"copy {PATH} again"


def test_the_menu_of_the_right_button_copies_the_same(notice):
    label = notice.what
    menu = label.menu()
    copy, every = menu.actions()
    assert not copy.isEnabled()
    every.trigger()
    label.menu().actions()[0].trigger()
    assert QGuiApplication.clipboard().text() == f"! cannot read {PATH}"
