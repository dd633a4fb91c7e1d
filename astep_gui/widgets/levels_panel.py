"""Levels: the histogram with its two handles, presets, stretch and colours."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pyqtgraph as pg
from PyQt6.QtCore import QSize, Qt
from PyQt6.QtWidgets import (
    QButtonGroup,
    QCheckBox,
    QComboBox,
    QDoubleSpinBox,
    QGridLayout,
    QHBoxLayout,
    QLabel,
    QPushButton,
    QSizePolicy,
    QVBoxLayout,
    QWidget,
)

from astep_gui.models.levels import MANUAL, PRESETS, STRETCH_WORDS
from astep_gui.theme import mono_font, theme, theme_notice
from astep_gui.widgets.plots import dress_plot, small_plot
from pipeline_core.science.colormaps import COLORMAPS
from pipeline_core.science.display import histogram, histogram_range, stretched

if TYPE_CHECKING:
    from PyQt6.QtGui import QResizeEvent, QShowEvent

    from astep_gui.models.frame_images import ShownImage
    from astep_gui.models.levels import LevelsModel

_BUTTONS = ("auto", "zscale", "99.5")
_MORE = ("99.9", "98", "full")


LEAST_PLOT_PX, NAMED_PX = 76, 100
"""Height of the histogram at least, and that at which its axis has a name below it: in a lower one it stands inside."""
_ABOVE_BARS = 1.12
"""Height of the plot in units of its highest bar at least."""


class LevelsPanel(QWidget):
    """Shows the levels model and changes it; knows no image view."""

    def __init__(self, levels: LevelsModel, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._levels = levels
        self._shown: ShownImage | None = None
        self._following = False
        self._has_plot = False
        self._level_word = "sky"
        self._top, self._span = 1.0, (0.0, 1.0)
        self._build_fields()
        self._build_presets()
        self._build_looks()
        self._rows = layout = QVBoxLayout(self)
        layout.setContentsMargins(10, 6, 10, 8)
        layout.setSpacing(5)
        layout.addLayout(self._range_row)
        layout.addLayout(self._preset_row)
        layout.addLayout(self._look_grid)
        levels.changed.connect(self._follow)
        theme_notice().changed.connect(self._dress)
        self._dress()
        self._follow()

    def sizeHint(self) -> QSize:  # noqa: N802 - Qt's name
        """Return the size at which all is read easily."""
        return QSize(300, 330)

    def showEvent(self, event: QShowEvent | None) -> None:  # noqa: N802 - Qt's name
        """Be whole when seen."""
        self._need_plot()
        super().showEvent(event)

    def resizeEvent(self, event: QResizeEvent | None) -> None:  # noqa: N802 - Qt's name
        """In a low window leave the room of the axis' name to the bars."""
        super().resizeEvent(event)
        self._name_axis()
        if self._has_plot:
            self._set_range()

    def _name_axis(self) -> None:
        if not self._has_plot:
            return
        unit = self._shown.unit if self._shown is not None else ""
        axis = self.plot.getPlotItem().getAxis("bottom")
        words = f"pixel value  ({unit})" if unit else "pixel value"
        axis.setLabel(words)
        is_below = self.plot.height() >= NAMED_PX
        axis.showLabel(is_below)
        self.inner_name.setText(words, color=theme().colour("dim").name(), size="11px")
        self.inner_name.setVisible(not is_below)

    @property
    def is_in_hand(self) -> bool:
        """Whether a person moves a handle or types a level just now: it must not slip away from under the hand."""
        is_dragged = self._has_plot and (self.region.moving or any(line.moving for line in self.region.lines))
        fields = (field for field in (self.low, self.high) if field.hasFocus())
        return is_dragged or any((edit := field.lineEdit()) is not None and edit.isModified() for field in fields)

    def show_image(self, shown: ShownImage | None, *, has_sky: bool | None = None) -> None:
        """Draw the histogram of an image; where it has no sky, as a dark or a master, its level is marked.

        Where nothing is said of a sky it is an image like the last.
        """
        self._shown = shown
        if has_sky is not None:
            self._level_word = "sky" if has_sky else "level"
        if shown is not None:
            self._need_plot()
        self._following = True  # fields that round what they show must not move the levels
        if self._has_plot:
            self._sky.label.setFormat(self._level_word)
            self._draw_histogram(shown)
        self._follow()

    def _draw_histogram(self, shown: ShownImage | None) -> None:
        if shown is None or not shown.sample.size:
            self._bars.setData([0.0, 1.0], [0.0])
            self._sky.hide()
            self._saturation.hide()
            return
        low, high = histogram_range(shown.level, shown.saturation)
        edges, counts = histogram(shown.sample, low, high)
        self._bars.setData(edges, np.log10(1.0 + counts))
        self._top = float(np.log10(1.0 + counts.max())) or 1.0
        self._span = (float(edges[0]), float(edges[-1]))
        self._sky.setValue(shown.level.sky)
        self._sky.setVisible(not shown.is_change)  # what a step changed holds no sky
        near = shown.saturation is not None and shown.saturation <= self._span[1]
        self._saturation.setVisible(near)
        if shown.saturation is not None:
            self._saturation.setValue(shown.saturation)
        self._name_axis()
        for field in (self.low, self.high):
            field.setDecimals(0 if shown.image.dtype.kind in "ui" else self._decimals(shown.level.sigma))

    def _need_plot(self) -> None:
        """Make the histogram where there is none yet: the page that the program starts with waits for none."""
        if self._has_plot:
            return
        self._build_plot()
        self._rows.insertWidget(0, self.plot, 1)
        self._has_plot = True
        self._dress_plot()
        self._name_axis()
        self._follow()

    def _build_plot(self) -> None:
        self.plot = small_plot(self, left=False)
        self.plot.setMinimumHeight(LEAST_PLOT_PX)
        self.plot.setAccessibleName("Histogram of the image")
        self._bars = pg.PlotDataItem([0.0, 1.0], [0.0], stepMode="center", fillLevel=0.0)
        self._curve = pg.PlotDataItem()
        self._sky = pg.InfiniteLine(0.0, label="sky", labelOpts={"position": 0.92, "movable": False})
        self._saturation = pg.InfiniteLine(0.0, label="saturated", labelOpts={"position": 0.78, "movable": False})
        self.region = pg.LinearRegionItem((0.0, 1.0), swapMode="block")
        for item in (self._bars, self._curve, self._sky, self._saturation, self.region):
            self.plot.addItem(item)
        self._sky.hide()
        self._saturation.hide()
        self.region.sigRegionChanged.connect(self._drag)
        self.inner_name = pg.LabelItem(justify="right")
        """The axis' name where there is no room for it below: what is plotted is said in the lowest window too."""
        self.inner_name.setAutoFillBackground(True)
        self.inner_name.setZValue(100)
        self.inner_name.setParentItem(self.plot.getPlotItem().getViewBox())
        self.inner_name.anchor(itemPos=(1, 0), parentPos=(1, 0), offset=(-4, 0))

    def _build_fields(self) -> None:
        self.low, self.high = QDoubleSpinBox(), QDoubleSpinBox()
        for field, name in ((self.low, "Black"), (self.high, "White")):
            field.setRange(-1e9, 1e9)
            field.setButtonSymbols(QDoubleSpinBox.ButtonSymbols.NoButtons)
            field.setKeyboardTracking(False)
            field.setFont(mono_font())
            # Longer numbers must not push the panel wider and the image narrower.
            field.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Fixed)
            field.setMinimumWidth(field.fontMetrics().horizontalAdvance("-12345.6") + 16)
            field.setAccessibleName(name)
            field.setToolTip(f"{name}: values beyond are shown as {name.lower()}")
            field.valueChanged.connect(self._type)
        self._range_row = QHBoxLayout()
        for words, field in (("Black", self.low), ("White", self.high)):
            label = QLabel(words)
            label.setProperty("role", "dim")
            self._range_row.addWidget(label)
            self._range_row.addWidget(field, 1)
        self._range_row.setSpacing(6)

    def _build_presets(self) -> None:
        self._preset_row = QHBoxLayout()
        self._preset_row.setSpacing(5)
        self.presets = QButtonGroup(self)
        self.preset_buttons: dict[str, QPushButton] = {}
        tips = {
            "auto": "By the sky: 2 sigma below it to 30 above (A)",
            "zscale": "As IRAF and DS9 choose them",
            "99.5": "The middle 99.5 % of all pixels",
        }
        for name in _BUTTONS:
            button = QPushButton(PRESETS[name])
            button.setCheckable(True)
            button.setProperty("small", "true")
            button.setToolTip(tips[name])
            button.clicked.connect(lambda _checked, name=name: self._levels.use_preset(name))
            self.presets.addButton(button)
            self.preset_buttons[name] = button
            self._preset_row.addWidget(button)
        self.more = QComboBox()
        self.more.setToolTip("Other levels")
        self.more.setAccessibleName("Other levels")
        self.more.addItem("more", "")
        for name in _MORE:
            self.more.addItem(PRESETS[name], name)
        self.more.activated.connect(lambda _index: self._levels.use_preset(self.more.currentData() or "auto"))
        narrow(self.more)
        self._preset_row.addWidget(self.more, 1)

    def _build_looks(self) -> None:
        self.stretch, self.colours = QComboBox(), QComboBox()
        for stretch, words in STRETCH_WORDS.items():
            self.stretch.addItem(words, stretch)
        for name in COLORMAPS:
            self.colours.addItem(name, name)
        self.stretch.activated.connect(lambda _index: self._levels.set_stretch(self.stretch.currentData()))
        self.colours.activated.connect(lambda _index: self._levels.set_colormap(self.colours.currentData()))
        self.inverted, self.frozen = QCheckBox("Invert"), QCheckBox("Same levels")
        self.inverted.setToolTip("Stars dark on bright sky (I)")
        self.frozen.setToolTip("The same levels for every frame, so that they can be compared")
        self.inverted.toggled.connect(self._levels.set_inverted)
        self.frozen.toggled.connect(self._levels.set_frozen)
        self._look_grid = QGridLayout()
        self._look_grid.setHorizontalSpacing(8)
        self._look_grid.setVerticalSpacing(6)
        for row, (words, box, tick) in enumerate(
            (("Stretch", self.stretch, self.inverted), ("Colours", self.colours, self.frozen))
        ):
            label = QLabel(words)
            label.setProperty("role", "dim")
            box.setAccessibleName(words)
            narrow(box)
            self._look_grid.addWidget(label, row, 0)
            self._look_grid.addWidget(box, row, 1)
            self._look_grid.addWidget(tick, row, 2)
        self._look_grid.setColumnStretch(1, 1)

    def _drag(self) -> None:
        if not self._following:
            low, high = self.region.getRegion()
            self._levels.set_range(float(low), float(high))

    def _type(self) -> None:
        if not self._following:
            self._levels.set_range(self.low.value(), self.high.value())

    def _follow(self) -> None:
        """Show what the model says."""
        self._following = True
        levels = self._levels
        if self._has_plot:
            self._follow_in_plot()
        self.low.setValue(levels.lo)
        self.high.setValue(levels.hi)
        self._say_clipped()
        self.presets.setExclusive(False)
        for name, button in self.preset_buttons.items():
            button.setChecked(levels.preset == name)
        self.presets.setExclusive(levels.preset in self.preset_buttons)
        self.more.setCurrentIndex(max(0, self.more.findData(levels.preset)))
        self.more.setItemText(0, "by hand" if levels.preset == MANUAL else "more")
        self.stretch.setCurrentIndex(self.stretch.findData(levels.stretch))
        self.colours.setCurrentIndex(self.colours.findData(levels.colormap))
        self.inverted.setChecked(levels.inverted)
        self.frozen.setChecked(levels.frozen)
        self._following = False

    def _follow_in_plot(self) -> None:
        levels = self._levels
        self.region.setRegion((levels.lo, levels.hi))
        self._set_range()
        part = np.linspace(0.0, 1.0, 65)
        self._curve.setData(levels.lo + part * (levels.hi - levels.lo), self._top * stretched(part, levels.stretch))

    def _set_range(self) -> None:
        levels = self._levels
        low, high = min(self._span[0], levels.lo), max(self._span[1], levels.hi)
        # Levels far outside of the histogram are shown at its edge, or the sky would be a single line.
        width = self._span[1] - self._span[0]
        box = self.plot.getPlotItem().getViewBox()
        left, right = max(low, self._span[0] - width), min(high, self._span[1] + 3 * width)
        above = _ABOVE_BARS * max(1.0, self._below_name(box, left, right))
        box.setRange(xRange=(left, right), yRange=(0.0, above * self._top), padding=0.01)

    def _below_name(self, box: pg.ViewBox, left: float, right: float) -> float:
        """Return how many times higher the plot must be that the bars below the axis' name do not reach into it."""
        name, room = self.inner_name.boundingRect(), box.boundingRect()
        edges, counts = self._bars.getOriginalDataset()
        if not self.inner_name.isVisible() or room.height() <= name.height() or room.width() <= 0:
            return 1.0
        below = edges[1:] > right - (right - left) * min(1.0, (name.width() + 8) / room.width())
        highest = float(counts[below].max()) / self._top if below.any() else 0.0
        return 1.04 * highest / (1.0 - name.height() / room.height()) / _ABOVE_BARS

    def _say_clipped(self) -> None:
        """Say in the tips how many pixels lie beyond black and white."""
        values = self._shown.sample if self._shown is not None else np.zeros(0)
        for field, name, is_out in (
            (self.low, "Black", values < self._levels.lo),
            (self.high, "White", values > self._levels.hi),
        ):
            part = f"; {100 * np.count_nonzero(is_out) / values.size:.2g} % of the pixels are" if values.size else ""
            field.setToolTip(f"{name}: values beyond are shown as {name.lower()}{part}")

    def _dress(self) -> None:
        look = theme()
        if "red" in {look.colormap, self._levels.colormap}:
            # Images follow into the theme for dark-adapted eyes, and out of it.
            self._levels.set_colormap(look.colormap)
        if self._has_plot:
            self._dress_plot()

    def _dress_plot(self) -> None:
        look = theme()
        dress_plot(self.plot)
        ground = self.inner_name.palette()
        ground.setColor(ground.ColorRole.Window, look.colour("ground"))
        self.inner_name.setPalette(ground)
        self._name_axis()
        self._bars.setPen(pg.mkPen(look.colour("histogram")))
        self._bars.setFillBrush(look.colour("histogram", 0.35))
        self._curve.setPen(pg.mkPen(look.colour("plot_2"), width=1.5))
        self.region.setBrush(look.colour("accent", 0.10))
        self.region.setHoverBrush(look.colour("accent", 0.18))
        for line in self.region.lines:
            line.setPen(pg.mkPen(look.colour("accent"), width=2))
            line.setHoverPen(pg.mkPen(look.colour("text"), width=4))
            line.setCursor(Qt.CursorShape.SplitHCursor)
        for line, token in ((self._sky, "good"), (self._saturation, "bad")):
            line.setPen(pg.mkPen(look.colour(token), style=Qt.PenStyle.DashLine))
            line.label.setColor(look.colour(token))
            line.label.fill = pg.mkBrush(look.colour("ground"))
            line.label.setFont(mono_font(11))

    @staticmethod
    def _decimals(sigma: float) -> int:
        """Return the digits that say something: a tenth of the noise."""
        return int(np.clip(1 - np.floor(np.log10(sigma)), 0, 6)) if sigma > 0.0 else 3


def narrow(box: QComboBox) -> None:
    """Let a box give way in a narrow panel: its longest entry must not decide how wide the panel is."""
    box.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon)
    box.setMinimumContentsLength(5)
