"""The list of the results: what failed, masters, files that can be opened, warnings, and what was rejected."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PyQt6.QtCore import QElapsedTimer, QPoint, Qt, pyqtSignal
from PyQt6.QtWidgets import QApplication, QSizePolicy, QTreeWidget, QTreeWidgetItem, QTreeWidgetItemIterator

from astep_gui.models.results_words import BEFORE_CHANGES, FILES, sentence
from astep_gui.models.tip_words import wrapped
from astep_gui.models.window_words import in_window
from astep_gui.theme import theme
from astep_gui.widgets.wrapped_rows import wrap
from pipeline_core.findings import finding_of
from pipeline_core.name_words import counted

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from PyQt6.QtCore import QRect
    from PyQt6.QtWidgets import QWidget

    from astep_gui.models.night_model import NightModel
    from pipeline_core.findings import Finding
    from pipeline_core.reduction_told import Reduction
    from pipeline_core.survey import Survey

_MASTER, _PATHS, _FILE = (Qt.ItemDataRole.UserRole + k for k in range(3))
FOLDERS = {
    "calibrated": ("calibrated frame", "calibrated frames"),
    "rejected": ("calibrated frame that is rejected", "calibrated frames that are rejected"),
    "masters": ("master or mask", "masters and masks"),
    "stacks": ("stack", "stacks"),
}
"""Folders of the results, and what lies in them."""
_MASTERS = "Masters"
"""The branch in which a master has one line."""
_MARKS = {"up to date": ("✓", "good"), "changed": ("▲", "warn"), "not made": ("·", "dim")}


class ResultsList(QTreeWidget):
    """Shows and asks; a click goes to the frames, opens the file or shows the master of a line."""

    file_asked = pyqtSignal(str)
    """Name of a file of the results, to be opened."""
    master_asked = pyqtSignal(str)
    frames_asked = pyqtSignal(list)

    def __init__(self, night: NightModel, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._night = night
        self._opened = QElapsedTimer()
        self._listed: list[tuple[str, list[_Line]]] | None = None
        self.setHeaderHidden(True)
        self.setFrameShape(QTreeWidget.Shape.NoFrame)
        self.setIndentation(14)
        self.setAccessibleName("Masters, failures, warnings")
        wrap(self)
        # As high as all its lines: a box that scrolls inside of a panel that scrolls hides them twice.
        self.setVerticalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.setVerticalScrollMode(QTreeWidget.ScrollMode.ScrollPerPixel)
        self.itemClicked.connect(self._go)
        self.itemActivated.connect(self._go)

    def wear(self) -> None:
        """List all anew the next time, in the colours of another theme."""
        self._listed = None

    def show_results(
        self,
        survey: Survey | None,
        result: Reduction | None,
        findings: Sequence[Finding],
        reports: dict[str, bool],
        *,
        is_running: bool,
    ) -> None:
        """List what is there.

        Parameters
        ----------
        survey : Survey or None
            None while it is not known.
        result : Reduction or None
            Of the run that ended here.
        findings : sequence of Finding
            What the last run warned of.
        reports : dict
            Name of a report that is there → whether it is old.
        is_running : bool
            What lies there, and what was warned of, is not known then.
        """
        files = self._files(None if is_running else survey, reports)
        wanted = self._branches(survey, result, findings, files, is_running=is_running)
        if wanted == self._listed:
            return  # nothing moves under the cursor while nothing changed
        self._listed = wanted
        branches = [self.topLevelItem(k) for k in range(self.topLevelItemCount())]
        unfolded = {_stem(branch): branch.isExpanded() for branch in branches if branch is not None}
        current = self.currentItem()
        chosen = _key_of(current) if current is not None else None
        self.clear()
        for title, lines in wanted:
            branch = QTreeWidgetItem([title])
            font = branch.font(0)
            font.setBold(True)
            branch.setFont(0, font)
            self.addTopLevelItem(branch)
            for words, tone, master, paths, file in lines:
                line = QTreeWidgetItem([words])
                line.setForeground(0, theme().colour(tone))
                line.setData(0, _MASTER, master)
                line.setData(0, _PATHS, list(paths))
                line.setData(0, _FILE, file)
                line.setToolTip(0, wrapped(words))
                branch.addChild(line)
            is_short = len(lines) <= 12 or title.startswith(("Failed", _MASTERS))
            branch.setExpanded(unfolded.get(_stem(branch), is_short))  # else as a person folded it
        self._stay_on(chosen)
        self._claim()

    def _stay_on(self, chosen: tuple[str, str] | None) -> None:
        """Make the line current again that was; nobody has gone there anew."""
        line = self._line(chosen) if chosen is not None else None
        if line is not None:
            was_blocked = self.blockSignals(True)  # noqa: FBT003 - Qt's own way
            self.setCurrentItem(line)
            self.blockSignals(was_blocked)

    def lines_seen(self) -> list[tuple[tuple[str, str], QRect]]:
        """Return the lines that are not folded away: by what each is known again, and where it lies in the viewport."""
        self.executeDelayedItemsLayout()
        return [(_key_of(line), self.visualItemRect(line)) for line in self._lines() if self._is_unfolded(line)]

    def place_of(self, key: tuple[str, str]) -> QRect | None:
        """Return where a line lies in the viewport; None for one that is gone or folded away."""
        self.executeDelayedItemsLayout()
        line = self._line(key)
        return self.visualItemRect(line) if line is not None and self._is_unfolded(line) else None

    def viewport_y(self, holder: QWidget) -> int:
        """Return how far below the top of what holds the list its lines begin, pixels."""
        viewport = self.viewport()
        assert viewport is not None, "every list has one"
        return viewport.mapTo(holder, QPoint(0, 0)).y()

    def _lines(self) -> Iterator[QTreeWidgetItem]:
        every = QTreeWidgetItemIterator(self)
        while (line := every.value()) is not None:
            yield line
            every += 1

    def _line(self, key: tuple[str, str]) -> QTreeWidgetItem | None:
        return next((line for line in self._lines() if _key_of(line) == key), None)

    @staticmethod
    def _is_unfolded(line: QTreeWidgetItem) -> bool:
        above = line.parent()
        return above is None or above.isExpanded()

    def updateGeometries(self) -> None:  # noqa: N802 - Qt's name
        """Claim what the lines take: they were laid out anew, at another width perhaps."""
        super().updateGeometries()
        self._claim()

    def _claim(self) -> None:
        """Take the height of all lines that are unfolded."""
        last = self.topLevelItem(self.topLevelItemCount() - 1)
        while last is not None and last.isExpanded() and last.childCount():
            last = last.child(last.childCount() - 1)
        viewport = self.viewport()
        if last is None or viewport is None:
            return
        # Beside the lines, the edges that the theme gives a list.
        height = self.visualItemRect(last).bottom() + 1 + self.verticalOffset() + self.height() - viewport.height()
        if height != self.maximumHeight() and height > 0:
            self.setFixedHeight(height)

    def _branches(
        self,
        survey: Survey | None,
        result: Reduction | None,
        findings: Sequence[Finding],
        files: list[tuple[str, list[_Line]]],
        *,
        is_running: bool,
    ) -> list[tuple[str, list[_Line]]]:
        branches: list[tuple[str, list[_Line]]] = []
        failed: list[_Line] = (
            [(f"! {path}: {in_window(why)}", "bad", "", (path,), "") for path, why in result.failed] if result else []
        )
        branches += [(f"Failed · {len(failed)}", failed)] if failed else []
        masters: list[_Line] = []
        for master in survey.masters if survey is not None else ():
            mark, tone = _MARKS[master.state]
            told = master.why or (counted(len(master.frames), "frame") if master.frames else self._made_of(master.name))
            parts = [_mask_words(master.name) if master.kind == "mask" else "", told]
            told = "".join(f" · {part}" for part in parts if part)
            masters.append((f"{mark} {master.name}{told}", "text" if tone == "good" else tone, master.name, (), ""))
        branches += [(f"{_MASTERS} · {len(masters)}", masters)] if masters else []
        branches += files  # before warnings, of which there may be many
        left: list[_Line] = [
            (f"· {name} · of an earlier plan", "dim", "", (), "")
            for name in self._left_over(None if is_running else survey)
        ]
        branches += [(f"Not used now · {len(left)}", left)] if left else []
        warned = self._warned(survey, findings) if not is_running else []
        branches += [(f"Warnings · {len(warned)}", warned)] if warned else []
        reasons: dict[str, list[str]] = {}
        for path, why in self._night.rejected.items():
            reasons.setdefault(why or "no reason given", []).append(path)
        rejected: list[_Line] = [
            (f"✕ {why} · {counted(len(paths), 'frame')}", "text", "", tuple(paths), "")
            for why, paths in reasons.items()
        ]
        branches += [(f"Rejected · {len(self._night.rejected)}", rejected)] if rejected else []
        return branches

    @staticmethod
    def _warned(survey: Survey | None, findings: Sequence[Finding]) -> list[_Line]:
        """List all warnings of the last run; a click shows the frames, or the master, that one is about."""
        if not findings and survey is not None:
            findings = [finding_of(words) for words in survey.warnings]  # of a run of an earlier version
        names = {master.name for master in survey.masters} if survey is not None else set()
        lines: list[_Line] = []
        for one in findings:
            name = one.words.partition(":")[0]
            lines.append((f"▲ {sentence(one.words)}", "warn", name if name in names else "", one.paths, ""))
        return lines

    def _files(self, survey: Survey | None, reports: dict[str, bool]) -> list[tuple[str, list[_Line]]]:
        """List the folders and files of the results that can be opened; a report that is old is marked."""
        place = self._night.place
        if place is None:
            return []
        lines: list[_Line] = []
        for name, (one, many) in FOLDERS.items():
            folder = place.output / name
            number = _number_in(folder, name, survey) if folder.is_dir() else 0
            if number != 0:
                what = many if number is None else f"{number} {one if number == 1 else many}"
                lines.append((f"· {name}/ · {what}", "text", "", (), name))
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
        if survey is None or place is None:
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


def _stem(branch: QTreeWidgetItem) -> str:
    """Return "Masters" of "Masters · 5": the number changes."""
    return branch.text(0).partition(" · ")[0]


def _key_of(line: QTreeWidgetItem) -> tuple[str, str]:
    """Return by what a line is known again: a master or a file by its name, whatever is said of it now.

    A master may have several warnings: each of them is known by its words.
    """
    branch = line.parent()
    if branch is None:
        return _stem(line), ""
    stem = _stem(branch)
    return stem, (line.data(0, _MASTER) if stem == _MASTERS else line.data(0, _FILE)) or line.text(0)


def _mask_words(name: str) -> str:
    """Say what a mask is, which its name does not."""
    words = "pixels that are bad, hot or unsteady"
    return f"{words}, for frames without a flat" if "noflat" in name.split("_") else words


def _number_in(folder: Path, name: str, survey: Survey | None) -> int | None:
    """Count the files of a folder of the results: frames by what is known of them, None while it is not."""
    if name in {"masters", "stacks"}:
        return sum(1 for _ in folder.glob("*.fits*"))
    if survey is None:
        return None
    return sum(location.startswith(f"{name}/") for location in survey.calibrated.values())


_Line = tuple[str, str, str, "Sequence[str]", str]
"""Words, tone, master's name or "", paths, name of a file or folder or ""."""
