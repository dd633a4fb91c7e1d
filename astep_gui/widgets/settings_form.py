"""The settings of the reduction: a form made from the recipe's own fields, units and words."""

from __future__ import annotations

import re
import typing
from pathlib import Path
from types import NoneType, UnionType
from typing import TYPE_CHECKING, Any, Literal

from PyQt6.QtCore import Qt, pyqtSignal
from PyQt6.QtWidgets import (
    QCheckBox,
    QComboBox,
    QDialog,
    QDialogButtonBox,
    QFileDialog,
    QFormLayout,
    QFrame,
    QHBoxLayout,
    QLabel,
    QLineEdit,
    QListWidget,
    QPushButton,
    QScrollArea,
    QStackedWidget,
    QVBoxLayout,
    QWidget,
)

from astep_gui.models.window_words import in_window, setting_label, setting_words
from pipeline_core.config import Recipe
from pipeline_core.errors import AstepError, UsageError
from pipeline_core.io.atomic import write_text
from pipeline_core.recipe_file import load_recipe, recipe_toml

if TYPE_CHECKING:
    from pydantic.fields import FieldInfo


CHANGED = "● changed"
"""Beside a setting whose default is too long to stand there; its tip has it."""
LONGEST_DEFAULT = 12
MOST_NAMED = 4
"""Settings that are named where several went back to their defaults."""
DOT = " ●"
"""After the name of a section in which something is not the default."""


class FieldEditor(QWidget):
    """One setting: its editor, its words, and a mark when it differs from the default."""

    changed = pyqtSignal()

    def __init__(self, name: str, info: FieldInfo) -> None:
        super().__init__()
        self._default = info.default
        default = _words(info.default)
        self._marked = f"● default {default}" if len(default) <= LONGEST_DEFAULT else CHANGED
        self._kind, self._may_be_none, choices = _kind_of(info.annotation)
        self.is_default = True
        self._editor: QCheckBox | QComboBox | QLineEdit
        if self._kind is bool:
            self._editor = QCheckBox()
            self._editor.toggled.connect(self._say)
        elif choices:
            self._editor = QComboBox()
            self._editor.addItems(choices)
            self._editor.currentTextChanged.connect(self._say)
        else:
            self._editor = QLineEdit()
            self._editor.setPlaceholderText("not set" if self._may_be_none else "")
            self._editor.textChanged.connect(self._say)
        self._editor.setObjectName(name)
        self._editor.setMinimumWidth(110)
        self._editor.setMaximumWidth(190 if self._kind is not tuple else 330)
        self.mark = QLabel()
        self.mark.setProperty("role", "warn")
        self.reset = QPushButton("Default")
        self.reset.setProperty("small", "true")
        self.reset.clicked.connect(lambda: self.put(self._default))
        row = QHBoxLayout()
        row.setContentsMargins(0, 0, 0, 0)
        row.addWidget(self._editor, 1)
        row.addWidget(self.mark)
        row.addWidget(self.reset)
        row.addStretch()
        self._keep_room()
        told = _told(info)
        words = QLabel(f"{told}{_limits(info)}")
        words.setProperty("role", "dim")
        words.setWordWrap(True)
        box = QVBoxLayout(self)
        box.setContentsMargins(0, 0, 0, 8)
        box.setSpacing(2)
        box.addLayout(row)
        box.addWidget(words)
        limits = _limits(info).removeprefix(" · ")
        self.setToolTip(f"{told}\ndefault: {_words(self._default)}" + (f"\nrange: {limits}" if limits else ""))

    def _keep_room(self) -> None:
        """Let the form stay as wide as it is when the mark and the button appear, or it would be scrolled sideways."""
        for widget in (self.mark, self.reset):
            policy = widget.sizePolicy()
            policy.setRetainSizeWhenHidden(True)
            widget.setSizePolicy(policy)
        self.mark.setFixedWidth(max(map(self.mark.fontMetrics().horizontalAdvance, (CHANGED, self._marked))) + 8)

    def take_keys(self) -> None:
        """Put the keys into the editor, its text chosen: what is typed takes its place."""
        self._editor.setFocus()
        if isinstance(self._editor, QLineEdit):
            self._editor.selectAll()

    def put(self, value: Any) -> None:
        """Show a value."""
        if isinstance(self._editor, QCheckBox):
            self._editor.setChecked(bool(value))
        elif isinstance(self._editor, QComboBox):
            self._editor.setCurrentText(str(value))
        else:
            self._editor.setText(_text(value))
        self._say()

    def value(self) -> Any:
        """Return what stands there; text that is no number stays text, for the recipe to refuse with its reason."""
        if isinstance(self._editor, QCheckBox):
            return self._editor.isChecked()
        text = self._editor.currentText() if isinstance(self._editor, QComboBox) else self._editor.text().strip()
        if self._kind is tuple:
            return tuple(part.strip() for part in text.split(";") if part.strip())
        if not text and self._may_be_none:
            return None
        return _number(self._kind, text) if self._kind in {int, float} else text

    def _say(self) -> None:
        is_default = self.value() == self._default
        self.mark.setText("" if is_default else self._marked)
        self.reset.setVisible(not is_default)
        self.is_default = is_default
        self.changed.emit()


class SettingsDialog(QDialog):
    """All sections of the recipe."""

    recipe_chosen = pyqtSignal(object)
    edited = pyqtSignal(object)
    """The recipe as it stands in the form, whenever it makes sense."""
    mistaken = pyqtSignal()
    """What stands in the form makes no sense now."""

    def __init__(self, recipe: Recipe, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self.setWindowTitle("Settings of the reduction")
        self.resize(820, 600)
        self.editors: dict[tuple[str, str], FieldEditor] = {}
        self._names: list[str] = []
        self.sections = QListWidget()
        self.sections.setFixedWidth(170)
        self.sections.setSpacing(3)
        self.pages = QStackedWidget()
        for name in Recipe.model_fields:
            section = getattr(recipe, name)
            if hasattr(type(section), "model_fields"):
                self._names.append(name)
                self.sections.addItem(name.capitalize())
                self.pages.addWidget(self._page(name, type(section)))
        self.sections.currentRowChanged.connect(self.pages.setCurrentIndex)
        self.sections.setCurrentRow(0)
        self.mistake = QLabel()
        self.mistake.setProperty("role", "bad")
        self.mistake.setWordWrap(True)
        self.said = QLabel()
        """What a button of the form did."""
        self.said.setWordWrap(True)
        self.take_back = QPushButton("Take back")
        self.take_back.setProperty("small", "true")
        self.take_back.setToolTip("Put the settings back as they were before “All defaults”")
        self.take_back.clicked.connect(self._take_back)
        self.take_back.hide()
        self._before: dict[tuple[str, str], Any] = {}
        told = QHBoxLayout()
        told.addWidget(self.said, 1)
        told.addWidget(self.take_back, 0, Qt.AlignmentFlag.AlignTop)
        middle = QHBoxLayout()
        middle.addWidget(self.sections)
        middle.addWidget(self.pages, 1)
        self._middle = middle
        self._beside: dict[str, QWidget] = {}
        box = QVBoxLayout(self)
        box.addLayout(middle, 1)
        box.addWidget(self.mistake)
        box.addLayout(told)
        box.addWidget(self._buttons())
        self.show_recipe(recipe)

    def bring_up(self, section: str, field: str) -> None:
        """Show one setting, with the keys in it."""
        editor = self.editors[section, field]
        self.sections.setCurrentRow(self._names.index(section))
        area = self.pages.currentWidget()
        if isinstance(area, QScrollArea):
            area.ensureWidgetVisible(editor)
        editor.take_keys()

    def set_beside(self, section: str, widget: QWidget) -> None:
        """Show a widget beside the settings of a section."""
        self._beside[section] = widget
        self._middle.addWidget(widget, 1)
        self.resize(max(self.width(), 1180), self.height())
        self.sections.currentTextChanged.connect(self._show_beside)
        self._show_beside(self._current_section())

    def _current_section(self) -> str:
        item = self.sections.currentItem()
        return item.text() if item is not None else ""

    def _show_beside(self, title: str) -> None:
        for section, widget in self._beside.items():
            widget.setVisible(section.capitalize() == title.removesuffix(DOT))

    def _page(self, name: str, section: Any) -> QWidget:
        inside = QWidget()
        form = QFormLayout(inside)
        form.setHorizontalSpacing(18)
        form.setFieldGrowthPolicy(QFormLayout.FieldGrowthPolicy.AllNonFixedFieldsGrow)
        title = QLabel((section.__doc__ or "").strip().splitlines()[0])
        title.setProperty("role", "heading")
        title.setWordWrap(True)
        form.addRow(title)
        for field, info in section.model_fields.items():
            editor = FieldEditor(f"{name}.{field}", info)
            editor.changed.connect(self._check)
            self.editors[name, field] = editor
            form.addRow(", ".join(filter(None, setting_label(field))), editor)
        area = QScrollArea()
        area.setWidgetResizable(True)
        area.setFrameShape(QFrame.Shape.NoFrame)
        area.setWidget(inside)
        return area

    def _buttons(self) -> QDialogButtonBox:
        buttons = QDialogButtonBox()
        role = QDialogButtonBox.ButtonRole
        self.use = QPushButton("Use these")
        self.use.setProperty("primary", "true")
        self.use.setDefault(True)
        for button, where, slot in (
            (QPushButton("Load…"), role.ResetRole, self._load),
            (QPushButton("Save…"), role.ResetRole, self._save),
            (QPushButton("All defaults"), role.ResetRole, self._all_defaults),
            (self.use, role.AcceptRole, self._choose),
            (QPushButton("Cancel"), role.RejectRole, self.reject),
        ):
            buttons.addButton(button, where)
            button.clicked.connect(slot)
        return buttons

    def show_recipe(self, recipe: Recipe) -> None:
        """Show the values of a recipe."""
        for (section, field), editor in self.editors.items():
            editor.put(getattr(getattr(recipe, section), field))

    def _tell(self, words: str, *, is_taken_back: bool = False) -> None:
        self.said.setText(words)
        self.take_back.setVisible(is_taken_back)

    def _all_defaults(self) -> None:
        """Put every setting back to its default, and say which ones that changes; until they are used nothing is."""
        changed = {name: editor.value() for name, editor in self.editors.items() if not editor.is_default}
        self.show_recipe(Recipe())
        if not changed:
            self._tell("All settings are at their defaults already")
            return
        self._before = changed
        named = [setting_words(".".join(name)) for name in changed]
        names = ", ".join(named[:MOST_NAMED]) + (f" and {len(named) - MOST_NAMED} more" * (len(named) > MOST_NAMED))
        what = "1 setting" if len(named) == 1 else f"{len(named)} settings"
        self._tell(f"{what} back to default: {names}; “Use these” makes it so", is_taken_back=True)

    def _take_back(self) -> None:
        for name, value in self._before.items():
            self.editors[name].put(value)
        self._tell("The settings are as they were before")

    def recipe(self) -> Recipe:
        """Return what the form says.

        Raises
        ------
        UsageError
            If a value makes no sense; all mistakes are named.
        """
        from pydantic import ValidationError  # noqa: PLC0415 - the recipe has loaded it already

        values: dict[str, dict[str, Any]] = {}
        for (section, field), editor in self.editors.items():
            values.setdefault(section, {})[field] = editor.value()
        try:
            return Recipe.model_validate(values)
        except ValidationError as error:
            mistakes = [f"{setting_words('.'.join(map(str, m['loc'])))}: {m['msg'].lower()}" for m in error.errors()]
            raise UsageError("these settings cannot be used", "; ".join(mistakes), "correct them") from error

    def _check(self) -> None:
        if not hasattr(self, "mistake"):
            return  # the form is still being made
        self._mark_sections()
        self._tell("")
        try:
            recipe = self.recipe()
        except UsageError as error:
            self.mistake.setText(f"! {error.why}")
            self.use.setEnabled(False)
            self.mistaken.emit()
        else:
            self.mistake.clear()
            self.use.setEnabled(True)
            self.edited.emit(recipe)

    def _mark_sections(self) -> None:
        """Put a dot beside the sections in which something is not the default."""
        changed = {section for (section, _field), editor in self.editors.items() if not editor.is_default}
        for number, name in enumerate(self._names):
            item = self.sections.item(number)
            if item is not None:
                item.setText(f"{name.capitalize()}{DOT}" if name in changed else name.capitalize())

    def _choose(self) -> None:
        self.recipe_chosen.emit(self.recipe())
        self.accept()

    def _load(self) -> None:
        name, _kind = QFileDialog.getOpenFileName(self, "Load settings", "", "Recipe (*.toml)")
        if name:
            try:
                self.show_recipe(load_recipe(Path(name)))
            except AstepError as error:
                self.mistake.setText(f"! {error}")
            else:
                self._tell(f"Loaded from {name}; “Use these” makes it so")

    def _save(self) -> None:
        name, _kind = QFileDialog.getSaveFileName(self, "Save settings", "recipe.toml", "Recipe (*.toml)")
        if name:
            try:
                write_text(Path(name), recipe_toml(self.recipe()))
            except (AstepError, OSError) as error:
                self.mistake.setText(f"! {error}")
            else:
                self._tell(f"Saved in {name}")


def settings_told() -> dict[tuple[str, str], str]:
    """Return (section, field) of every setting of the form → what is said of it there."""
    sections = {name: type(getattr(Recipe(), name)) for name in Recipe.model_fields}
    return {
        (name, field): _told(info)
        for name, section in sections.items()
        for field, info in getattr(section, "model_fields", {}).items()
    }


def _told(info: FieldInfo) -> str:
    return in_window(re.sub(r"\bNone\b", "not set", info.description or ""))


def _kind_of(annotation: Any) -> tuple[type, bool, list[str]]:
    """Return the plain type of a field, whether it may be unset, and its choices if it has only some."""
    options = typing.get_args(annotation) if typing.get_origin(annotation) in {typing.Union, UnionType} else ()
    may_be_none = NoneType in options
    plain = next((option for option in options if option is not NoneType), annotation)
    origin = typing.get_origin(plain)
    if origin is Literal:
        return str, may_be_none, [str(choice) for choice in typing.get_args(plain)]
    return (tuple if origin is tuple else plain), may_be_none, []


def _text(value: Any) -> str:
    if value is None:
        return ""
    return "; ".join(value) if isinstance(value, tuple) else f"{value:g}" if isinstance(value, float) else str(value)


def _words(value: Any) -> str:
    """Return a value as it is told: "on", "4.5", "not set"."""
    return ("on" if value else "off") if isinstance(value, bool) else _text(value) or "not set"


def _number(kind: type, text: str) -> Any:
    try:
        return kind(text.replace("−", "-").replace(",", "."))
    except ValueError:
        return text


def _limits(info: FieldInfo) -> str:
    """Return " · ≥ 0, ≤ 1", or nothing where any value will do."""
    limits = {
        name: getattr(rule, name) for rule in info.metadata for name in ("ge", "gt", "le", "lt") if hasattr(rule, name)
    }
    signs = {"ge": "≥", "gt": ">", "le": "≤", "lt": "<"}
    words = ", ".join(f"{signs[name]} {limit:g}" for name, limit in limits.items() if limit is not None)
    return f" · {words}" if words else ""
