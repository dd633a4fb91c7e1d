"""No text of the window names a setting by its dotted key ("calibrate.saturation_adu"): that is the command line's."""

from __future__ import annotations

import re
from dataclasses import replace

import pytest
from PyQt6.QtCore import QAbstractListModel, Qt
from PyQt6.QtWidgets import (
    QAbstractButton,
    QApplication,
    QLabel,
    QListWidget,
    QPlainTextEdit,
    QTreeView,
    QWidget,
)

from astep_gui.deeds import PANELS_OF
from astep_gui.models.results_words import sentence
from astep_gui.models.window_words import in_window, setting_words
from astep_gui.widgets.elided_label import ElidedLabel
from astep_gui.widgets.settings_form import SettingsDialog
from pipeline_core.config import Recipe
from pipeline_core.findings import finding_of
from pipeline_core.well_check import FullWell
from tests.gui.test_workflow import LIGHTS, reduce

KEYS = [
    f"{name}.{field}"
    for name in Recipe.model_fields
    for field in getattr(type(getattr(Recipe(), name)), "model_fields", {})
]
KEY = re.compile("|".join(rf"\b{re.escape(key)}\b" for key in KEYS))


def texts(top: QWidget) -> list[str]:
    """Return all that stands or can be rested on in a window, whether it is in sight or not."""
    found = []
    for widget in (top, *top.findChildren(QWidget)):
        found += [widget.toolTip(), widget.accessibleName(), widget.accessibleDescription()]
        if isinstance(widget, ElidedLabel):
            found.append(widget.full_text)
        if isinstance(widget, QLabel | QAbstractButton):
            found.append(widget.text())
        elif isinstance(widget, QPlainTextEdit):
            found.append(widget.toPlainText())
        elif isinstance(widget, QListWidget | QTreeView) and (model := widget.model()) is not None:
            found += cells(model)
    return [text for text in found if text]


def cells(model, parent=None):
    is_list = isinstance(model, QAbstractListModel)  # Qt keeps its columns to itself
    at = (parent,) if parent is not None else ()
    for row in range(model.rowCount(*at)):
        for column in range(1 if is_list else model.columnCount(*at)):
            index = model.index(row, column, *at)
            for role in (Qt.ItemDataRole.DisplayRole, Qt.ItemDataRole.ToolTipRole):
                yield str(index.data(role) or "")
            if column == 0 and not is_list:
                yield from cells(model, index)


def keys_in(top: QWidget) -> list[str]:
    return sorted({text for text in texts(top) if KEY.search(text)})


def core_words():
    """All that the core says with a key in it: every literal of its sources is too many, these are the warnings."""
    return [
        FullWell(61_200.0, 65_535.0, 23, tuple(LIGHTS)).finding,
        finding_of("no frame states its gain: 1.84 was measured; set calibrate.gain_e_per_adu in the recipe", LIGHTS),
        finding_of("the products do not fit; set calibrate.compress in the recipe"),
        finding_of("BIASSEC is not the same. Name the section in the recipe (overscan.section, overscan.trim)"),
    ]


def test_the_walk_finds_a_key_wherever_it_stands(qtbot):
    top = QWidget()
    qtbot.addWidget(top)
    label, entries = QLabel("set cosmic.sigclip", top), QListWidget(top)
    label.setToolTip("and flat.floor")
    entries.addItem("or calibrate.saturation_adu")
    assert len(keys_in(top)) == 3


def test_nothing_in_the_window_names_a_setting_by_its_key_whatever_a_run_has_warned_of(qtbot, opened):
    recipe = opened.night.recipe
    opened.decisions.set_recipe(recipe.model_copy(update={"flat": recipe.flat.model_copy(update={"floor": 0.2})}))
    reduce(qtbot, opened)
    opened.run.result = replace(
        opened.run.result, findings=tuple(core_words()), full_well=FullWell(61_200.0, 65_535.0, 23, tuple(LIGHTS))
    )
    opened.deeds.show_summary(opened.run.result)
    opened.run.said.emit([])
    opened.results.follow()
    for name in PANELS_OF:
        opened.tabs.choose(name)
        QApplication.processEvents()
        assert keys_in(opened) == []
    said = "\n".join(texts(opened))
    assert "“Calibrate: saturation, ADU” in the settings (Ctrl+,)" in said
    assert "Settings changed: Flat: floor = 0.2" in said
    assert opened.decisions.stack.undoText() == "Flat: floor = 0.2"


def test_the_form_itself_calls_settings_as_its_rows_do(qtbot, opened):
    form = SettingsDialog(Recipe(), opened)
    qtbot.addWidget(form)
    form.editors["flat", "floor"].put(5)
    assert form.mistake.text().startswith("! Flat: floor: ")
    form.editors["flat", "floor"].put(0.3)
    form._all_defaults()
    assert "Flat: floor" in form.said.text()
    assert keys_in(form) == []


@pytest.mark.parametrize("key", KEYS)
def test_each_setting_is_named_as_in_its_form_and_no_in_the_recipe_is_left(key):
    said = in_window(f"set {key} in the recipe to change it")
    assert said == f"set “{setting_words(key)}” in the settings (Ctrl+,) to change it"
    assert not KEY.search(sentence(said))


NAMES_OF_UNITS = {"e", "adu", "s", "c", "px", "deg", "arcsec", "mag"}


@pytest.mark.parametrize("key", KEYS)
def test_the_rows_of_the_form_are_read_with_their_units_and_no_key(qtbot, key):
    form = SettingsDialog(Recipe())
    form.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose, on=False)
    qtbot.addWidget(form)
    section, _, field = key.partition(".")
    editor = form.editors[section, field]
    row = editor.parentWidget().layout().labelForField(editor).text()
    assert setting_words(key) == f"{section.capitalize()}: {row}"
    stem, _, unit = row.partition(", ")
    assert not NAMES_OF_UNITS & set(stem.split())
    assert "_" not in row
    # Whatever unit the words below tell, or the name of the field ends in, stands in the row.
    told = type(getattr(Recipe(), section)).model_fields[field].description
    for sign in ("e⁻/ADU", "°C", "ADU", "arcsec", "px"):
        if told.partition(";")[0].endswith(f", {sign}"):
            assert unit == sign
    assert bool(unit) is (field.rpartition("_")[2] in NAMES_OF_UNITS)


@pytest.mark.parametrize(
    ("key", "value", "words"),
    [
        ("calibrate.gain_e_per_adu", None, "Calibrate: gain, e⁻/ADU"),
        ("calibrate.gain_e_per_adu", 1.84, "Calibrate: gain = 1.84 e⁻/ADU"),
        ("dark.temperature_tolerance_c", 1.5, "Dark: temperature tolerance = 1.5 °C"),
        ("dark.exposure_tolerance_s", "", "Dark: exposure tolerance = not set"),
        ("cosmic.protect_below_fwhm_px", None, "Cosmic: protect below FWHM, px"),
        ("flat.floor", 0.2, "Flat: floor = 0.2"),
    ],
)
def test_a_setting_and_its_value_are_told_with_the_unit(key, value, words):
    assert setting_words(key, value) == words


@pytest.mark.parametrize("words", ["flat.fits", "masters/flat_R.fits", "quality.ecsv", "e.g. this", "mask.no_field"])
def test_names_of_files_and_other_words_with_a_dot_stay(words):
    assert in_window(words) == words
