"""The plan: what will be done from which frames, with equations and warnings in words."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PyQt6.QtCore import QItemSelectionModel, Qt, pyqtSignal
from PyQt6.QtWidgets import (
    QHBoxLayout,
    QLabel,
    QTreeWidget,
    QTreeWidgetItem,
    QTreeWidgetItemIterator,
    QVBoxLayout,
    QWidget,
)

from astep_gui.models.results_words import left_out_of, left_out_words
from astep_gui.models.tip_words import as_written
from astep_gui.models.window_words import in_window
from astep_gui.theme import theme, theme_notice
from astep_gui.widgets.remedy_buttons import remedy_buttons
from astep_gui.widgets.wrapped_rows import wrap
from pipeline_core.name_words import counted

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from astep_gui.models.needs import Need, Remedy
    from astep_gui.models.night_model import NightModel
    from pipeline_core.plan_types import Plan, SciencePlan

_PATHS = Qt.ItemDataRole.UserRole
_NAMED_WHEN_UNFOLDED = QTreeWidgetItem.ChildIndicatorPolicy.ShowIndicator
_KEEP_MARKED = QItemSelectionModel.SelectionFlag.NoUpdate


class PlanPanel(QWidget):
    """Follows the plan, which follows every decision."""

    frames_asked = pyqtSignal(list)
    """Paths of the line that was clicked twice."""
    remedy_chosen = pyqtSignal(object, object)
    """Need, Remedy: a way out that stands under a warning."""

    def __init__(self, night: NightModel, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._night = night
        self._settled: list[tuple[str, tuple[str, ...]]] = []
        """The needs whose ways out are shown: words and paths."""
        self._offered: list[Need] = []
        """Of these the ways out stand in the plan already: several groups of frames may lack one flat."""
        self._folds: dict[tuple[str, ...], bool] = {}
        """Lines that a person folded or unfolded: the words down to them → whether they are unfolded."""
        self._is_following = False
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
        self.tree.itemExpanded.connect(self._name_frames)
        self.tree.itemExpanded.connect(lambda line: self._fold(line, is_open=True))
        self.tree.itemCollapsed.connect(lambda line: self._fold(line, is_open=False))
        box = QVBoxLayout(self)
        box.setContentsMargins(0, 0, 0, 0)
        box.setSpacing(0)
        box.addWidget(self.summary)
        box.addWidget(self.tree, 1)
        night.plan_changed.connect(self.follow)
        night.needs_changed.connect(self._follow_needs)
        night.night_changed.connect(self.follow)
        theme_notice().changed.connect(self.follow)

    def _follow_needs(self) -> None:
        """Offer other ways out, where there are others than before."""
        if self._with_ways_out() != self._settled:
            self.follow()

    def _with_ways_out(self) -> list[tuple[str, tuple[str, ...]]]:
        return [(need.why, need.paths) for need in self._night.needs if _ways_out(need)]

    def follow(self) -> None:
        """Show the plan as it is now, as far down and as far unfolded as it was."""
        bar = self.tree.verticalScrollBar()
        place = bar.value() if bar is not None else 0
        self._is_following = True
        self._settled = self._with_ways_out()
        self._show_plan()
        for line in list(self._lines()):
            if (is_open := self._folds.get(_way_down(line))) is not None:
                line.setExpanded(is_open)
        self._is_following = False
        if bar is not None:
            self.tree.doItemsLayout()
            bar.setValue(place)

    def _fold(self, line: QTreeWidgetItem, *, is_open: bool) -> None:
        if not self._is_following:
            self._folds[_way_down(line)] = is_open

    def _show_plan(self) -> None:
        self.tree.clear()
        self._offered = []
        plan = self._night.plan
        if plan is None:
            error = self._night.plan_error
            self.summary.setText(in_window(str(error)) if error else "")
            return
        size = plan.bytes_needed / 1e9
        by_rule = self._rejected_by_rule(plan)
        used = [science for science in plan.science if science.path not in by_rule]
        made = f"{_frames(plan.masters, 'master')}, {_frames(used, 'science frame')}"
        left = left_out_words(*left_out_of(self._night))
        self.summary.setText(" · ".join(filter(None, (made, left, f"{size:.1f} GB"))))
        self._warnings(plan)
        masters = self._branch(f"Masters · {len(plan.masters)}")
        kinds = [master.kind for master in plan.masters]
        for master in sorted(plan.masters, key=lambda m: (kinds.index(m.kind), m.name)):
            paths = list(master.frames)
            count = f" · {_frames(paths)}" if paths else ""  # a mask may stand on a flat alone
            line = self._line(masters, f"{master.name}{count}", paths, master.equation)
            if master.equation:
                self._line(line, readable(master.equation), paths)
            for words in master.warnings:
                self._warn(line, words, paths)
        science = self._branch(f"Science frames · {len(plan.science)}")
        for (title, equation), members in sorted(_alike(plan.science).items()):  # in one order, whatever is rejected
            line = self._line(science, f"{title} · {_frames(members)}", [s.path for s in members])
            self._line(line, readable(equation), [s.path for s in members], tone="dim")
            line.setExpanded(True)
            for words in members[0].warnings:
                self._warn(line, words, [s.path for s in members])
        if plan.left_out or by_rule:
            self._left_out(plan, by_rule)

    def point_out(self, words: str, paths: Sequence[str] = ()) -> bool:
        """Unfold and mark the lines that say a warning, and scroll to the first; tell whether there is one.

        Parameters
        ----------
        words : str
            The warning; of several, each has a line of its own.
        paths : sequence of str
            The frames it is about: of several lines with these words those that share a frame are meant.
        """
        wanted = {_warned(one) for one in words.split("\n")}
        said = [line for line in self._lines() if line.text(0) in wanted]
        meant = [line for line in said if set(line.data(0, _PATHS) or ()) & set(paths)] or said
        return self._mark(meant)

    def point_out_master(self, name: str) -> bool:
        """Unfold and mark the line of a master; tell whether the plan has it."""
        return self._mark([line for line in self._lines() if line.parent() and _named(line) == name], is_unfolded=True)

    def _mark(self, meant: Sequence[QTreeWidgetItem], *, is_unfolded: bool = False) -> bool:
        self.tree.clearSelection()
        for line in meant:
            above = line.parent()
            while above is not None:
                above.setExpanded(True)
                above = above.parent()
            line.setSelected(True)
            line.setExpanded(is_unfolded or line.isExpanded())
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
                self._line(branch, in_window(words), [], tone="warn")

    def _warn(self, above: QTreeWidgetItem, words: str, paths: Sequence[str]) -> None:
        """Write a warning, and under it what settles it."""
        self._line(above, _warned(words), paths, tone="warn")
        meant = (need for need in self._night.needs if need.why == words and set(need.paths) & set(paths))
        need = next(meant, None)
        ways = _ways_out(need) if need is not None else []
        if need is None or not ways or need in self._offered:
            return
        self._offered.append(need)
        row = QWidget()
        box = QHBoxLayout(row)
        box.setContentsMargins(14, 1, 4, 5)
        box.setSpacing(5)
        for button in remedy_buttons(ways[:2], ways[2:], lambda way: self.remedy_chosen.emit(need, way)):
            box.addWidget(button)
        box.addStretch()
        self.tree.setItemWidget(self._line(above, "", paths), 0, row)

    def _rejected_by_rule(self, plan: Plan) -> dict[str, str]:
        """Return the frames that the plan calibrates although a rule rejected them, and why: to judge them again."""
        rejected = self._night.rejected
        return {one.path: rejected[one.path] for one in plan.science if one.path in rejected}

    def _left_out(self, plan: Plan, by_rule: Mapping[str, str]) -> None:
        reasons: dict[str, list[str]] = {}
        for path, why in by_rule.items():
            reasons.setdefault(f"{why}; calibrated all the same, to be judged again", []).append(path)
        for item in plan.left_out:
            reasons.setdefault(item.reason, []).append(item.path)
        science, of, others = left_out_of(self._night)
        words = left_out_words(science, of, others).removesuffix(" left out")
        branch = self._branch(f"Left out · {words}")
        for reason, paths in reasons.items():
            line = self._line(branch, f"{_frames(paths)} · {in_window(reason)}", paths)
            line.setChildIndicatorPolicy(_NAMED_WHEN_UNFOLDED)  # they may be thousands

    def _name_frames(self, line: QTreeWidgetItem) -> None:
        """Write the frames of a reason under it, when somebody wants to see them."""
        if line.childIndicatorPolicy() == _NAMED_WHEN_UNFOLDED and not line.childCount():
            for path in line.data(0, _PATHS):
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
        line.setToolTip(0, as_written(tip or words))
        if tone:
            line.setForeground(0, theme().colour(tone))
        above.addChild(line)
        return line

    def _activated(self, line: QTreeWidgetItem) -> None:
        paths = line.data(0, _PATHS)
        if paths:
            self.frames_asked.emit(paths)


def _ways_out(need: Need) -> list[Remedy]:
    """Return what settles a need, and does not only show what it is about."""
    return [remedy for remedy in need.remedies if remedy.deed not in {"show", "plan"}]


def _named(line: QTreeWidgetItem) -> str:
    """Return the master that a line is about, which stands before how many frames it is made of."""
    return line.text(0).partition(" · ")[0]


def _way_down(line: QTreeWidgetItem) -> tuple[str, ...]:
    """Return the words that lead to a line, without the numbers of frames, which change."""
    words: list[str] = []
    here: QTreeWidgetItem | None = line
    while here is not None:
        words.insert(0, here.text(0).rpartition(" · ")[0] or here.text(0))
        here = here.parent()
    return tuple(words)


def _warned(words: str) -> str:
    return f"▲ {in_window(words)}"


def _frames(items: Sequence[object], what: str = "frame") -> str:
    return counted(len(items), what)


def readable(equation: str) -> str:
    """Write a division with a stroke: in letters of this size the dots of ÷ run into a plus."""
    above, sign, below = equation.rpartition(" ÷ ")
    if not sign:
        return equation
    is_sum = " − " in above and not above.startswith("combine")
    return f"({above}) / {below}" if is_sum else f"{above} / {below}"


def _alike(science: Sequence[SciencePlan]) -> dict[tuple[str, str], list[SciencePlan]]:
    """Put together the frames of one group that are treated alike: (group, equation) → frames."""
    alike: dict[tuple[str, str], list[SciencePlan]] = {}
    for plan in science:
        alike.setdefault((plan.group or "Science", plan.equation), []).append(plan)
    return alike
