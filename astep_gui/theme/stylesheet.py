"""The style sheet: little, on top of Qt's Fusion style, every colour a token."""

from __future__ import annotations

from string import Template
from typing import TYPE_CHECKING

from astep_gui.theme.arrows import arrow_files

if TYPE_CHECKING:
    from astep_gui.theme.tokens import Theme

_SHEET = Template("""
* { outline: 0; }
QMainWindow, QDialog { background: $panel; }
QDialogButtonBox { dialogbuttonbox-buttons-have-icons: 0; }
QToolTip { background: $raised; color: $text; border: 1px solid $border; padding: 4px 7px; }
QMenuBar { background: $panel; border-bottom: 1px solid $line; padding: 1px 4px; }
QMenuBar::item { padding: 4px 9px; border-radius: 4px; background: transparent; }
QMenuBar::item:selected, QMenu::item:selected { background: $selection; color: $selection_text; }
QMenu { background: $raised; border: 1px solid $border; padding: 5px; }
QMenu::item { padding: 5px 26px 5px 12px; border-radius: 4px; }
QMenu::item:disabled { color: $disabled; }
QMenu::separator { height: 1px; background: $line; margin: 5px 6px; }
QMainWindow::separator { background: $panel; width: 5px; height: 5px; }
QMainWindow::separator:hover, QSplitter::handle:hover { background: $accent; }
QSplitter::handle { background: $panel; }
QDockWidget { font-weight: 600; color: $text; }
QDockWidget::title { background: $panel; padding: 6px 10px; text-align: left; border-bottom: 1px solid $line; }
QToolBar { background: $panel; border: 0; border-bottom: 1px solid $line; padding: 4px 8px; spacing: 3px; }
QToolBar::separator { width: 1px; background: $line; margin: 4px 6px; }
QToolButton { border: 1px solid transparent; border-radius: 5px; padding: 4px 6px; }
QToolButton:hover { background: $hover; }
QToolButton:checked { background: $hover; border-color: $accent; color: $accent; }
QToolButton:pressed { background: $selection; color: $selection_text; }
QToolButton:focus { border: 1px dashed $border; }
QToolButton:checked:focus { border: 1px solid $accent; }
QToolButton:disabled { color: $disabled; }
QToolButton#fold { padding: 0; }
QToolButton::menu-indicator { image: none; }
QPushButton { background: $raised; border: 1px solid $border; border-radius: 5px; padding: 4px 12px; min-height: 18px; }
QPushButton:hover { background: $hover; }
QPushButton:pressed { background: $selection; color: $selection_text; }
QPushButton:checked { background: $hover; border-color: $accent; color: $accent; }
QPushButton:focus { border-color: $accent; }
QPushButton:disabled { color: $disabled; background: $panel; border-color: $line; }
QPushButton[primary="true"] { background: $primary; color: $primary_text; border-color: $accent; font-weight: 600; }
QPushButton[primary="true"]:hover { border-color: $text; }
QPushButton[primary="true"]:disabled { background: $panel; color: $disabled; border-color: $line; }
QPushButton[danger="true"] { color: $bad; border-color: $bad; }
QPushButton[danger="true"]:hover { border-color: $text; }
QPushButton[danger="true"]:disabled { color: $disabled; border-color: $line; }
QPushButton[small="true"], QToolButton[small="true"] { padding: 2px 7px; }
QLineEdit, QComboBox, QAbstractSpinBox {
    background: $ground; border: 1px solid $border; border-radius: 5px; padding: 2px 7px; min-height: 20px;
    selection-background-color: $selection; selection-color: $selection_text; }
QLineEdit:focus, QComboBox:focus, QAbstractSpinBox:focus { border-color: $accent; }
QLineEdit:disabled, QComboBox:disabled, QAbstractSpinBox:disabled { color: $disabled; border-color: $line; }
QComboBox::drop-down { border: 0; width: 20px; }
QComboBox::down-arrow { image: url($down); width: 12px; height: 12px; }
QComboBox QAbstractItemView { background: $raised; border: 1px solid $border; padding: 3px;
    selection-background-color: $selection; selection-color: $selection_text; }
QAbstractSpinBox::up-button, QAbstractSpinBox::down-button { border: 0; background: transparent; width: 16px; }
QAbstractSpinBox::up-arrow { image: url($up); width: 9px; height: 9px; }
QAbstractSpinBox::down-arrow { image: url($down); width: 9px; height: 9px; }
QCheckBox, QRadioButton { spacing: 7px; }
QCheckBox::indicator { width: 14px; height: 14px; border: 1px solid $border; border-radius: 3px; background: $ground; }
QCheckBox::indicator:checked { background: $accent; border-color: $accent; image: url($tick); }
QCheckBox::indicator:focus { border-color: $accent; }
QCheckBox::indicator:disabled { border-color: $line; }
QAbstractItemView { background: $ground; alternate-background-color: $stripe; border: 1px solid $line;
    selection-background-color: $selection; selection-color: $selection_text; }
QTreeWidget::item { padding: 2px 0; }
QTableView { gridline-color: transparent; }
QTableView:focus, QTreeView:focus, QListView:focus { border-color: $accent; }
QHeaderView { background: $panel; border: 0; }
QHeaderView::section { background: $panel; color: $dim; border: 0; border-bottom: 1px solid $line; padding: 5px 6px; }
QHeaderView::section:hover { color: $text; background: $hover; }
QTableCornerButton::section { background: $panel; border: 0; }
QPlainTextEdit, QTextEdit, QTextBrowser { background: $ground; border: 1px solid $line; padding: 4px 8px; }
QTabWidget::pane { border: 0; }
QTabBar { background: transparent; border: 0; }
QTabBar::tab { background: transparent; color: $dim; padding: 5px 12px; border: 0;
    border-bottom: 2px solid transparent; }
QMainWindow > QTabBar::tab { padding: 5px 7px; }
QTabBar::tab:hover { color: $text; }
QTabBar::tab:selected { color: $text; border-bottom: 2px solid $accent; }
QTabBar::tab:disabled { color: $disabled; }
QProgressBar { background: $ground; border: 1px solid $border; border-radius: 4px; text-align: center;
    min-height: 14px; }
QProgressBar::chunk { background: $primary; border-radius: 3px; }
QStatusBar { background: $panel; color: $dim; border-top: 1px solid $line; }
QStatusBar::item { border: 0; }
QScrollBar:vertical { background: $ground; width: 12px; border: 0; }
QScrollBar:horizontal { background: $ground; height: 12px; border: 0; }
QScrollBar::handle { background: $border; border-radius: 4px; margin: 2px; min-height: 28px; min-width: 28px; }
QScrollBar::handle:hover { background: $accent; }
QScrollBar::add-line, QScrollBar::sub-line { width: 0; height: 0; border: 0; }
QScrollBar::add-page, QScrollBar::sub-page { background: none; }
QSlider::groove:horizontal { background: $border; height: 3px; border-radius: 1px; }
QSlider::handle:horizontal { background: $accent; width: 12px; height: 12px; margin: -5px 0; border-radius: 6px; }
QGroupBox { border: 1px solid $line; border-radius: 6px; margin-top: 9px; padding-top: 6px; }
QGroupBox::title { subcontrol-origin: margin; left: 9px; padding: 0 4px; color: $dim; }
QLabel[role="heading"] { font-weight: 600; color: $text; }
QLabel[role="dim"] { color: $dim; }
QLabel[role="good"] { color: $good; }
QLabel[role="warn"] { color: $warn; }
QLabel[role="bad"] { color: $bad; }
QFrame#card { background: $ground; border: 1px solid $line; border-radius: 10px; }
QFrame#page { background: $raised; border: 1px solid $line; }
QFrame#notice { background: $raised; border: 0; border-left: 4px solid $bad; }
QFrame#notice[news="true"] { border-left: 4px solid $good; }
QFrame[role="separator"] { background: $line; border: 0; max-height: 1px; min-height: 1px; }
""")


def style_sheet(look: Theme) -> str:
    """Return the style sheet of a theme.

    Notes
    -----
    Widgets choose among its variants by dynamic properties: ``primary``, ``danger`` and ``small`` of buttons, ``role``
    of labels (heading, dim, good, warn, bad) and frames (separator).
    """
    return _SHEET.substitute(look.colours, **arrow_files(look))
