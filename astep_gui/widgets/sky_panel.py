"""The dock "Sky": how the current frame stands on the sky, how well, and what can be done for it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PyQt6.QtCore import QSize, Qt, pyqtSignal
from PyQt6.QtWidgets import (
    QButtonGroup,
    QFrame,
    QGridLayout,
    QHBoxLayout,
    QLabel,
    QPushButton,
    QScrollArea,
    QVBoxLayout,
    QWidget,
)

from astep_gui.models.residuals import residuals_of
from astep_gui.models.short_titles import ShortTitles
from astep_gui.models.sky_words import SkyStatus, Way, facts
from astep_gui.theme import mono_font, restyle
from astep_gui.widgets.elided_label import ElidedLabel
from astep_gui.widgets.residual_plots import ResidualHistogram, ResidualMap
from astep_gui.widgets.sky_night import SkyNight
from astep_gui.widgets.sky_overlay import SKY_MARKS

if TYPE_CHECKING:
    from PyQt6.QtGui import QHideEvent, QResizeEvent, QShowEvent

    from astep_gui.models.night_model import NightModel
    from astep_gui.models.sky_model import SkyModel
    from astep_gui.models.sky_work import SkyWork
    from astep_gui.widgets.sky_overlay import SkyOverlay
    from pipeline_core.sky_state import StackMade

_NO_LIMIT_PX = (1 << 24) - 1
"""Qt's largest size: no limit."""
_WAYS_A_ROW = 2
_PLOTS_PX = 290
"""Height at which both plots of residuals are read well."""
_PAGES = (
    ("figures", "Figures", "Where the frame looks, how well that is known, and marks over the image"),
    ("residuals", "Residuals", "How far the matched stars lie from the catalogue, as histogram and map"),
)


class SkyPanel(QWidget):
    """Shows the sky model; asks for deeds, does none."""

    asked = pyqtSignal(str)
    """A deed of the object that holds the sky: "solve", "hint", "solve_night", "cancel" …"""
    stack_asked = pyqtSignal(object)
    """A StackMade that is to be looked at."""
    seen = pyqtSignal(bool)
    """Whether a person can see it: only then are stars matched."""

    def __init__(
        self, night: NightModel, sky: SkyModel, work: SkyWork, overlay: SkyOverlay, parent: QWidget | None = None
    ) -> None:
        super().__init__(parent)
        self._night, self._names = night, ShortTitles(night)
        self._sky = sky
        self._work = work
        self._overlay = overlay
        self._shown_stack: StackMade | None = None
        self._shown_master = ""
        self._has_plots = False
        self._build()
        for signal in (sky.changed, night.selection_changed):
            signal.connect(self.follow)
        night.frames_changed.connect(lambda paths: self.follow() if night.current in paths else None)
        sky.view_changed.connect(self.follow_view)
        work.changed.connect(self.follow_work)
        overlay.changed.connect(self.follow_marks)
        self.follow()
        self.follow_view()
        self.follow_work()

    def sizeHint(self) -> QSize:  # noqa: N802 - Qt's name
        """Return the size at which all is read easily."""
        return QSize(320, 700)

    # -- putting together ------------------------------------------------------------------------------------

    def _build(self) -> None:
        inside = QWidget()
        box = QVBoxLayout(inside)
        box.setContentsMargins(10, 8, 10, 8)
        box.setSpacing(6)
        self.state = QLabel()
        self.state.setProperty("role", "heading")
        self.why = QLabel()
        self.why.setProperty("role", "dim")
        self.why.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        self.ways = QGridLayout()  # three beside each other have no room in a dock of the usual width
        self._ways_shown: tuple[tuple[Way, ...], bool] | None = None
        self._facts_shown: list[tuple[str, str, str]] | None = None
        self._fact_rows: list[tuple[QLabel, ElidedLabel]] = []
        self.ways.setSpacing(5)
        self.ways.setColumnStretch(_WAYS_A_ROW, 1)
        for label in (self.state, self.why):
            label.setWordWrap(True)
            label.setMinimumWidth(1)  # a long word is no reason to push all the rest over the edge
        box.addWidget(self.state)
        box.addWidget(self.why)
        box.addLayout(self.ways)
        box.addWidget(self._build_pages())
        box.addWidget(self._build_figures())
        box.addWidget(self._build_plots(), 1)
        self._rest = QWidget()
        box.addWidget(self._rest, 1)
        self._box = box
        self._area = QScrollArea()
        self._area.setWidget(inside)
        self._area.setWidgetResizable(True)
        self._area.setFrameShape(QFrame.Shape.NoFrame)
        outer = QVBoxLayout(self)
        outer.setContentsMargins(0, 0, 0, 0)
        outer.setSpacing(0)
        outer.addWidget(self._area, 1)
        outer.addWidget(_line())
        self.foot = SkyNight(self._night, self._sky, self._work)
        self.foot.asked.connect(self.asked)
        self.foot.stack_asked.connect(self.stack_asked)
        outer.addWidget(self.foot)

    def _build_pages(self) -> QWidget:
        """Two buttons that choose what is seen where there is no room for both."""
        self.pages = QWidget()
        row = QHBoxLayout(self.pages)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(5)
        group = QButtonGroup(self.pages)
        self.page_buttons: dict[str, QPushButton] = {}
        for name, words, tip in _PAGES:
            button = QPushButton(words)
            button.setToolTip(tip)
            button.setCheckable(True)
            button.setProperty("small", "true")
            button.clicked.connect(self.arrange)
            group.addButton(button)
            row.addWidget(button)
            self.page_buttons[name] = button
        row.addStretch(1)
        self.page_buttons["figures"].setChecked(True)
        return self.pages

    def _build_figures(self) -> QWidget:
        self.figures = QWidget()
        box = QVBoxLayout(self.figures)
        box.setContentsMargins(0, 0, 0, 0)
        box.setSpacing(6)
        self.grid = QGridLayout()
        self.grid.setHorizontalSpacing(10)
        self.grid.setVerticalSpacing(3)
        self.grid.setColumnStretch(1, 1)
        box.addLayout(self.grid)
        box.addWidget(_line())
        box.addWidget(_heading("Over the image"))
        box.addLayout(self._build_marks())
        return self.figures

    def _build_plots(self) -> QWidget:
        self.plots = QWidget()
        box = QVBoxLayout(self.plots)
        box.setContentsMargins(0, 0, 0, 0)
        box.setSpacing(6)
        self.plots_note = QLabel()
        self.plots_note.setWordWrap(True)
        self.plots_note.setProperty("role", "dim")
        self.plots_heading = _heading("Residuals of the matched stars")
        self.histogram, self.map = ResidualHistogram(), ResidualMap()
        box.addWidget(self.plots_heading)
        box.addWidget(self.plots_note)
        box.addWidget(self.histogram, 1)
        box.addWidget(self.map, 2)
        return self.plots

    def _build_marks(self) -> QGridLayout:
        grid = QGridLayout()
        grid.setSpacing(5)
        self.marks: dict[str, QPushButton] = {}
        for k, (name, (words, tip)) in enumerate(SKY_MARKS.items()):
            button = QPushButton(words)
            button.setCheckable(True)
            button.setProperty("small", "true")
            button.setToolTip(tip)
            button.toggled.connect(lambda on, name=name: self._overlay.switch(name, on))
            grid.addWidget(button, k // 2, k % 2)
            self.marks[name] = button
        return grid

    # -- following -------------------------------------------------------------------------------------------

    def follow(self) -> None:
        """Show how the current frame and the night stand."""
        path = self._night.current
        stack, master = self._shown_stack, self._shown_master
        if master:
            words = f"the image is the master {master}, which shows no sky (Esc goes back to the frame)"
            status, path = SkyStatus("·", "no sky", "dim", words, (Way("frame", "Back to the frame"),), 9), None
        elif stack is None:
            status = self._sky.status(path, self._names.name)
        else:
            together = f", {stack.exposure_s:.0f} s together" if stack.exposure_s else ""
            words = f"{stack.method} of {stack.frames} frames{together}, in the place of the frame (Esc goes back)"
            status = SkyStatus("▤", stack.group, "text", words, (Way("frame", "Back to the frame"),), 8)
        self.state.setText(f"{status.mark} {status.word}")
        role = status.tone if status.tone in {"good", "warn", "bad"} else "heading"
        if role != self.state.property("role"):
            self.state.setProperty("role", role)
            restyle(self.state)
        self.why.setText(status.why)
        self.why.setVisible(bool(status.why))
        self._show_ways(status.ways, is_urgent=status.rank < 7)
        solved = self._sky.sky.solutions.get(path or "")
        alignment = self._sky.sky.alignment
        one = alignment.by_path.get(path or "") if alignment is not None else None
        depth = self._sky.sky.depths.get(path or "")
        self._show_facts(facts(solved, depth, one, self._names.name) if stack is None else [])
        self.follow_work()
        self.foot.show_stack(stack)
        self.foot.follow()
        self.arrange()

    def follow_view(self) -> None:
        """Draw the residuals."""
        is_frame = self._shown_stack is None and not self._shown_master
        view = self._sky.view if is_frame else None
        found = residuals_of(view) if view is not None else None
        self.histogram.show_residuals(found)
        self.map.show_residuals(found)
        for widget in (self.histogram, self.map):
            widget.setVisible(found is not None)
        solved = self._sky.sky.solutions.get(self._night.current or "")
        is_matching = solved is not None and solved.solved and is_frame
        note = (self._sky.view_problem if is_frame else "") or ("matching stars…" if is_matching else "")
        self.plots_note.setText(note)
        self.plots_note.setVisible(found is None and bool(note))
        self._has_plots = found is not None or bool(note)
        self.arrange()

    def arrange(self) -> None:
        """Show figures and residuals below each other; where the dock is too low, the one that is chosen."""
        room = self._area.viewport()
        assert room is not None, "every scroll area has one"
        margins = self._box.contentsMargins()
        width = room.width() - margins.left() - margins.right()
        head = [self.state.heightForWidth(width), self.ways.sizeHint().height()]
        head += [self.why.heightForWidth(width)] if self.why.text() else []
        wanted = [*head, self.figures.sizeHint().height(), _PLOTS_PX]
        needed = sum(wanted) + self._box.spacing() * (len(wanted) - 1) + margins.top() + margins.bottom()
        is_low = self._has_plots and needed > room.height()
        chosen = self.page_buttons["residuals"].isChecked()
        self.pages.setVisible(is_low)
        self.figures.setVisible(not is_low or not chosen)
        self.plots.setVisible(self._has_plots and (not is_low or chosen))
        self.plots_heading.setVisible(not is_low)  # else the button above says it
        left = room.height() - (needed - wanted[-1] - wanted[-2]) - self.pages.sizeHint().height()
        # In a low dock the plots take what is left of it, so that nothing of them is below its edge.
        low_px = max(left, self.histogram.LEAST_PX + self.map.LEAST_PX + 6)
        self.plots.setMinimumHeight(low_px if is_low else 0)
        self.plots.setMaximumHeight(low_px if is_low else _NO_LIMIT_PX)
        self._rest.setVisible(self.plots.isHidden())

    def follow_work(self) -> None:
        """Offer no way on while the results are written to: one at a time does that."""
        for k in range(self.ways.count()):
            item = self.ways.itemAt(k)
            if item is not None and (button := item.widget()) is not None:
                button.setEnabled(not self._work.is_held)
        self.foot.follow_work()

    def follow_marks(self) -> None:
        """Show which marks are on."""
        for name, button in self.marks.items():
            button.blockSignals(True)  # noqa: FBT003 - Qt's own way
            button.setChecked(self._overlay.on[name])
            button.blockSignals(False)  # noqa: FBT003

    def show_product(self, stack: StackMade | None, master: str) -> None:
        """Tell of the stack or the master that is looked at in the place of the frame; None and "" of the frame."""
        if (stack, master) == (self._shown_stack, self._shown_master):
            return
        self._shown_stack, self._shown_master = stack, master
        self.follow()
        self.follow_view()

    def _show_ways(self, ways: tuple[Way, ...], *, is_urgent: bool) -> None:
        """Offer the ways on; the buttons are made anew only where there are others, not with every frame."""
        if (ways, is_urgent) != self._ways_shown:
            self._ways_shown = (ways, is_urgent)
            _empty(self.ways)
            for k, way in enumerate(ways):
                button = QPushButton(way.words)
                button.setProperty("small", "true")
                button.setObjectName(way.deed)
                # A click that takes the button away would throw the focus elsewhere.
                button.setFocusPolicy(Qt.FocusPolicy.TabFocus)
                if k == 0 and is_urgent:
                    button.setProperty("primary", "true")
                button.clicked.connect(lambda _on, deed=way.deed: self.asked.emit(deed))
                self.ways.addWidget(button, k // _WAYS_A_ROW, k % _WAYS_A_ROW)

    def _show_facts(self, lines: list[tuple[str, str, str]]) -> None:
        if lines == self._facts_shown:
            return
        self._facts_shown = lines
        while len(self._fact_rows) < len(lines):  # made once: new ones for each frame took a sixth of a step to it
            self._add_fact_row()
        for k, (label, shown) in enumerate(self._fact_rows):
            name, value, tip = lines[k] if k < len(lines) else ("", "", "")
            label.setText(name)
            label.setToolTip(tip)
            shown.setText(value)
            for widget in (label, shown):
                widget.setVisible(k < len(lines))

    def _add_fact_row(self) -> None:
        label, shown = QLabel(), ElidedLabel(mode=Qt.TextElideMode.ElideRight)
        label.setProperty("role", "dim")
        shown.setFont(mono_font())
        for column, widget in enumerate((label, shown)):
            self.grid.addWidget(widget, len(self._fact_rows), column)
        self._fact_rows.append((label, shown))

    def resizeEvent(self, event: QResizeEvent | None) -> None:  # noqa: N802 - Qt's name
        """Show what there is room for."""
        super().resizeEvent(event)
        self.arrange()

    def showEvent(self, event: QShowEvent | None) -> None:  # noqa: N802 - Qt's name
        """Match stars from now on."""
        super().showEvent(event)
        self.seen.emit(True)  # noqa: FBT003 - a signal of one switch

    def hideEvent(self, event: QHideEvent | None) -> None:  # noqa: N802 - Qt's name
        """Match stars no more, unless the image shows them."""
        super().hideEvent(event)
        self.seen.emit(False)  # noqa: FBT003


def _empty(grid: QGridLayout) -> None:
    while (item := grid.takeAt(0)) is not None:
        if (old := item.widget()) is not None:
            old.hide()
            old.deleteLater()


def _heading(words: str) -> QLabel:
    label = QLabel(words)
    label.setProperty("role", "heading")
    return label


def _line() -> QFrame:
    line = QFrame()
    line.setProperty("role", "separator")
    return line
