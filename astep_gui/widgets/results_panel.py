"""What came of the night: masters, calibrated frames, noise before and after, warnings, where the files are."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PyQt6.QtCore import QElapsedTimer, Qt, pyqtSignal
from PyQt6.QtWidgets import (
    QApplication,
    QGridLayout,
    QHBoxLayout,
    QLabel,
    QMenu,
    QPushButton,
    QScrollArea,
    QTreeWidget,
    QTreeWidgetItem,
    QVBoxLayout,
    QWidget,
)

from astep_gui.actions import PROGRAMS
from astep_gui.models.held_together import held_together
from astep_gui.models.results_words import (
    BEFORE_CHANGES,
    FILES,
    counted,
    headline,
    known_facts,
    old_reports_words,
    run_facts,
    standing_words,
    suggested_words,
    verdicts_words,
)
from astep_gui.models.tip_words import wrapped
from astep_gui.models.window_words import in_window
from astep_gui.theme import icon, theme, theme_notice
from astep_gui.widgets.elided_label import ElidedLabel
from astep_gui.widgets.turning_button import Turning
from astep_gui.widgets.whole_label import WholeLabel
from astep_gui.widgets.wrapped_rows import ROW_PX, wrap
from pipeline_core.report_state import REPORTS, reports_of

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from astep_gui.models.errands import Errands
    from astep_gui.models.night_model import NightModel
    from astep_gui.models.reduction_model import ReductionModel
    from pipeline_core.reduction_told import Reduction
    from pipeline_core.survey import Survey

_MASTER, _PATHS, _FILE = (Qt.ItemDataRole.UserRole + k for k in range(3))
_ERRANDS = ("report", "export")
LEAST_LINES = 9
"""Of masters, warnings and files in sight at least; where the panel is lower, it scrolls as a whole."""
_MARKS = {"up to date": ("✓", "good"), "changed": ("▲", "warn"), "not made": ("·", "dim")}


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
    """The level (ADU) that a warning of the run proposes."""

    def __init__(self, night: NightModel, run: ReductionModel, errands: Errands, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._night = night
        self._run = run
        self._errands = errands
        self._opened = QElapsedTimer()
        self._listed: list[tuple[str, list[_Line]]] | None = None
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
        for name in ("Frames", "Masters", "Noise", "Solved", "To look at", "Took"):
            value = self.facts[name] = WholeLabel()
            value.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
            self._add_row(name, value)
        self._make_verdicts()
        self.where = ElidedLabel()
        self._add_row("Files", self.where)
        self.tree = QTreeWidget()
        self.tree.setHeaderHidden(True)
        self.tree.setFrameShape(QTreeWidget.Shape.NoFrame)
        self.tree.setIndentation(14)
        self.tree.setAccessibleName("Masters, failures, warnings")
        wrap(self.tree)
        self.tree.itemClicked.connect(self._go)
        self.tree.itemActivated.connect(self._go)
        self._lay_out()
        for signal in (
            *(run.changed, night.survey_changed, night.night_changed, night.plan_changed, night.needs_changed),
        ):
            signal.connect(self.follow)
        night.quality_changed.connect(self._follow_verdicts)
        night.recipe_changed.connect(self._follow_full_wells)
        errands.changed.connect(self._errand_told)
        night.selection_changed.connect(self._follow_current)
        theme_notice().changed.connect(self._wear)
        self.follow()

    def _lay_out(self) -> None:
        self.folder = QPushButton(icon("open"), "Folder")
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
        area.setWidgetResizable(True)
        area.setFocusPolicy(Qt.FocusPolicy.NoFocus)  # its buttons and lines have it
        area.setWidget(inside)
        whole.setContentsMargins(0, 0, 0, 0)
        whole.addWidget(area)
        self.tree.setMinimumHeight(LEAST_LINES * (self.tree.fontMetrics().lineSpacing() + ROW_PX))
        box = QVBoxLayout(inside)
        box.setContentsMargins(10, 8, 10, 6)
        box.setSpacing(8)
        box.addWidget(self.headline)
        box.addWidget(self._make_old_reports())
        box.addWidget(self._make_full_wells())
        box.addLayout(self._rows)
        box.addLayout(first)
        box.addLayout(second)
        box.addWidget(self.tree, 1)

    def _make_old_reports(self) -> QWidget:
        """Say that a report is old, with the one click that mends it."""
        self.old_reports = QWidget()
        self.old_words = WholeLabel()
        self.old_words.setProperty("role", "warn")
        self.anew = QPushButton("Write anew")
        self.anew.setProperty("small", "true")
        self.anew.setToolTip("Write the report with what is decided and made now")
        self.anew.clicked.connect(self._ask_anew)
        row = QHBoxLayout(self.old_reports)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(8)
        row.addWidget(self.old_words, 1)
        row.addWidget(self.anew, 0, Qt.AlignmentFlag.AlignTop)
        return self.old_reports

    def _make_verdicts(self) -> None:
        """Say which verdicts the last run changed, with the click that shows those frames."""
        self.verdicts = QWidget()
        self.verdict_words = WholeLabel()
        self.show_verdicts = QPushButton("Show")
        self.show_verdicts.setProperty("small", "true")
        self.show_verdicts.setToolTip("Select the frames whose verdict the last run changed")
        self.show_verdicts.clicked.connect(lambda: self.frames_asked.emit(self._changed_verdicts()))
        row = QHBoxLayout(self.verdicts)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(8)
        row.addWidget(self.verdict_words, 1)
        row.addWidget(self.show_verdicts, 0, Qt.AlignmentFlag.AlignTop)
        self._add_row("Verdicts", self.verdicts)

    def _make_full_wells(self) -> QWidget:
        """Say that the camera saturates below what is taken for full, with the one click that mends it."""
        self.full_wells = QWidget()
        self.well_words = WholeLabel()
        self.well_words.setProperty("role", "warn")
        self.set_saturation = QPushButton()
        self.set_saturation.setProperty("small", "true")
        self.set_saturation.setToolTip("Decide calibrate.saturation_adu for this night; Ctrl+Z takes it back")
        self.set_saturation.clicked.connect(self._choose_saturation)
        column = QVBoxLayout(self.full_wells)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(4)
        column.addWidget(self.well_words)
        column.addWidget(self.set_saturation, 0, Qt.AlignmentFlag.AlignLeft)
        return self.full_wells

    def _proposed(self) -> float | None:
        """Return the saturation (ADU) that the last run proposes, where it is not decided yet."""
        result, survey = self._run.result, self._night.survey
        told = result if result is not None else survey.last_run if survey is not None else None
        level = told.proposed_saturation_adu if told is not None else None
        if level is None or self._run.is_running or self._night.place is None:
            return None
        decided = self._night.recipe.calibrate.saturation_adu
        return level if decided is None or decided > level else None

    def _choose_saturation(self) -> None:
        if (level := self._proposed()) is not None:
            self.saturation_chosen.emit(level)

    def _follow_full_wells(self) -> None:
        level = self._proposed()
        self.full_wells.setVisible(level is not None)
        if level is not None:
            self.well_words.setText(
                f"▲ The camera seems to saturate from {level:,.0f} ADU on: full pixels are not masked"
            )
            self.set_saturation.setText(f"Set saturation to {level:,.0f} ADU")

    # -- following -------------------------------------------------------------------------------------------

    def follow(self) -> None:
        """Show what is there."""
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
        self._follow_verdicts()
        self._follow_full_wells()
        self._list(survey, result, reports)

    def _add_row(self, name: str, value: QWidget) -> None:
        row, label = len(self._names), QLabel(name)
        label.setProperty("role", "dim")
        self._names[name] = label
        self._rows.addWidget(label, row, 0, Qt.AlignmentFlag.AlignTop)
        self._rows.addWidget(value, row, 1)

    def _changed_verdicts(self) -> list[str]:
        changed = self._night.judgements.changed_by_run(self._night.rejected)
        return [path for group in changed for path in group]

    def _follow_verdicts(self) -> None:
        changed = self._night.judgements.changed_by_run(self._night.rejected)
        words = verdicts_words(changed) if not self._run.is_running else ""
        self.verdict_words.setText(words)
        for widget in (self._names["Verdicts"], self.verdicts):
            widget.setVisible(bool(words))

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
        self._listed = None
        self.follow()

    def _list(self, survey: Survey | None, result: Reduction | None, reports: dict[str, bool]) -> None:
        wanted = self._branches(survey, result) + self._files(reports)
        if wanted == self._listed:
            return  # nothing moves under the cursor while nothing changed
        self._listed = wanted
        self.tree.clear()
        for title, lines in wanted:
            branch = QTreeWidgetItem([title])
            font = branch.font(0)
            font.setBold(True)
            branch.setFont(0, font)
            self.tree.addTopLevelItem(branch)
            for words, tone, master, paths, file in lines:
                line = QTreeWidgetItem([words])
                line.setForeground(0, theme().colour(tone))
                line.setData(0, _MASTER, master)
                line.setData(0, _PATHS, list(paths))
                line.setData(0, _FILE, file)
                line.setToolTip(0, wrapped(words))
                branch.addChild(line)
            branch.setExpanded(len(lines) <= 12 or title.startswith(("Failed", "Masters")))

    def _branches(self, survey: Survey | None, result: Reduction | None) -> list[tuple[str, list[_Line]]]:
        branches: list[tuple[str, list[_Line]]] = []
        failed: list[_Line] = (
            [(f"! {path}: {in_window(why)}", "bad", "", (path,), "") for path, why in result.failed] if result else []
        )
        branches += [(f"Failed · {len(failed)}", failed)] if failed else []
        masters: list[_Line] = []
        for master in survey.masters if survey is not None else ():
            mark, tone = _MARKS[master.state]
            told = master.why or (counted(len(master.frames)) if master.frames else self._made_of(master.name))
            told = f" · {told}" if told else ""
            masters.append((f"{mark} {master.name}{told}", "text" if tone == "good" else tone, master.name, (), ""))
        branches += [(f"Masters · {len(masters)}", masters)] if masters else []
        left: list[_Line] = [(f"· {name} · of an earlier plan", "dim", "", (), "") for name in self._left_over(survey)]
        branches += [(f"Not used now · {len(left)}", left)] if left else []
        known = survey.warnings if survey is not None and not self._run.is_running else ()
        warnings = result.warnings if result is not None else known
        warned: list[_Line] = [(f"▲ {in_window(words)}", "warn", "", (), "") for words in warnings]
        branches += [(f"Warnings · {len(warned)}", warned)] if warned else []
        reasons: dict[str, list[str]] = {}
        for path, why in self._night.rejected.items():
            reasons.setdefault(why or "no reason given", []).append(path)
        rejected: list[_Line] = [
            (f"✕ {why} · {counted(len(paths))}", "text", "", tuple(paths), "") for why, paths in reasons.items()
        ]
        branches += [(f"Rejected · {len(self._night.rejected)}", rejected)] if rejected else []
        return branches

    def _files(self, reports: dict[str, bool]) -> list[tuple[str, list[_Line]]]:
        """List the files of the results that can be opened; a report that is old is marked."""
        place = self._night.place
        if place is None:
            return []
        lines: list[_Line] = []
        for name, what in FILES.items():
            if not (place.output / name).is_file():
                continue
            if reports.get(name, False):
                lines.append((f"▲ {name} · from {BEFORE_CHANGES}", "warn", "", (), name))
            else:
                lines.append((f"{'✓' if name in reports else '·'} {name} · {what}", "text", "", (), name))
        return [(f"Files · {len(lines)}", lines)] if lines else []

    def _made_of(self, name: str) -> str:
        """Say what a mask stands on that no dark's frames are counted for."""
        plan = self._night.plan.master(name) if self._night.plan is not None else None
        return "from flats only" if plan is not None and plan.dark is None and plan.flat is not None else ""

    def _left_over(self, survey: Survey | None) -> list[str]:
        """Return the masters that lie in the results and that the plan does not want any more."""
        place = self._night.place
        if survey is None or place is None or self._run.is_running:
            return []
        wanted = {master.name for master in survey.masters}
        return sorted({file.name.split(".fits")[0] for file in (place.output / "masters").glob("*.fits*")} - wanted)

    def _go(self, line: QTreeWidgetItem, *_: object) -> None:
        master, paths, file = line.data(0, _MASTER), line.data(0, _PATHS), line.data(0, _FILE)
        if file:
            # The second click of a double click says "activated" too: one file is opened once.
            if not self._opened.isValid() or self._opened.hasExpired(QApplication.doubleClickInterval()):
                self.file_asked.emit(file)
            self._opened.start()
        elif master:
            self.master_asked.emit(master)
        elif paths:
            self.frames_asked.emit(paths)


def _stamp(file: Path) -> tuple[int, int]:
    """Return by what it is seen that a file is another one: its time (ns) and size (bytes), 0 where there is none."""
    try:
        told = file.stat()
    except OSError:
        return 0, 0
    return told.st_mtime_ns, told.st_size


_Line = tuple[str, str, str, "Sequence[str]", str]
"""Words, tone, master's name or "", paths, a file's name or ""."""
