"""Looking closely: the star under a click, the values along a line, the statistics of a region."""

from __future__ import annotations

import math
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pyqtgraph as pg
from PyQt6.QtCore import QSize, Qt, pyqtSignal
from PyQt6.QtGui import QPixmap
from PyQt6.QtWidgets import (
    QButtonGroup,
    QFileDialog,
    QGridLayout,
    QHBoxLayout,
    QLabel,
    QPushButton,
    QToolButton,
    QVBoxLayout,
    QWidget,
)

from astep_gui.models.drawn_part import drawn_box, part_name, part_words
from astep_gui.models.inspection import NO_STAR, Inspection, LineLook, RegionLook, StarLook
from astep_gui.theme import icon, mono_font, theme, theme_notice
from astep_gui.widgets.plots import dress_plot, small_plot
from pipeline_core.errors import AstepError
from pipeline_core.science.regions import moffat_curve

if TYPE_CHECKING:
    from PyQt6.QtGui import QResizeEvent

    from astep_gui.models.frame_images import ShownImage
    from astep_gui.widgets.image_marks import DrawnShape
    from pipeline_core.science.star_reading import StarReading
    from pipeline_core.types import Section

TOOLS = {
    "star": ("Star", "Click a star: its profile and width"),
    "line": ("Line", "Drag a line: the values along it"),
    "box": ("Box", "Drag a box: statistics of its pixels"),
    "circle": ("Circle", "Drag from the centre: statistics of its pixels"),
}
_INVITE = {
    "star": "Click a star on the image to see its profile, width and light.\n\n"
    "Shift-click follows it through the night, Alt-click tells why a pixel has its value.",
    "line": "Drag over the image to see the values along a line.",
    "box": "Drag a box over the image to see the statistics of its pixels; it can be saved as FITS.",
    "circle": "Drag from a centre outwards to see the statistics of the pixels around it; its box can be saved.",
}
"""What an empty panel says: how to fill it."""


SIGN_PX = 280
"""Height of the panel from which the invitation has a sign above it."""


class InspectPanel(QWidget):
    """Chooses what a click or a drag on the image measures, and shows the answer."""

    tool_chosen = pyqtSignal(str)
    """line, box or circle; "" for clicks on stars, when a drag pans the image."""
    shape_forgotten = pyqtSignal()
    """The shape on the image means nothing any more."""
    night_asked = pyqtSignal(float, float)
    """x, y of the measured star, to be followed through the night."""
    star_measured = pyqtSignal(object)
    """(x, y, radius) of the star that was found near the click, 0-based px, to be ringed; None for none."""
    saved = pyqtSignal(str)
    """Which part was saved, and where, in words."""

    def __init__(self, inspection: Inspection, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._inspection = inspection
        self._shown: ShownImage | None = None
        self._shape: DrawnShape | None = None
        self._look: StarLook | LineLook | RegionLook | None = None
        self._rows = layout = QVBoxLayout(self)
        layout.setContentsMargins(10, 6, 10, 8)
        layout.setSpacing(5)
        self._build_tools(layout)
        self._has_plot = False
        self.says = QLabel()
        self.says.setWordWrap(True)
        layout.addWidget(self.says)
        self._build_figures(layout)
        self.save = QPushButton("Save this part as FITS…")
        self.save.setIcon(icon("save"))
        self.save.clicked.connect(lambda _on: self.ask_where())
        layout.addWidget(self.save)
        self.night = QPushButton("This star, all night")
        self.night.setIcon(icon("star"))
        self.night.setToolTip("Its stamp, light and width on every frame (Shift-click a star does it at once)")
        self.night.clicked.connect(self._ask_night)
        layout.addWidget(self.night)
        self._rest = self._build_invitation()  # takes the room of the plot where there is none
        layout.addWidget(self._rest, 1)
        inspection.looked.connect(self.show_look)
        inspection.failed.connect(self._show_error)
        theme_notice().changed.connect(self._dress)
        self.tools["star"].setChecked(True)
        self._clear("")
        self._invite("star")
        self._dress()

    def _build_tools(self, layout: QVBoxLayout) -> None:
        self._tools = QButtonGroup(self)
        self.tools: dict[str, QToolButton] = {}
        row = QHBoxLayout()
        row.setSpacing(4)
        for name, (words, tip) in TOOLS.items():
            button = QToolButton()
            button.setText(words)
            button.setIcon(icon(name))
            button.setToolButtonStyle(Qt.ToolButtonStyle.ToolButtonTextBesideIcon)
            button.setCheckable(True)
            button.setToolTip(tip)
            button.clicked.connect(lambda _checked, name=name: self._choose(name))
            self._tools.addButton(button)
            self.tools[name] = button
            row.addWidget(button)
        row.addStretch(1)
        layout.addLayout(row)

    def _build_invitation(self) -> QWidget:
        rest = QWidget()
        box = QVBoxLayout(rest)
        box.setSpacing(10)
        self._sign, self.invitation = QLabel(), QLabel()
        self.invitation.setWordWrap(True)
        self.invitation.setProperty("role", "dim")
        box.addStretch(1)
        for label in (self._sign, self.invitation):
            label.setAlignment(Qt.AlignmentFlag.AlignHCenter)
            box.addWidget(label)
        box.addStretch(2)
        return rest

    def resizeEvent(self, event: QResizeEvent | None) -> None:  # noqa: N802 - Qt's name
        """In a low panel the invitation needs the room of its sign."""
        super().resizeEvent(event)
        self._sign.setVisible(self.height() >= SIGN_PX)

    def _invite(self, tool: str) -> None:
        """Say in the middle of the empty panel what to do."""
        self.invitation.setText(_INVITE.get(tool, ""))
        self._sign.setPixmap(icon(tool, "dim").pixmap(QSize(32, 32), self.devicePixelRatioF()) if tool else QPixmap())

    def _need_plot(self) -> None:
        """Make the plot where there is none yet: nothing is measured when the program starts, which need not wait."""
        if self._has_plot:
            return
        self._build_plot()
        self._has_plot = True
        self._dress_plot()

    def _build_plot(self) -> None:
        self.plot = small_plot(self)
        self.plot.setMinimumHeight(84)
        self.plot.setAccessibleName("Profile")
        self._points = pg.ScatterPlotItem(size=4, pxMode=True)
        self._curve = pg.PlotDataItem()
        self.plot.addItem(self._points)
        self.plot.addItem(self._curve)
        # What is plotted upwards stands inside: beside the axis of a low plot it would be cut.
        self._upwards = pg.LabelItem(justify="right")
        self._upwards.setAutoFillBackground(True)
        self._upwards.setZValue(100)
        self._upwards.setParentItem(self.plot.getPlotItem().getViewBox())
        self._upwards.anchor(itemPos=(1, 0), parentPos=(1, 0), offset=(-4, 0))
        self._rows.insertWidget(self._rows.indexOf(self.says), self.plot, 1)

    def _build_figures(self, layout: QVBoxLayout) -> None:
        self.figures = QGridLayout()
        self.figures.setHorizontalSpacing(10)
        self.figures.setVerticalSpacing(3)
        self._pairs: list[tuple[QLabel, QLabel]] = []
        for k in range(8):
            name, value = QLabel(), QLabel()
            name.setProperty("role", "dim")
            value.setFont(mono_font())
            value.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
            value.setAlignment(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
            self.figures.addWidget(name, k // 2, 3 * (k % 2))
            self.figures.addWidget(value, k // 2, 3 * (k % 2) + 1)
            self._pairs.append((name, value))
        self.figures.setColumnStretch(1, 1)
        self.figures.setColumnStretch(4, 1)
        self.figures.setColumnMinimumWidth(2, 8)
        layout.addLayout(self.figures)

    def sizeHint(self) -> QSize:  # noqa: N802 - Qt's name
        """Return the size at which all is read easily."""
        return QSize(300, 320)

    @property
    def tool(self) -> str:
        """What is measured: star, line, box or circle."""
        return next(name for name, button in self.tools.items() if button.isChecked())

    def show_image(self, shown: ShownImage | None) -> None:
        """Take note of the image that is now shown; the same place is measured on it."""
        self._shown = shown
        if shown is not None:
            self._inspection.look_again(shown)

    def clicked(self, x: float, y: float, modifiers: object = None) -> None:
        """Measure the star at a click on the image; a slot of :attr:`ImageView.clicked`."""
        if self._shown is None or self.tool != "star" or self._shown.reduction > 1:
            return
        if modifiers not in {None, Qt.KeyboardModifier.NoModifier}:
            return
        if self._look is None:
            self._say("measuring …")
        self._inspection.look_at_star(self._shown, x, y)

    def drawn(self, shape: DrawnShape) -> None:
        """Measure a shape that was drawn on the image; a slot of :attr:`ImageView.shape_drawn`."""
        self._shape = shape
        if self._shown is not None and self._shown.reduction == 1:
            self._inspection.look_along(self._shown, shape.kind, shape.x0, shape.y0, shape.x1, shape.y1)

    def show_look(self, look: StarLook | LineLook | RegionLook) -> None:
        """Show what was measured."""
        self._look = look
        self._invite("")
        self.save.hide()
        self.night.setVisible(isinstance(look, StarLook) and look.reading is not None)
        match look:
            case StarLook():
                self._show_star(look)
            case LineLook():
                self._show_line(look)
            case RegionLook():
                self._show_region(look)

    def save_part(self, file: Path, part: Section) -> None:
        """Write a part of the frame as a FITS file."""
        from pipeline_core.io.cutout_file import write_cutout  # noqa: PLC0415 - astropy after the first paint

        shown = self._shown
        if shown is None:
            return
        unit = {"e⁻": "electron", "ADU": "adu"}.get(shown.unit, "")
        facts = shown.facts
        try:
            write_cutout(
                file,
                shown.image,
                part,
                unit=unit,
                cards=facts.cards if facts is not None else (),
                sky=facts.sky if facts is not None else None,
            )
        except AstepError as error:
            self._say(str(error), "bad")
        except OSError as error:
            self._say(f"cannot save {file.name} · {error.strerror} · choose another folder", "bad")
        else:
            self._say(f"✓ saved {file.name}", "good")
            self.saved.emit(f"saved {part_words(self._shape, part, shown.image.shape)}: {file}")

    def _ask_night(self) -> None:
        if isinstance(self._look, StarLook) and self._look.reading is not None:
            self.night_asked.emit(self._look.reading.profile.x_px, self._look.reading.profile.y_px)

    @property
    def box(self) -> Section | None:
        """The box that is drawn, or that around the circle that is; None while there is neither."""
        return drawn_box(self._shape)

    def ask_where(self, seen: Section | None = None) -> None:
        """Ask for a file, and save the box that is drawn or lies around the circle, else the part that is seen."""
        part, shown = self.box or seen, self._shown
        if part is None or shown is None or shown.reduction > 1:
            self._say("only of a whole frame a part can be saved", "warn")
            return
        title = f"Save {part_words(self._shape, part, shown.image.shape)}"
        name, _kind = QFileDialog.getSaveFileName(self, title, part_name(shown.title), "FITS (*.fits)")
        if name:
            self.save_part(Path(name), part)

    def _choose(self, tool: str) -> None:
        self._inspection.forget()
        self._shape = None
        self._clear("")
        self._invite(tool)
        self.shape_forgotten.emit()
        self.tool_chosen.emit("" if tool == "star" else tool)

    def _clear(self, words: str) -> None:
        self._look = None
        self.star_measured.emit(None)
        self.save.hide()
        self.night.hide()
        if self._has_plot:
            self._points.setData([], [])
            self._curve.setData([], [])
        self._show_plot(on=False)
        self._say(words)
        self._list([])

    def _show_plot(self, *, on: bool) -> None:
        if on:
            self._need_plot()
        if self._has_plot:
            self.plot.setVisible(on)
        self._rest.setVisible(not on)

    def _say(self, words: str, role: str = "dim") -> None:
        self.says.setText(words)
        self.says.setVisible(bool(words))
        if self.says.property("role") != role:
            self.says.setProperty("role", role)
            self.says.style().polish(self.says)

    def _list(self, pairs: list[tuple[str, str]]) -> None:
        for k, (name, value) in enumerate(self._pairs):
            name.setText(pairs[k][0] if k < len(pairs) else "")
            value.setText(pairs[k][1] if k < len(pairs) else "")
            name.setVisible(k < len(pairs))
            value.setVisible(k < len(pairs))

    def _show_star(self, look: StarLook) -> None:
        reading = look.reading
        if reading is None:
            near = f"nothing like a star stands out of the sky within {look.within_px:.0f} pixels"
            self._clear(f"{NO_STAR.capitalize()}: {near}")
            self._invite("star")
            return
        profile = reading.profile
        width = reading.fwhm_px if math.isfinite(reading.fwhm_px) else 4.0
        self.star_measured.emit((profile.x_px, profile.y_px, max(3.0, 1.5 * width)))
        self._show_plot(on=True)
        self._points.setData(profile.radius_px, profile.value)
        fitted = math.isfinite(reading.fwhm_px)
        if fitted:
            radius = np.linspace(0.0, float(profile.radius_px[-1]), 200)
            self._curve.setData(radius, moffat_curve(radius, reading.fwhm_px, reading.beta, reading.amplitude))
        else:
            self._curve.setData([], [])
        self._axes("distance from the centre (px)", f"above the sky ({look.unit})")
        pairs = [("x", f"{profile.x_px + 1:.2f}"), ("y", f"{profile.y_px + 1:.2f}")]
        if fitted:
            pairs.append(("FWHM", f"{reading.fwhm_px:.2f} px"))
            if look.scale_arcsec:
                pairs.append(("", f"{reading.fwhm_px * look.scale_arcsec:.2f}″"))
            else:
                pairs.append(("Moffat β", f"{reading.beta:.1f}"))
            pairs.append(("Ellipticity", f"{reading.ellipticity:.2f}"))
        light = {"Peak": profile.peak, "Flux": profile.flux, "Sky": profile.sky}
        pairs += [(name, f"{_number(value)} {look.unit}".rstrip()) for name, value in light.items()]
        self._list(pairs[:8])
        self._say(_doubt(reading) or look.note, "warn")

    def _show_line(self, look: LineLook) -> None:
        self._show_plot(on=True)
        self._points.setData([], [])
        self._curve.setData(look.distance_px, look.value, connect="finite")
        self._axes("along the line (px)", look.unit)
        found = look.statistics
        self._say("" if found.pixels else "the line lies outside of the frame")
        if found.pixels:
            self._list(
                [
                    ("Length", f"{look.distance_px[-1]:.1f} px"),
                    ("Median", _number(found.median)),
                    ("Lowest", _number(found.minimum)),
                    ("Highest", _number(found.maximum)),
                ]
            )

    def _show_region(self, look: RegionLook) -> None:
        self._show_plot(on=False)
        self.save.setVisible(look.statistics.pixels > 0)
        found = look.statistics
        words = f"{look.size} · {look.unit}".rstrip(" ·")
        if found.masked:
            words += f" · {found.masked} masked pixels left out"
        self._say(words if found.pixels else "no pixel of the frame lies in this region")
        pairs = [("Pixels", f"{found.pixels}"), ("Median", _number(found.median)), ("Mean", _number(found.mean))]
        pairs += [("Std. dev.", _number(found.std)), ("Lowest", _number(found.minimum))]
        pairs += [("Highest", _number(found.maximum)), ("Sum", _number(found.total))]
        self._list(pairs if found.pixels else [])

    def _show_error(self, error: AstepError) -> None:
        self._clear("")
        self._say(str(error), "bad")

    def _axes(self, below: str, left: str) -> None:
        item = self.plot.getPlotItem()
        item.setLabel("bottom", below)
        ground = self._upwards.palette()
        ground.setColor(ground.ColorRole.Window, theme().colour("ground"))
        self._upwards.setPalette(ground)
        self._upwards.setText(left, color=theme().colour("dim").name(), size="11px")
        item.enableAutoRange()

    def _dress(self) -> None:
        if self._look is None:
            self._invite(self.tool)
        if self._has_plot:
            self._dress_plot()

    def _dress_plot(self) -> None:
        look = theme()
        dress_plot(self.plot)
        self._points.setPen(None)
        self._points.setBrush(look.colour("plot_1", 0.75))
        self._curve.setPen(pg.mkPen(look.colour("plot_2"), width=1.5))


def _doubt(reading: StarReading) -> str:
    """Say why the figures of a star are not to be trusted; "" where nothing speaks against them."""
    if reading.is_saturated:
        return "▲ saturated: its width cannot be measured, its light is a lower limit"
    if reading.is_flat:
        return "▲ saturated or flat-topped: width and light are not to be trusted"
    if not math.isfinite(reading.fwhm_px):
        return "No star profile fits: a galaxy, a trail, or too faint"
    if reading.is_doubtful:
        return "▲ no star profile fits it well: the width is not to be trusted"
    return ""


def _number(value: float) -> str:
    """Write a pixel's value or a sum of many: five figures that mean something."""
    if not math.isfinite(value):
        return "–"
    if abs(value) >= 1e5:
        return f"{value:,.0f}".replace(",", "\u2009")
    return f"{value:.1f}" if abs(value) >= 100 else f"{value:.4g}"
