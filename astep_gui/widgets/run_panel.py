"""The run, stage by stage: what is done, what is left, how long it takes, what was said."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PyQt6.QtCore import Qt, pyqtSignal
from PyQt6.QtWidgets import (
    QGridLayout,
    QHBoxLayout,
    QLabel,
    QListWidget,
    QListWidgetItem,
    QProgressBar,
    QPushButton,
    QVBoxLayout,
    QWidget,
)

from astep_gui.models.reduction_model import duration_words, first_run_words, waiting_reasons
from astep_gui.models.tip_words import as_written
from astep_gui.models.window_words import in_window, setting_words
from astep_gui.theme import mono_font, theme, theme_notice
from astep_gui.widgets.elided_label import ElidedLabel

if TYPE_CHECKING:
    from collections.abc import Iterable

    from astep_gui.models.night_model import NightModel
    from astep_gui.models.reduction_model import ReductionModel, StageProgress
    from pipeline_core.config import Recipe
    from pipeline_core.events import Event

MOST_SAID = 500
BAR_PX = (36, 18)
"""Width of the bar of a stage at least, and its height: as high as the style draws it, lower it would hang out."""
_LEVEL = Qt.ItemDataRole.UserRole + 1
_LEVEL_TONES = {"info": "dim", "warning": "warn", "error": "bad"}
_MARKS = {"waiting": "·", "running": "▸", "finished": "✓", "stopped": "–"}
_TONES = {"waiting": "dim", "running": "accent", "finished": "good", "stopped": "warn"}


class RunPanel(QWidget):
    """Follows the run; before it, says what it would do and with which settings."""

    settings_asked = pyqtSignal()
    plan_asked = pyqtSignal()
    frame_asked = pyqtSignal(str)
    """Path of the frame that a message is about."""

    def __init__(self, night: NightModel, run: ReductionModel, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._night = night
        self._run = run
        self._lines: dict[str, tuple[QLabel, QLabel, QProgressBar, QLabel]] = {}
        self.headline = QLabel()
        self.headline.setProperty("role", "heading")
        self.headline.setWordWrap(True)
        self.overall = QProgressBar()
        self.overall.setTextVisible(False)
        self.overall.setFixedHeight(12)
        self.waiting = QLabel()
        self.waiting.setProperty("role", "dim")
        self.waiting.setWordWrap(True)
        self._grid = QGridLayout()
        self._grid.setHorizontalSpacing(8)
        self._grid.setVerticalSpacing(5)
        # Names give way before the panel asks for more room, which it would take from the image amid a run.
        self._grid.setColumnStretch(1, 5)
        self._grid.setColumnStretch(2, 1)
        self.settings = QLabel()
        self.settings.setWordWrap(True)
        self.said = QListWidget()
        self.said.setWordWrap(True)
        self.said.setTextElideMode(Qt.TextElideMode.ElideNone)
        self.said.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.said.setFrameShape(QListWidget.Shape.NoFrame)
        self.said.setAccessibleName("What the run said")
        self.said.itemActivated.connect(self._go)
        self._lay_out()
        for signal in (run.changed, night.plan_changed, night.night_changed, night.recipe_changed):
            signal.connect(self.follow)
        run.said.connect(self.hear)
        run.begun.connect(self._clear)
        theme_notice().changed.connect(self._wear)
        self.follow()

    def _lay_out(self) -> None:
        change = QPushButton("Settings…")
        change.setProperty("small", "true")
        change.clicked.connect(self.settings_asked)
        plan = QPushButton("Plan")
        plan.setProperty("small", "true")
        plan.clicked.connect(self.plan_asked)
        below = QHBoxLayout()
        below.setSpacing(6)
        below.addWidget(self.settings, 1)
        below.addWidget(change, 0, Qt.AlignmentFlag.AlignTop)
        below.addWidget(plan, 0, Qt.AlignmentFlag.AlignTop)
        box = QVBoxLayout(self)
        box.setContentsMargins(10, 8, 10, 6)
        box.setSpacing(8)
        box.addWidget(self.headline)
        box.addWidget(self.overall)
        box.addLayout(self._grid)
        box.addWidget(self.waiting)
        box.addLayout(below)
        box.addWidget(self.said, 1)
        box.addStretch()
        self.said.hide()

    def follow(self) -> None:
        """Show how far it is."""
        run = self._run
        self.headline.setText(self._headline())
        self.overall.setVisible(run.is_running)
        self.overall.setRange(0, run.total)
        self.overall.setValue(run.done)
        for name in [name for name in self._lines if name not in run.stages]:
            for widget in self._lines.pop(name):
                self._grid.removeWidget(widget)
                widget.deleteLater()
        for stage in run.stages.values():
            self._show_stage(stage)
        survey = self._night.survey
        is_idle = not run.is_running and survey is not None and survey.is_reduced and not survey.is_up_to_date
        self.waiting.setVisible(is_idle)
        self.waiting.setText("\n".join(waiting_reasons(survey)) if is_idle and survey is not None else "")
        self.settings.setText(settings_words(self._night.recipe) if self._night.is_open else "")

    def _headline(self) -> str:
        run, survey, plan = self._run, self._night.survey, self._night.plan
        if run.is_running:
            left = f" · {duration_words(run.eta_s)}" if run.eta_s is not None else ""
            if run.is_stopping:
                return "Stopping; what is finished stays"
            # The button counts the whole, each line below its stage: a third count beside them would be one too many.
            at = f"{'Making the masters' if run.only == 'masters' else 'Reducing'}: {run.stage}"
            return f"{at if run.total else 'Looking what is to be done'}{left}"
        if plan is None:
            return "Planning" if self._night.is_open else "No night is open"
        if survey is not None and survey.is_reduced:
            return "Everything is up to date" if survey.is_up_to_date else "What changed is made anew by Ctrl+R:"
        return f"Ctrl+R {first_run_words(plan, survey)}"

    def _show_stage(self, stage: StageProgress) -> None:
        if stage.name not in self._lines:
            row = self._grid.rowCount()
            line = (QLabel(), ElidedLabel(stage.name), QProgressBar(), QLabel())
            line[2].setTextVisible(False)
            line[2].setMinimumWidth(BAR_PX[0])
            line[2].setFixedHeight(BAR_PX[1])
            line[3].setFont(mono_font())
            line[3].setAlignment(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
            for column, widget in enumerate(line):
                self._grid.addWidget(widget, row, column, Qt.AlignmentFlag.AlignVCenter)
            self._lines[stage.name] = line
        mark, _name, bar, count = self._lines[stage.name]
        mark.setText(_MARKS[stage.state])
        mark.setStyleSheet(f"color: {theme().hex(_TONES[stage.state])}")
        bar.setRange(0, stage.total)
        bar.setValue(stage.done)
        more = [f"{stage.failed} failed"] * bool(stage.failed) + ["stopped"] * (stage.state == "stopped")
        count.setText(" · ".join([f"{stage.done}/{stage.total}", *more]))
        count.setToolTip(f"{stage.cached} more were up to date" if stage.cached else "")

    def hear(self, events: Iterable[Event]) -> None:
        """Keep what was said, warnings and failures in their tone; a click twice goes to the frame."""
        for event in events:
            if event.kind not in {"message", "failed"} or not event.text:
                continue
            mark = {"info": "", "warning": "▲ ", "error": "! "}[event.level]
            about = f"{event.path.rsplit('/', 1)[-1]}: " if event.path and event.path not in event.text else ""
            item = QListWidgetItem(f"{mark}{about}{in_window(event.text)}")
            item.setData(Qt.ItemDataRole.UserRole, event.path)
            item.setToolTip(as_written(in_window(event.text)))
            item.setData(_LEVEL, event.level)
            item.setForeground(theme().colour(_LEVEL_TONES[event.level]))
            self.said.addItem(item)
            self.said.show()
            while self.said.count() > MOST_SAID:
                self.said.takeItem(0)
        self.said.scrollToBottom()

    def _wear(self) -> None:
        """Put on the colours of another theme."""
        for number in range(self.said.count()):
            if (item := self.said.item(number)) is not None:
                item.setForeground(theme().colour(_LEVEL_TONES[item.data(_LEVEL)]))
        self.follow()

    def _clear(self) -> None:
        self.said.clear()
        self.said.hide()

    def _go(self, item: QListWidgetItem) -> None:
        path = item.data(Qt.ItemDataRole.UserRole)
        if path:
            self.frame_asked.emit(path)


def settings_words(recipe: Recipe) -> str:
    """Say which settings are not the default."""
    from pipeline_core.config import Recipe as Defaults  # noqa: PLC0415 - pydantic, after the window is painted
    from pipeline_core.recipe_file import recipe_changes  # noqa: PLC0415 - the scan has imported it

    changes = recipe_changes(Defaults(), recipe)
    if not changes:
        return "Settings: all at their defaults"
    said = [setting_words(name, value) for name, value in list(changes.items())[:4]]
    rest = f" and {len(changes) - 4} more" if len(changes) > 4 else ""
    return f"Settings changed: {', '.join(said)}{rest}"
