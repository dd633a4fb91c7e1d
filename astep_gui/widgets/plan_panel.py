"""The plan: what will be done from which frames, with equations and warnings in words."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PyQt6.QtCore import QItemSelectionModel, Qt, pyqtSignal
from PyQt6.QtWidgets import QLabel, QTreeWidget, QTreeWidgetItem, QTreeWidgetItemIterator, QVBoxLayout, QWidget

from astep_gui.theme import theme, theme_notice
from astep_gui.widgets.wrapped_rows import wrap

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from astep_gui.models.night_model import NightModel
    from pipeline_core.plan_types import Plan, SciencePlan

_PATHS = Qt.ItemDataRole.UserRole
_KEEP_MARKED = QItemSelectionModel.SelectionFlag.NoUpdate


class PlanPanel(QWidget):
    """Follows the plan, which follows every decision."""

    frames_asked = pyqtSignal(list)
    """Paths of the line that was clicked twice."""

    def __init__(self, night: NightModel, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._night = night
        self.summary = QLabel()
        self.summary.setWordWrap(True)
        self.summary.setContentsMargins(10, 8, 10, 6)
        self.tree = QTreeWidget()
        self.tree.setHeaderHidden(True)
        self.tree.setSelectionMode(QTreeWidget.SelectionMode.ExtendedSelection)  # several lines may say one thing
        wrap(self.tree)
        self.tree.setIndentation(14)
        self.tree.setFrameShape(QTreeWidget.Shape.NoFrame)
        self.tree.itemActivated.connect(self._activated)
        box = QVBoxLayout(self)
        box.setContentsMargins(0, 0, 0, 0)
        box.setSpacing(0)
        box.addWidget(self.summary)
        box.addWidget(self.tree, 1)
        night.plan_changed.connect(self.follow)
        night.night_changed.connect(self.follow)
        theme_notice().changed.connect(self.follow)

    def follow(self) -> None:
        """Show the plan as it is now."""
        self.tree.clear()
        plan = self._night.plan
        if plan is None:
            error = self._night.plan_error
            self.summary.setText(str(error) if error else "")
            return
        size = plan.bytes_needed / 1e9
        self.summary.setText(
            f"{len(plan.masters)} masters, {len(plan.science)} science frames, {len(plan.left_out)} left out · "
            f"{size:.1f} GB"
        )
        self._warnings(plan)
        masters = self._branch(f"Masters · {len(plan.masters)}")
        kinds = [master.kind for master in plan.masters]
        for master in sorted(plan.masters, key=lambda m: (kinds.index(m.kind), m.name)):
            paths = list(master.frames)
            count = f" · {_frames(paths)}" if paths else ""  # a mask may stand on a flat alone
            line = self._line(masters, f"{master.name}{count}", paths, master.equation)
            if master.equation:
                self._line(line, master.equation, paths)
            for words in master.warnings:
                self._line(line, _warned(words), paths, tone="warn")
        science = self._branch(f"Science frames · {len(plan.science)}")
        for (title, equation), members in sorted(_alike(plan.science).items()):  # in one order, whatever is rejected
            line = self._line(science, f"{title} · {_frames(members)}", [s.path for s in members])
            self._line(line, equation, [s.path for s in members], tone="dim")
            line.setExpanded(True)
            for words in members[0].warnings:
                self._line(line, _warned(words), [s.path for s in members], tone="warn")
        if plan.left_out:
            self._left_out(plan)

    def point_out(self, words: str, paths: Sequence[str] = ()) -> bool:
        """Unfold and mark the lines that say a warning, and scroll to the first; tell whether there is one.

        Parameters
        ----------
        words : str
            The warning.
        paths : sequence of str
            The frames it is about: of several lines with these words those that share a frame are meant.
        """
        said = [line for line in self._lines() if line.text(0) == _warned(words)]
        meant = [line for line in said if set(line.data(0, _PATHS) or ()) & set(paths)] or said
        self.tree.clearSelection()
        for line in meant:
            above = line.parent()
            while above is not None:
                above.setExpanded(True)
                above = above.parent()
            line.setSelected(True)
        if meant:
            self.tree.setCurrentItem(meant[0], 0, _KEEP_MARKED)
            self.tree.scrollToItem(meant[0], QTreeWidget.ScrollHint.PositionAtCenter)
        return bool(meant)

    def _lines(self) -> Iterator[QTreeWidgetItem]:
        every = QTreeWidgetItemIterator(self.tree)
        while (line := every.value()) is not None:
            yield line
            every += 1

    def _warnings(self, plan: Plan) -> None:
        if plan.warnings:
            branch = self._branch(f"▲ Warnings · {len(plan.warnings)}")
            for words in plan.warnings:
                self._line(branch, words, [], tone="warn")

    def _left_out(self, plan: Plan) -> None:
        reasons: dict[str, list[str]] = {}
        for item in plan.left_out:
            reasons.setdefault(item.reason, []).append(item.path)
        branch = self._branch(f"Left out · {len(plan.left_out)}")
        for reason, paths in reasons.items():
            line = self._line(branch, f"{len(paths)} · {reason}", paths)
            for path in paths:
                self._line(line, path, [path])

    def _branch(self, title: str) -> QTreeWidgetItem:
        branch = QTreeWidgetItem([title])
        font = branch.font(0)
        font.setBold(True)
        branch.setFont(0, font)
        self.tree.addTopLevelItem(branch)
        branch.setExpanded(True)
        return branch

    def _line(
        self, above: QTreeWidgetItem, words: str, paths: Sequence[str], tip: str = "", tone: str = ""
    ) -> QTreeWidgetItem:
        line = QTreeWidgetItem([words])
        line.setData(0, _PATHS, list(paths))
        line.setToolTip(0, tip or words)
        if tone:
            line.setForeground(0, theme().colour(tone))
        above.addChild(line)
        return line

    def _activated(self, line: QTreeWidgetItem) -> None:
        paths = line.data(0, _PATHS)
        if paths:
            self.frames_asked.emit(paths)


def _warned(words: str) -> str:
    return f"▲ {words}"


def _frames(items: Sequence[object]) -> str:
    return f"{len(items)} frame{'' if len(items) == 1 else 's'}"


def _alike(science: Sequence[SciencePlan]) -> dict[tuple[str, str], list[SciencePlan]]:
    """Put together the frames of one group that are treated alike: (group, equation) → frames."""
    alike: dict[tuple[str, str], list[SciencePlan]] = {}
    for plan in science:
        alike.setdefault((plan.group or "Science", plan.equation), []).append(plan)
    return alike
