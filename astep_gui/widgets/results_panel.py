"""What came of the night: masters, calibrated frames, noise before and after, warnings, where the files are."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PyQt6.QtCore import Qt, pyqtSignal
from PyQt6.QtWidgets import (
    QGridLayout,
    QHBoxLayout,
    QLabel,
    QMenu,
    QPushButton,
    QScrollArea,
    QVBoxLayout,
    QWidget,
)

from astep_gui.actions import PROGRAMS
from astep_gui.models.held_together import held_together
from astep_gui.models.results_words import (
    BEFORE_CHANGES,
    FACT_TIPS,
    headline,
    known_facts,
    old_reports_words,
    run_facts,
    standing_words,
    suggested_words,
    told_findings,
    verdicts_words,
)
from astep_gui.models.short_titles import ShortTitles
from astep_gui.models.tip_words import wrapped
from astep_gui.theme import icon, theme_notice
from astep_gui.widgets.elided_label import ElidedLabel
from astep_gui.widgets.full_well_question import FullWellQuestion
from astep_gui.widgets.gravest_warnings import GravestWarnings
from astep_gui.widgets.kept_sight import KeptSight
from astep_gui.widgets.night_sentence import NightSentence
from astep_gui.widgets.results_list import ResultsList
from astep_gui.widgets.turning_button import Turning
from astep_gui.widgets.whole_label import WholeLabel
from pipeline_core.findings import gravest
from pipeline_core.report_state import REPORTS, reports_of

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from PyQt6.QtGui import QShowEvent
    from PyQt6.QtWidgets import QTreeWidgetItem

    from astep_gui.models.errands import Errands
    from astep_gui.models.judgements import ChangedVerdicts
    from astep_gui.models.night_model import NightModel
    from astep_gui.models.reduction_model import ReductionModel
    from pipeline_core.findings import Finding
    from pipeline_core.well_check import FullWell

_ERRANDS = ("report", "export")
MOST_GRAVE = 3
"""Warnings over the facts; the list below has all."""


class ResultsPanel(QWidget):
    """Follows the output folder; after a run it is the run's summary."""

    folder_asked = pyqtSignal()
    report_asked = pyqtSignal()
    reports_asked = pyqtSignal(list)
    """Names of reports to be written anew, without being shown."""
    stop_asked = pyqtSignal(str)
    """The errand ("report" or "export") whose button says "Cancel"."""
    file_asked = pyqtSignal(str)
    """Name of a file of the results, to be opened."""
    export_asked = pyqtSignal(str)
    """The program that the frames are for."""
    calibrated_asked = pyqtSignal()
    """Show the current frame as it was calibrated."""
    master_asked = pyqtSignal(str)
    frames_asked = pyqtSignal(list)
    saturation_chosen = pyqtSignal(float)
    """The level (ADU) that a question about the run proposes."""
    saturation_undone = pyqtSignal()
    """That answer is to be taken back."""
    look_asked = pyqtSignal(str, float)
    """Path of a frame in which wells fill, and the level (ADU)."""

    def __init__(self, night: NightModel, run: ReductionModel, errands: Errands, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._night = night
        self._titles = ShortTitles(night)
        self._run = run
        self._errands = errands
        self._running: list[bool] = []
        """Of the errands that have a button here, whether each is on."""
        self._told_of: tuple[object, dict[str, bool]] = None, {}
        """Output, state of the night and times of the reports, and which reports are old then."""
        self.headline = WholeLabel()
        self.headline.setProperty("role", "heading")
        # A grid, not a form, which reckons with wrapped words at another width than it gives them.
        self._rows = QGridLayout()
        self._rows.setHorizontalSpacing(12)
        self._rows.setVerticalSpacing(4)
        self._rows.setColumnStretch(1, 1)
        self._names: dict[str, QLabel] = {}
        self.facts: dict[str, WholeLabel] = {}
        for name in ("Frames", "Masters", "Noise", "Saturated", "Solved", "To look at", "Took"):
            value = self.facts[name] = WholeLabel()
            value.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
            self._add_row(name, value)
            for widget in (self._names[name], value):
                widget.setToolTip(wrapped(FACT_TIPS.get(name, "")))
        self.sentence = NightSentence(night)
        self._make_verdicts()
        self.gravest = GravestWarnings()
        self.gravest.frames_asked.connect(self.frames_asked)
        self.full_wells = FullWellQuestion()
        self.full_wells.saturation_chosen.connect(self.saturation_chosen)
        self.full_wells.undo_asked.connect(self.saturation_undone)
        self.full_wells.look_asked.connect(self.look_asked)
        self.where = ElidedLabel()
        self.tree = ResultsList(night)
        self.tree.file_asked.connect(self.file_asked)
        self.tree.master_asked.connect(self.master_asked)
        self.tree.frames_asked.connect(self.frames_asked)
        self._lay_out()
        for signal in (
            *(run.changed, night.survey_changed, night.night_changed, night.plan_changed, night.needs_changed),
        ):
            signal.connect(self.follow)
        night.quality_changed.connect(self._follow_quality)
        night.recipe_changed.connect(self._follow_recipe)
        errands.changed.connect(self._errand_told)
        night.selection_changed.connect(self._follow_current)
        theme_notice().changed.connect(self._wear)
        self.follow()

    def _lay_out(self) -> None:
        self.folder = QPushButton(icon("open"), "Open folder")
        self.folder.setToolTip("Show the results in the file manager (Ctrl+Shift+R)")
        self.folder.clicked.connect(self.folder_asked)
        self.report = QPushButton(icon("report"), "Report")
        self.report.setToolTip("One HTML file of the night (Ctrl+P)")
        self.report.clicked.connect(
            lambda: self.stop_asked.emit("report") if self._errands.is_running("report") else self.report_asked.emit()
        )
        self.export = QPushButton(icon("export"), "Export")
        self.export.setToolTip("Accepted frames for Tycho Tracker, Astrometrica or Siril")
        self.export.clicked.connect(lambda: self.stop_asked.emit("export"))  # while it has no menu
        self._turning = {"report": Turning(self.report), "export": Turning(self.export)}
        menu = self._programs = QMenu(self.export)
        for program, words in PROGRAMS.items():
            action = menu.addAction(f"For {words}…")
            assert action is not None
            action.triggered.connect(lambda _on, name=program: self.export_asked.emit(name))
        self.export.setMenu(menu)
        self.calibrated = QPushButton(icon("image"), "Show calibrated")
        self.calibrated.setToolTip("The current frame as its calibrated file holds it (Y)")
        self.calibrated.clicked.connect(self.calibrated_asked)
        first, second = QHBoxLayout(), QHBoxLayout()
        for row, buttons in ((first, (self.folder, self.report)), (second, (self.export, self.calibrated))):
            row.setSpacing(6)
            for button in buttons:
                row.addWidget(button, 1)
        # A dock gives wrapped words no height of their own: what holds them scrolls instead of cutting them.
        inside, area, whole = QWidget(), QScrollArea(), QVBoxLayout(self)
        area.setFrameShape(QScrollArea.Shape.NoFrame)
        area.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        # The list below is as high as its lines, which wrap by the width: a bar that comes and goes made both change
        # each other without end, and the program crashed.
        area.setVerticalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOn)
        area.setWidgetResizable(True)
        area.setFocusPolicy(Qt.FocusPolicy.NoFocus)  # its buttons and lines have it
        area.setWidget(inside)
        whole.setContentsMargins(0, 0, 0, 0)
        whole.addWidget(area)
        box = QVBoxLayout(inside)
        box.setContentsMargins(10, 8, 10, 6)
        box.setSpacing(8)
        box.addWidget(self.headline)
        box.addWidget(self.sentence)
        box.addWidget(self._make_old_reports())
        box.addLayout(self._folder_line())
        box.addLayout(first)  # what is done with results stays in sight, however much there is to be read
        box.addLayout(second)
        box.addWidget(self.sentence.advice)
        box.addWidget(self.full_wells)
        box.addWidget(self.gravest)
        box.addLayout(self._rows)
        box.addWidget(self.tree)
        box.addStretch(1)
        self._sight = KeptSight(area, self.tree)
        self.tree.currentItemChanged.connect(lambda line: self._bring_into_sight(area, line))

    def _folder_line(self) -> QHBoxLayout:
        """Say where the files are, over what can be done with them."""
        line, name = QHBoxLayout(), QLabel("Folder")
        line.setSpacing(8)
        name.setProperty("role", "dim")
        line.addWidget(name)
        line.addWidget(self.where, 1)
        return line

    def _bring_into_sight(self, area: QScrollArea, line: QTreeWidgetItem | None) -> None:
        """Let the panel follow the arrow keys down the list, which does not scroll itself."""
        inside = area.widget()
        if line is None or inside is None or not self.tree.hasFocus():
            return
        row, viewport = self.tree.visualItemRect(line), self.tree.viewport()
        assert viewport is not None, "every list has one"
        at = viewport.mapTo(inside, row.center())
        area.ensureVisible(at.x(), at.y(), 0, row.height())

    def _make_old_reports(self) -> QWidget:
        """Say that a report is old, with the one click that mends it."""
        self.old_reports = QWidget()
        self.old_words = WholeLabel()
        self.old_words.setProperty("role", "warn")
        self.anew = QPushButton("Write anew")
        self.anew.setProperty("small", "true")
        # A click that takes the button away would throw the focus into the list, and the panel would follow it there.
        self.anew.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        self.anew.setToolTip("Write the report with what is decided and made now")
        self.anew.clicked.connect(self._ask_anew)
        row = QHBoxLayout(self.old_reports)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(8)
        row.addWidget(self.old_words, 1)
        row.addWidget(self.anew, 0, Qt.AlignmentFlag.AlignTop)
        return self.old_reports

    def _make_verdicts(self) -> None:
        """Say which verdicts the last run changed, with the click that shows those frames: it is news of the night."""
        self.verdicts = QWidget()
        self.verdict_words = WholeLabel()
        self.show_verdicts = QPushButton("Show")
        self.show_verdicts.setProperty("small", "true")
        self.show_verdicts.setToolTip("Select the frames whose verdict the last run changed")
        self.show_verdicts.clicked.connect(lambda: self.frames_asked.emit(self._changed_verdicts()))
        row = QHBoxLayout(self.verdicts)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(8)
        name = QLabel("Verdicts")
        name.setProperty("role", "dim")
        row.addWidget(name, 0, Qt.AlignmentFlag.AlignTop)
        row.addWidget(self.verdict_words, 1)
        row.addWidget(self.show_verdicts, 0, Qt.AlignmentFlag.AlignTop)
        self.sentence.put_below(self.verdicts)

    def _known_well(self) -> FullWell | None:
        """Return what the last run saw of wells that fill below what is taken for full."""
        from pipeline_core.well_check import known_well  # noqa: PLC0415 - it stands on the plan

        result, survey = self._run.result, self._night.survey
        if self._run.is_running or self._night.place is None:
            return None
        return result.full_well if result is not None else known_well(survey.last_run if survey is not None else None)

    def _follow_full_wells(self) -> None:
        """Ask about full wells; tell the answer, where a person has said that they are masked."""
        well = self._known_well()
        decided_adu = self._night.recipe.calibrate.saturation_adu if well is not None else None
        if well is not None and decided_adu is not None and decided_adu <= well.level_adu:
            self.full_wells.tell_answer(well, decided_adu)
        else:
            self.full_wells.ask(None if decided_adu is not None else well)

    def _findings(self) -> Sequence[Finding]:
        """Return what the last run warned of; while one is on, nothing is known."""
        if self._run.is_running:
            return ()
        survey = self._night.survey
        return told_findings(self._run.result, survey.last_run if survey is not None else None)

    def _follow_warnings(self) -> None:
        well = self._known_well()
        if well is not None:  # only then is the recipe read: nothing heavy before the window is there
            decided_adu = self._night.recipe.calibrate.saturation_adu
            if decided_adu is not None and decided_adu > well.level_adu:
                well = None  # that question is not asked: the warning stands here
        others = [one for one in self._findings() if well is None or one != well.finding]  # the question says that one
        shown = gravest(others, MOST_GRAVE)
        self.gravest.show_findings(shown, len(others) - len(shown))

    def showEvent(self, event: QShowEvent | None) -> None:  # noqa: N802 - Qt's name
        """Say what nobody could read before."""
        super().showEvent(event)
        self.sentence.follow()

    # -- following -------------------------------------------------------------------------------------------

    def follow(self) -> None:
        """Show what is there."""
        with self._sight.kept():
            self._follow_all()

    def _follow_quality(self) -> None:
        with self._sight.kept():
            self._follow_verdicts()
            self.sentence.follow()

    def _follow_recipe(self) -> None:
        with self._sight.kept():
            self._follow_full_wells()
            self._follow_warnings()

    def _follow_all(self) -> None:
        survey, place, result = self._night.survey, self._night.place, self._run.result
        is_reduced = survey is not None and survey.is_reduced
        self.folder.setEnabled(place is not None and place.output.is_dir())
        self._follow_errands(is_reduced=is_reduced)
        reports = self._reports()
        words = old_reports_words(reports)
        self.old_reports.setVisible(bool(words))
        self.old_words.setText(words)
        self._follow_current()
        beside = place is not None and place.output.parent == place.night.parent
        name = place.output.name if place is not None else ""
        self.where.say(
            str(place.output) if place is not None else "", f"{name}, beside the night" if beside else "", name
        )
        if self._run.is_running:
            self.headline.setText("A run is on; what is finished can be looked at")
        else:
            since = f" · {BEFORE_CHANGES}" if self._run.is_overtaken else ""
            self.headline.setText(f"{headline(result)}{since}" if result is not None else standing_words(survey))
        says = run_facts(result) if result is not None else known_facts(survey, self._night)
        if "To look at" in says:
            says["To look at"] = suggested_words(self._night, result)
        for name, value in self.facts.items():
            value.setText(held_together(says.get(name, "")))
            for widget in (self._names[name], value):
                widget.setVisible(name in says)
        self.sentence.follow(is_wanted=is_reduced and not self._run.is_running)
        self._follow_verdicts()
        self._follow_full_wells()
        self._follow_warnings()
        self.tree.show_results(survey, result, self._findings(), reports, is_running=self._run.is_running)

    def _add_row(self, name: str, value: QWidget) -> None:
        row, label = len(self._names), QLabel(name)
        label.setProperty("role", "dim")
        self._names[name] = label
        self._rows.addWidget(label, row, 0, Qt.AlignmentFlag.AlignTop)
        self._rows.addWidget(value, row, 1)

    def _changed_by_run(self) -> ChangedVerdicts:
        """Return the verdicts that the last run changed and that nobody has answered."""
        return self._night.judgements.changed_by_run({*self._night.rejected, *self._night.choices.kept})

    def _changed_verdicts(self) -> list[str]:
        return [path for group in self._changed_by_run() for path in group]

    def _follow_verdicts(self) -> None:
        words = verdicts_words(self._changed_by_run(), self._titles.name) if not self._run.is_running else ""
        self.verdict_words.setText(words)
        self.verdicts.setVisible(bool(words))

    def _follow_current(self) -> None:
        survey, current = self._night.survey, self._night.current
        is_finished = survey is not None and current in survey.calibrated
        self.calibrated.setEnabled(is_finished or current in self._night.finished)

    def _errand_told(self) -> None:
        """Follow an errand: how far it is at each of its ticks, what it made once it is over."""
        survey = self._night.survey
        if [self._errands.is_running(name) for name in _ERRANDS] != self._running:
            self.follow()
        else:
            self._follow_errands(is_reduced=survey is not None and survey.is_reduced)

    def _follow_errands(self, *, is_reduced: bool) -> None:
        """Let a button cancel for as long as what it began is on."""
        errands = self._errands
        self._running = [errands.is_running(name) for name in _ERRANDS]
        for name, button, words, sign in (
            ("report", self.report, "Report", "report"),
            ("export", self.export, "Export", "export"),
        ):
            is_running = errands.is_running(name)
            self._turning[name].turn(cancels=is_running)
            button.setText(errands.words(name, words))
            button.setIcon(icon("cancel" if is_running else sign))
            button.setEnabled(not errands.is_stopping(name) if is_running else is_reduced)
        self.export.setMenu(None if errands.is_running("export") else self._programs)
        self.anew.setEnabled(not errands.is_running("report") and not self._run.is_running)

    def _reports(self) -> dict[str, bool]:
        """Return the reports that are there, and whether each is old; while a run is on, that is not known."""
        survey, place = self._night.survey, self._night.place
        if survey is None or place is None or not survey.state or self._run.is_running:
            return {}
        asked = (place.output, survey.state, [_stamp(place.output / name) for name in REPORTS])
        if self._told_of[0] != asked:  # followed are plans and needs too, of which most change no report
            self._told_of = asked, reports_of(place.output, survey.state)
        return self._told_of[1]

    def _ask_anew(self) -> None:
        self.reports_asked.emit([name for name, is_old in self._reports().items() if is_old])

    def _wear(self) -> None:
        """List all anew, in the colours of another theme."""
        self.tree.wear()
        self.follow()


def _stamp(file: Path) -> tuple[int, int]:
    """Return by what it is seen that a file is another one: its time (ns) and size (bytes), 0 where there is none."""
    try:
        told = file.stat()
    except OSError:
        return 0, 0
    return told.st_mtime_ns, told.st_size
