"""Finds words on the screen that cannot be read whole: cut, shortened, clipped by what holds them, or on each other."""

from __future__ import annotations

import itertools

from PyQt6.QtCore import QRect, Qt
from PyQt6.QtGui import QTextDocument
from PyQt6.QtWidgets import (
    QAbstractButton,
    QAbstractScrollArea,
    QCheckBox,
    QComboBox,
    QLabel,
    QLineEdit,
    QPushButton,
    QStyledItemDelegate,
    QStyleOptionViewItem,
    QTabBar,
    QToolButton,
    QTreeView,
    QWidget,
)

from astep_gui.widgets.elided_label import ElidedLabel
from astep_gui.widgets.heading_lines import lines_of

SPOKEN = (QLabel, QPushButton, QToolButton, QCheckBox, QComboBox, QLineEdit)
LEAST_BESIDE_PX = 2
"""Room a button needs beside its words at least, both sides together."""


def unreadable(top: QWidget) -> list[str]:
    """Return a line for every visible word that is not whole."""
    seen = [widget for widget in top.findChildren(QWidget) if _is_seen(widget, top)]
    found = [f"{told(widget)}: {fault}" for widget in seen if (fault := cut(widget) or clipped(widget))]
    spoken = [widget for widget in seen if isinstance(widget, SPOKEN) and words(widget)]
    for one, other in itertools.combinations(spoken, 2):
        if one.parentWidget() is other.parentWidget():
            both = one.geometry().intersected(other.geometry())
            if both.width() > 1 and both.height() > 1:
                found.append(f"{told(one)} lies on {told(other)}")
    return found


def shortened(top: QWidget) -> list[str]:
    """Return a line for every visible word that ends in "…", or would: labels that give way, cells of the lists."""
    seen = [widget for widget in top.findChildren(QWidget) if _is_seen(widget, top)]
    found = [
        f"{told(label)} of {label.full_text!r}"
        for label in seen
        if isinstance(label, ElidedLabel) and label.text().count("…") > label.full_text.count("…")
    ]
    for tree in seen:
        if isinstance(tree, QTreeView) and tree.textElideMode() != Qt.TextElideMode.ElideNone:
            found += cells_cut(tree)
    return found


def cells_cut(tree: QTreeView) -> list[str]:
    """Return a line for every visible cell with more words than room, and for columns beyond the right edge."""
    viewport, header, model = tree.viewport(), tree.header(), tree.model()
    assert viewport is not None
    assert header is not None
    assert model is not None
    found = []
    if (bar := tree.horizontalScrollBar()) is not None and bar.maximum() > 0:
        found.append(f"{type(tree).__name__} is {bar.maximum()} px wider than its place")
    index = tree.indexAt(viewport.rect().topLeft())
    while index.isValid() and tree.visualRect(index).top() < viewport.height():
        is_spanned = tree.isFirstColumnSpanned(index.row(), index.parent())
        for column in range(1 if is_spanned else model.columnCount()):
            if tree.isColumnHidden(column):
                continue
            cell = index.siblingAtColumn(column)
            option = QStyleOptionViewItem()
            tree.initViewItemOption(option)
            delegate = tree.itemDelegateForIndex(cell)
            assert isinstance(delegate, QStyledItemDelegate)
            delegate.initStyleOption(option, cell)
            place = tree.visualRect(cell)
            has_picture = option.features & QStyleOptionViewItem.ViewItemFeature.HasDecoration
            room = place.width() - 6 - (option.decorationSize.width() + 4 if has_picture else 0)
            if "…" in option.text:
                found.append(f"cell {option.text!r} is shortened")
            wide = option.fontMetrics.horizontalAdvance(option.text)
            if option.features & QStyleOptionViewItem.ViewItemFeature.WrapText:
                lines = lines_of(option.text, option.font, room)
                if lines * option.fontMetrics.lineSpacing() > place.height():
                    found.append(f"{lines} lines of cell {option.text!r} have {place.height()} px")
            elif wide > room:
                found.append(f"cell {option.text!r} needs {wide} px, has {room}")
        index = tree.indexBelow(index)
    return found


def _is_seen(widget: QWidget, top: QWidget) -> bool:
    """Say whether anything of it is on the screen: panels behind others are visible to Qt too."""
    return widget.isVisible() and widget.window() is top and not widget.visibleRegion().isEmpty()


def words(widget: QWidget) -> str:
    """Return what a widget says."""
    if isinstance(widget, QToolButton) and widget.toolButtonStyle() == Qt.ToolButtonStyle.ToolButtonIconOnly:
        return ""
    if isinstance(widget, QComboBox):
        return widget.currentText()
    if isinstance(widget, QLineEdit):
        return widget.text()
    return widget.text() if isinstance(widget, (QLabel, QAbstractButton)) else ""


def told(widget: QWidget) -> str:
    """Name a widget in a failure's words."""
    above, name = widget.parentWidget(), widget.objectName() or type(widget).__name__
    return f"{name} in {type(above).__name__} ({words(widget)[:60]!r})"


def cut(widget: QWidget) -> str:
    """Say how much of a widget's own words has no room; nothing if all has."""
    if isinstance(widget, QTabBar):
        lines = [
            f"tab {widget.tabText(k)!r} has {widget.tabRect(k).width()} px"
            for k in range(widget.count())
            if widget.isTabVisible(k)
            and (
                widget.fontMetrics().horizontalAdvance(widget.tabText(k)) > widget.tabRect(k).width()
                or not widget.rect().contains(widget.tabRect(k))
            )
        ]
        return "; ".join(lines)
    text = words(widget).replace("&", "")
    if not text or isinstance(widget, (ElidedLabel, QLineEdit)):
        return ""  # what is elided on purpose says so by its tool tip; what is typed may be long
    if isinstance(widget, QLabel):
        return _cut_label(widget, text)
    room = widget.width() - LEAST_BESIDE_PX
    if isinstance(widget, QComboBox):
        room -= 20  # its arrow
    elif isinstance(widget, QAbstractButton) and not widget.icon().isNull():
        room -= widget.iconSize().width() + 2
    elif isinstance(widget, QCheckBox):
        room -= 18  # its box
    needed = widget.fontMetrics().horizontalAdvance(text)
    return f"needs {needed} px, has {room}" if needed > room else ""


def _cut_label(label: QLabel, text: str) -> str:
    room = label.contentsRect()
    if label.wordWrap():
        needed = label.heightForWidth(label.width())
        return f"needs {needed} px of height, has {label.height()}" if needed > label.height() + 1 else ""
    if label.textFormat() == Qt.TextFormat.RichText or (
        label.textFormat() == Qt.TextFormat.AutoText and Qt.mightBeRichText(text)
    ):
        page = QTextDocument()
        page.setDefaultFont(label.font())
        page.setDocumentMargin(0)
        page.setHtml(text)
        width, height = page.idealWidth(), page.size().height()
    else:
        metrics, lines = label.fontMetrics(), text.splitlines()
        width, height = max(map(metrics.horizontalAdvance, lines)), metrics.height() * len(lines)
    if width > room.width() + 1:
        return f"needs {width:.0f} px, has {room.width()}"
    return f"needs {height:.0f} px of height, has {room.height()}" if height > room.height() + 2 else ""


def clipped(widget: QWidget) -> str:
    """Say what a widget's holders leave of it, unless it can be scrolled to."""
    if not isinstance(widget, SPOKEN) or not words(widget):
        return ""
    left, above = QRect(widget.rect()), widget.parentWidget()
    at = widget.pos()
    while above is not None and not above.isWindow():
        if isinstance(above.parentWidget(), QAbstractScrollArea):
            return ""
        left &= above.rect().translated(-at)
        at += above.pos()
        above = above.parentWidget()
    lost = (widget.width() - left.width(), widget.height() - left.height())
    return f"its holder cuts {lost[0]} × {lost[1]} px of it" if max(lost) > 1 else ""
