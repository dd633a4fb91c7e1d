"""What came of the night: masters, calibrated frames, noise before and after, warnings, where the files are."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PyQt6.QtCore import Qt, pyqtSignal
from PyQt6.QtWidgets import (
    QFormLayout,
    QHBoxLayout,
    QLabel,
    QMenu,
    QPushButton,
    QTreeWidget,
    QTreeWidgetItem,
    QVBoxLayout,
    QWidget,
)

from astep_gui.actions import PROGRAMS
from astep_gui.models.tip_words import wrapped
from astep_gui.theme import icon, theme, theme_notice
from astep_gui.widgets.elided_label import ElidedLabel
from astep_gui.widgets.wrapped_rows import wrap
from pipeline_core.measures import to_look_at
from pipeline_core.types import FrameKind

if TYPE_CHECKING:
    from collections.abc import Sequence

    from astep_gui.models.night_model import NightModel
    from astep_gui.models.reduction_model import ReductionModel
    from pipeline_core.noise_summary import NoiseSummary
    from pipeline_core.reduce import Reduction
    from pipeline_core.survey import Survey

_MASTER, _PATHS = Qt.ItemDataRole.UserRole, Qt.ItemDataRole.UserRole + 1
_MARKS = {"up to date": ("✓", "good"), "changed": ("▲", "warn"), "not made": ("·", "dim")}


class ResultsPanel(QWidget):
    """Follows the output folder; after a run it is the run's summary."""

    folder_asked = pyqtSignal()
    report_asked = pyqtSignal()
    export_asked = pyqtSignal(str)
    """The program that the frames are for."""
    calibrated_asked = pyqtSignal()
    """Show the current frame as it was calibrated."""
    master_asked = pyqtSignal(str)
    frames_asked = pyqtSignal(list)

    def __init__(self, night: NightModel, run: ReductionModel, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._night = night
        self._run = run
        self._listed: list[tuple[str, list[_Line]]] | None = None
        self.headline = QLabel()
        self.headline.setProperty("role", "heading")
        self.headline.setWordWrap(True)
        self._form = QFormLayout()
        self._form.setHorizontalSpacing(12)
        self._form.setVerticalSpacing(4)
        self.facts: dict[str, QLabel] = {}
        for name in ("Frames", "Masters", "Noise", "Solved", "To look at", "Took"):
            label, value = QLabel(name), QLabel()
            label.setProperty("role", "dim")
            value.setWordWrap(True)
            value.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
            self._form.addRow(label, value)
            self.facts[name] = value
        self.where = ElidedLabel()
        place = QLabel("Files")
        place.setProperty("role", "dim")
        self._form.addRow(place, self.where)
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
            *(run.changed, night.survey_changed, night.night_changed, night.selection_changed),
            *(night.plan_changed, night.needs_changed),
        ):
            signal.connect(self.follow)
        theme_notice().changed.connect(self._wear)
        self.follow()

    def _lay_out(self) -> None:
        self.folder = QPushButton(icon("open"), "Folder")
        self.folder.setToolTip("Show the results in the file manager (Ctrl+Shift+R)")
        self.folder.clicked.connect(self.folder_asked)
        self.report = QPushButton(icon("report"), "Report")
        self.report.setToolTip("One HTML file of the night (Ctrl+P)")
        self.report.clicked.connect(self.report_asked)
        self.export = QPushButton(icon("export"), "Export")
        self.export.setToolTip("Accepted frames for Tycho Tracker, Astrometrica or Siril")
        menu = QMenu(self.export)
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
        box = QVBoxLayout(self)
        box.setContentsMargins(10, 8, 10, 6)
        box.setSpacing(8)
        box.addWidget(self.headline)
        box.addLayout(self._form)
        box.addLayout(first)
        box.addLayout(second)
        box.addWidget(self.tree, 1)

    # -- following -------------------------------------------------------------------------------------------

    def follow(self) -> None:
        """Show what is there."""
        survey, place, result = self._night.survey, self._night.place, self._run.result
        is_reduced = survey is not None and survey.is_reduced
        self.folder.setEnabled(place is not None and place.output.is_dir())
        for button in (self.report, self.export):
            button.setEnabled(is_reduced)
        is_finished = survey is not None and self._night.current in survey.calibrated
        self.calibrated.setEnabled(is_finished or self._night.current in self._night.finished)
        self.where.setText(str(place.output) if place is not None else "")
        if self._run.is_running:
            self.headline.setText("A run is on; what is finished can be looked at")
        else:
            self.headline.setText(headline(result) if result is not None else _standing(survey))
        says = _facts(result) if result is not None else _known(survey, self._night)
        if "To look at" in says:
            says["To look at"] = _suggested(self._night, result)
        for name, value in self.facts.items():
            value.setText(says.get(name, ""))
            self._form.setRowVisible(value, name in says)
        self._list(survey, result)

    def _wear(self) -> None:
        """List all anew, in the colours of another theme."""
        self._listed = None
        self.follow()

    def _list(self, survey: Survey | None, result: Reduction | None) -> None:
        wanted = self._branches(survey, result)
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
            for words, tone, master, paths in lines:
                line = QTreeWidgetItem([words])
                line.setForeground(0, theme().colour(tone))
                line.setData(0, _MASTER, master)
                line.setData(0, _PATHS, list(paths))
                line.setToolTip(0, wrapped(words))
                branch.addChild(line)
            branch.setExpanded(len(lines) <= 12 or title.startswith(("Failed", "Masters")))

    def _branches(self, survey: Survey | None, result: Reduction | None) -> list[tuple[str, list[_Line]]]:
        branches: list[tuple[str, list[_Line]]] = []
        failed: list[_Line] = (
            [(f"! {path}: {why}", "bad", "", (path,)) for path, why in result.failed] if result else []
        )
        branches += [(f"Failed · {len(failed)}", failed)] if failed else []
        masters: list[_Line] = []
        for master in survey.masters if survey is not None else ():
            mark, tone = _MARKS[master.state]
            told = master.why or (_counted(len(master.frames)) if master.frames else self._made_of(master.name))
            told = f" · {told}" if told else ""
            masters.append((f"{mark} {master.name}{told}", "text" if tone == "good" else tone, master.name, ()))
        branches += [(f"Masters · {len(masters)}", masters)] if masters else []
        left: list[_Line] = [(f"· {name} · of an earlier plan", "dim", "", ()) for name in self._left_over(survey)]
        branches += [(f"Not used now · {len(left)}", left)] if left else []
        known = survey.warnings if survey is not None and not self._run.is_running else ()
        warnings = result.warnings if result is not None else known
        warned: list[_Line] = [(f"▲ {words}", "warn", "", ()) for words in warnings]
        branches += [(f"Warnings · {len(warned)}", warned)] if warned else []
        reasons: dict[str, list[str]] = {}
        for path, why in self._night.rejected.items():
            reasons.setdefault(why or "no reason given", []).append(path)
        rejected: list[_Line] = [
            (f"✕ {why} · {_counted(len(paths))}", "text", "", tuple(paths)) for why, paths in reasons.items()
        ]
        branches += [(f"Rejected · {len(self._night.rejected)}", rejected)] if rejected else []
        return branches

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
        master, paths = line.data(0, _MASTER), line.data(0, _PATHS)
        if master:
            self.master_asked.emit(master)
        elif paths:
            self.frames_asked.emit(paths)


_Line = tuple[str, str, str, "Sequence[str]"]
"""Words, tone, master's name or "", paths."""


def headline(result: Reduction) -> str:
    """Say in one line how the run ended."""
    counts = result.counts
    if result.failed:
        return f"! Finished, {len(result.failed)} failed"
    if not counts["done"] and not any(state == "made" for state in result.masters.values()):
        # Judging makes no product: nothing was up to date for the person who asked for it.
        return f"✓ {_counted(result.judged)} judged anew" if result.judged else "✓ Everything was up to date"
    if not counts["done"]:
        made = sum(state == "made" for state in result.masters.values())
        return f"✓ {made} master{'' if made == 1 else 's'} made"
    return f"✓ {_counted(counts['done'])} calibrated"


def _facts(result: Reduction) -> dict[str, str]:
    counts = result.counts
    made = sum(state == "made" for state in result.masters.values())
    says = {"cached": "up to date", "failed": "failed", "left_out": "left out"}
    frames = [f"{counts['done']} calibrated", *(f"{counts[name]} {how}" for name, how in says.items() if counts[name])]
    facts = {"Frames": " · ".join(frames), "Masters": f"{made} made · {len(result.masters) - made} were up to date"}
    if result.noise is not None:
        facts["Noise"] = _two_lines(result.noise)
    if result.sky is not None:
        facts["Solved"] = f"{result.sky.solved} of {_counted(len(result.sky.frames))}"
    elif result.sky_words:
        facts["Solved"] = f"none: {in_the_window(result.sky_words)}"
    facts["To look at"] = ""
    facts["Took"] = f"{result.seconds:.0f} s · {result.peak_memory_mb / 1000:.1f} GB of memory at most"
    return facts


def in_the_window(words: str) -> str:
    """Return what was said for the command line with the way that the window has: clauses that name a command go."""
    clauses = words.split("; ")
    kept = [clause for clause in clauses if "`astep" not in clause]
    # A parenthesis that was opened in a clause that stays, and closed in one that goes, is closed here.
    kept = [clause + ")" * max(0, clause.count("(") - clause.count(")")) for clause in kept]
    return "; ".join([*kept, "Sky (Shift+S) solves with hints"] if len(kept) < len(clauses) else kept)


def _known(survey: Survey | None, night: NightModel) -> dict[str, str]:
    """Sum up what lies in the results, by the rules of a run: rejected frames are not counted."""
    if survey is None or not survey.is_reduced:
        return {}
    ready = sum(master.state == "up to date" for master in survey.masters)
    accepted = sum(path not in night.rejected for path in survey.calibrated)
    frames = [night.frame(path) for path in night.left_out]
    left = sum(frame is not None and frame.kind is FrameKind.SCIENCE for frame in frames)
    facts = {
        "Frames": f"{accepted} calibrated" + (f" · {left} left out" if left else ""),
        "Masters": f"{ready} of {len(survey.masters)} up to date",
    }
    if survey.noise is not None:
        facts["Noise"] = _two_lines(survey.noise)
    if survey.solved is not None:
        facts["Solved"] = f"{survey.solved[0]} of {_counted(survey.solved[1])}"
    elif survey.sky_words:
        facts["Solved"] = f"none: {in_the_window(survey.sky_words)}"
    return facts | {"To look at": ""}


def _suggested(night: NightModel, result: Reduction | None) -> str:
    """Say how many frames wait for an answer now: those that a person settled since the run wait no more."""
    rows = night.rows.values()
    number = len(to_look_at(rows, night.rejected, night.choices.kept)) if rows else result.flagged if result else 0
    return f"{_counted(number)} suggested" if number else "nothing is suggested"


def _two_lines(noise: NoiseSummary) -> str:
    return noise.words().replace(" · ", "\n")


_NO_RESULTS = "There are no results yet: Ctrl+R reduces the night"
_BROKEN_OFF = "▲ A run was broken off; Ctrl+R goes on"


def _standing(survey: Survey | None) -> str:
    if survey is None or not survey.is_reduced:
        return _BROKEN_OFF if survey is not None and survey.was_broken_off else _NO_RESULTS
    if survey.is_up_to_date:
        return "✓ Reduced; everything is up to date"
    if survey.was_broken_off:
        return _BROKEN_OFF
    return "▲ Reduced, but decisions changed since: Ctrl+R makes anew what they change"


def _counted(number: int) -> str:
    return f"{number} frame{'' if number == 1 else 's'}"
