"""The main window: puts the panels together and connects what they ask to what is done."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from PyQt6.QtCore import Qt
from PyQt6.QtWidgets import QMainWindow, QSizePolicy, QStackedWidget, QToolBar, QVBoxLayout, QWidget

from astep_gui.actions import ACTIONS, build_actions
from astep_gui.closing import Closing
from astep_gui.commands import Decisions
from astep_gui.deeds import Deeds
from astep_gui.image_only import ImageOnly
from astep_gui.jobs import Jobs
from astep_gui.keeping import Keeper
from astep_gui.models.errands import Errands
from astep_gui.models.night_model import NightModel
from astep_gui.models.reduction_model import ReductionModel
from astep_gui.models.tip_words import as_written, on_button
from astep_gui.next_deed import NextDeed
from astep_gui.panel_layout import PanelLayout
from astep_gui.peeking import Peeking
from astep_gui.product_viewing import ProductViewing
from astep_gui.remembered import Remembered
from astep_gui.sky import Sky
from astep_gui.start_buttons import StartButtons
from astep_gui.ticks import Ticks
from astep_gui.typed_keys import takes_typed
from astep_gui.view_deeds import ViewDeeds
from astep_gui.viewing import Viewing
from astep_gui.widgets.frame_table import FrameTable
from astep_gui.widgets.header_panel import HeaderPanel
from astep_gui.widgets.log_strip import LogStrip
from astep_gui.widgets.lying_over import LyingOver
from astep_gui.widgets.needs_you import NeedsYou
from astep_gui.widgets.notice_bar import NoticeBar
from astep_gui.widgets.plan_panel import PlanPanel
from astep_gui.widgets.reduce_button import ReduceButton
from astep_gui.widgets.results_panel import ResultsPanel
from astep_gui.widgets.run_panel import RunPanel
from astep_gui.widgets.start_page import StartPage
from astep_gui.widgets.workflow_tabs import WorkflowTabs

if TYPE_CHECKING:
    from PyQt6.QtCore import QEvent
    from PyQt6.QtGui import QCloseEvent, QDragEnterEvent, QDropEvent, QResizeEvent

TOOLS = (
    *("open", "undo", "redo", "", "previous", "next", "", "reject", "accept", ""),
    *("blink", "fit", "one_to_one", "", "plan", "settings"),
)
"""Actions of the tool bar; "" separates."""

SMALL_PX = 1400
"""Below this width of the window the table leaves out what is said elsewhere too."""

LAYOUT_VERSION = 4
"""Raised when docks change, so that an old layout is not put over a new window."""


class MainWindow(QMainWindow):
    """One night in one window."""

    peeking: Peeking | None = None
    """Not there yet for the first events."""

    def __init__(self, remembered: Remembered | None = None) -> None:
        super().__init__()
        self.setObjectName("main")
        self.resize(1600, 960)
        self.setMinimumSize(1040, 600)  # what the panels need beside each other
        self.setAcceptDrops(True)
        self.remembered = remembered or Remembered()
        self.jobs = Jobs(self)
        self.night = NightModel(self.jobs, self)
        self.decisions = Decisions(self.night, self)
        self.run = ReductionModel(self.night, self.jobs, self)
        self.errands = Errands(self.jobs, self)
        self.closing = Closing(self)
        self._make_panels()
        self.peeking = Peeking(self.viewing.steps, self)
        self.peeking.nothing_before.connect(self.log.say_passing)
        self.sky = Sky(self)
        self.deeds = Deeds(self)
        self.actions_by_name = build_actions(self, ACTIONS, self.deeds.slots() | ViewDeeds(self).slots())
        self.toolbar = self._make_toolbar()
        if (menus := self.menuBar()) is not None:
            menus.setCornerWidget(self.tabs, Qt.Corner.TopRightCorner)
        self.panels = PanelLayout(self, LAYOUT_VERSION)
        self.docks = self.panels.docks
        for dock in self.docks.values():
            dock.installEventFilter(self.peeking)
        self.image_only = ImageOnly(self, LAYOUT_VERSION)
        self.start_buttons = StartButtons(self)
        self._connect()
        self._to_select: list[Path] = []
        self.is_small = False
        self.deeds.turn_to(self.tabs.name)
        self._ticks, self._next_deed = Ticks(self), NextDeed(self)
        self.panels.begin()
        self.keeper = Keeper(self)
        layout = self.keeper.restore()
        self.panels.follow_night()  # there is none yet
        self.panels.put_back(layout)
        self.follow()
        self.keeper.begin()

    # -- putting together ------------------------------------------------------------------------------------

    def _make_panels(self) -> None:
        self.start_page = StartPage()
        self.start_page.show_recent(self.remembered.recent())
        self.notice = NoticeBar()
        self.needs = NeedsYou(self.night)
        self.table = FrameTable(self.night)
        self.header = HeaderPanel(self.night)
        self.plan_panel = PlanPanel(self.night)
        self.log = LogStrip()
        self.log.hide()  # until there is something to say
        self.notice.put_away.connect(self.log.settle)
        self.reduce_button = ReduceButton(self.night, self.run)
        self.viewing = Viewing(self.night, self.decisions, self)
        self.products = ProductViewing(self.night, self.viewing, self)
        self.run_panel = RunPanel(self.night, self.run)
        self.results = ResultsPanel(self.night, self.run, self.errands)
        self.tabs = WorkflowTabs()
        self.pages = QStackedWidget()
        self.pages.addWidget(self.start_page)
        self.pages.addWidget(self.viewing.widget)
        centre = QWidget()
        box = QVBoxLayout(centre)
        box.setContentsMargins(0, 0, 0, 0)
        box.setSpacing(0)
        box.addWidget(self.pages, 1)
        box.addWidget(self.log.text)
        self.notice.setParent(centre)  # over the image, which stays where it is under the pointer
        LyingOver(self.notice, centre, (self.viewing.view.canvas, self.viewing.pages, self.pages))
        self.setCentralWidget(centre)
        foot = self.statusBar()  # as wide as the window, so that few lines are cut
        assert foot is not None, "Qt makes one"
        foot.setSizeGripEnabled(False)
        foot.addPermanentWidget(self.log, 1)  # a permanent one, for tips of menus would hide others
        self.log.spoke.connect(foot.show)
        foot.hide()  # until then it would be an empty bar

    def _make_toolbar(self) -> QToolBar:
        bar = QToolBar("Tools")
        bar.setObjectName("tools")
        bar.setMovable(False)
        for name in TOOLS:
            bar.addAction(self.actions_by_name[name]) if name else bar.addSeparator()
        bar.setToolButtonStyle(Qt.ToolButtonStyle.ToolButtonIconOnly)
        for name in ("open", "reject", "accept", "blink", "plan", "settings"):
            button = bar.widgetForAction(self.actions_by_name[name])
            if button is not None:
                button.setToolButtonStyle(Qt.ToolButtonStyle.ToolButtonTextBesideIcon)  # type: ignore[attr-defined]
        self.actions_by_name["open"].setIconText("Open")
        self.actions_by_name["plan"].setIconText("Plan")
        self.actions_by_name["settings"].setIconText("Settings")
        self.actions_by_name["blink"].setIconText("Blink")
        room = QWidget()
        room.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Preferred)
        bar.addWidget(room)
        bar.addWidget(self.reduce_button)
        self.addToolBar(bar)
        return bar

    def bring_up(self, name: str) -> None:
        """Show a panel, in front of those that share its place."""
        self.image_only.set_on(False)
        self.docks[name].show()
        self.docks[name].raise_()

    def _connect(self) -> None:
        deeds = self.deeds
        self.start_page.open_asked.connect(deeds.open)
        self.start_page.demo_asked.connect(deeds.ask_demo)
        self.start_page.night_asked.connect(self.open_night)
        self.needs.remedy_chosen.connect(deeds.remedy)
        self.table.selected.connect(self.night.select)
        self.table.edit_asked.connect(self.decisions.set_field)
        self.table.menu_asked.connect(deeds.frame_menu)
        self.table.fields_asked.connect(deeds.field_menu)
        self.table.outgrown.connect(self.panels.give_table_room)
        self.table.master_asked.connect(self.products.show_master)
        self.table.model.regroup_asked.connect(deeds.regroup)
        self.plan_panel.remedy_chosen.connect(deeds.remedy)
        self.plan_panel.frames_asked.connect(deeds.show_frames)
        self.run_panel.settings_asked.connect(deeds.settings)
        self.run_panel.plan_asked.connect(deeds.plan)
        self.run_panel.frame_asked.connect(lambda path: self.night.select([path]))
        for asked, deed in (
            (self.results.folder_asked, deeds.show_results),
            (self.results.report_asked, deeds.report),
            (self.results.reports_asked, deeds.renew_reports),
            (self.results.file_asked, deeds.show_result),
            (self.results.export_asked, deeds.export),
            (self.results.saturation_chosen, deeds.set_saturation),
            (self.results.saturation_undone, deeds.undo_saturation),
            (self.results.look_asked, deeds.show_full),
        ):
            asked.connect(deed)
        self.results.stop_asked.connect(self.errands.cancel)
        self.errands.said.connect(self.log.hear)
        self.errands.stopped.connect(lambda title: self.log.say(f"stopped: {title}; what is finished stays"))
        self.results.calibrated_asked.connect(deeds.calibrated)
        self.results.master_asked.connect(self.products.show_master)
        self.viewing.rail.dark_asked.connect(deeds.which_dark)
        self.results.frames_asked.connect(deeds.show_frames)
        self.products.nothing_there.connect(lambda path, why: self.log.say(why, "warning", path))
        self.viewing.blinking.passing.connect(self.table.tree.mark_passing)
        self.tabs.chosen.connect(deeds.turn_to)
        self.reduce_button.reduce_asked.connect(deeds.begin_run)
        self.reduce_button.cancel_asked.connect(self.run.cancel)
        for source in (self.night, self.run, self.decisions, self.errands):
            source.problem.connect(self.show_problem)
        self.night.said.connect(self.log.hear)
        for told in (self.decisions.said, self.viewing.inspect_panel.saved):
            told.connect(self.log.say)
        self.decisions.taken_back.connect(deeds.show_changed)
        self.night.busy.connect(self.log.busy)
        self.night.survey_changed.connect(deeds.tell_broken_off)
        self.night.night_changed.connect(self._night_changed)
        for signal in (
            self.night.selection_changed,
            self.night.plan_changed,
            self.run.changed,
            self.viewing.blinking.opened,
        ):
            signal.connect(self.follow)
        self.run.said.connect(lambda events: self.log.hear(events, counts=False))  # its button counts already
        self.run.finished.connect(deeds.show_summary)
        self.viewing.steps.masters_asked.connect(deeds.make_masters)
        self.viewing.inspection.failed.connect(lambda error: self.log.say(str(error), "warning"))
        self.viewing.story.changed.connect(deeds.show_story)
        self.run.cancelled.connect(deeds.say_stopped)
        self.run.changed.connect(self._tell_stage)
        stack = self.decisions.stack
        stack.indexChanged.connect(self.follow)
        stack.indexChanged.connect(lambda _index: self.needs.follow_steps(self.decisions.last_step))
        self.run.finished.connect(lambda _result: self.needs.forget_answers())

    def _tell_stage(self) -> None:
        """Say which stage the run is at, and draw how far the whole is."""
        if self.run.is_running:
            self.log.show_stage(self.run.stage, self.run.done, self.run.total)
        else:
            self.log.quiet()

    # -- opening and closing ---------------------------------------------------------------------------------

    def open_night(self, folder: Path, output: Path | None = None) -> None:
        """Open a night, or the results of one."""
        self.notice.clear()
        self.night.open(folder, output or self.remembered.output(folder.absolute()))

    def select_when_open(self, files: list[Path]) -> None:
        """Select these files as soon as their night is open."""
        self._to_select = files

    def _night_changed(self) -> None:
        place = self.night.place
        self.pages.setCurrentIndex(int(self.night.is_open))
        self.panels.follow_night()
        if place is None:
            self.setWindowTitle("ASTEP Harvest")
            self.start_page.show_recent(self.remembered.recent())
        else:
            self.setWindowTitle(f"{place.night.name} — ASTEP Harvest")
            self.remembered.opened(place.night.absolute())
            last = self.remembered.frame(place.night)
            if last is not None and self.night.current is None:
                self.night.select([], last)
            if last is None and self.tabs.name == "Results" and not place.output.exists():
                self.tabs.choose("Night")  # another night was left there; this one has none yet
            beside = place.output.parent == place.night.parent
            self.log.say(
                f"{len(self.night.frames)} frames in {place.night.name}; results go to "
                f"{place.output.name + ' beside it' if beside else place.output}"
            )
            root, files, self._to_select = place.night.absolute(), self._to_select, []
            if self.remembered.state("layout").isEmpty():
                self.panels.fit_table()  # names are known only now
            if files:
                self.table.show_only([f.relative_to(root).as_posix() for f in files if f.is_relative_to(root)])
        self.follow()

    def event(self, event: QEvent | None) -> bool:
        """Take an event as any window does, but whole.

        While this function waits for the answer, Python's lock is held. Without it a repaint of the window would ask
        for the lock with each of the hundreds of cells that are painted, and wait for each while a thread is at work.
        """
        if event is not None and takes_typed(event):
            return True
        if event is not None and self.peeking is not None and self.peeking.take(event):
            return True
        return super().event(event)

    def closeEvent(self, event: QCloseEvent | None) -> None:  # noqa: N802 - Qt's name
        """Keep layout and frame; decisions are on disk already."""
        if event is not None and not self.closing.may_close():
            event.ignore()
            return
        self.image_only.set_on(False)  # with the panels come levels that made room: they are nobody's wish either
        self.deeds.make_room(is_needed=False)
        self.keeper.end()
        self.hide()  # a thread that compiles a kernel is waited for, which a person need not see
        self.jobs.close()
        self.header.stop()
        self.sky.close()
        self.viewing.close()
        self.products.close()
        self.table.close_pictures()
        self.night.close()
        self.night.lists.flush()
        self.remembered.close()
        super().closeEvent(event)

    def resizeEvent(self, event: QResizeEvent | None) -> None:  # noqa: N802 - Qt's name
        """Let the table do with less room in a small window."""
        super().resizeEvent(event)
        self.panels.lists.follow_window()
        is_small = self.width() < SMALL_PX
        if is_small != self.is_small:
            self.is_small = is_small
            self.table.set_compact(is_small)
            self.panels.fit_table()
        elif is_small:
            self.panels.give_table_room()
        if not self.image_only.is_on and self.night.is_open:
            self.deeds.follow_height()

    def dragEnterEvent(self, event: QDragEnterEvent | None) -> None:  # noqa: N802
        """Take folders and files."""
        if event is not None and (data := event.mimeData()) is not None and data.hasUrls():
            event.acceptProposedAction()

    def dropEvent(self, event: QDropEvent | None) -> None:  # noqa: N802
        """Open the folder that was dropped, or the one of the file."""
        if event is not None and (data := event.mimeData()) is not None:
            self.deeds.open_dropped([Path(url.toLocalFile()) for url in data.urls() if url.isLocalFile()])

    # -- following -------------------------------------------------------------------------------------------

    def follow(self, *_: object) -> None:
        """Enable what can be done now, and say what undo would undo."""
        is_open, has_frame = self.night.is_open, self.night.current is not None
        for spec in ACTIONS:
            if spec.needs:
                is_there = {"frame": has_frame, "blink": self.viewing.is_blinking}.get(spec.needs, True)
                self.actions_by_name[spec.name].setEnabled(is_open and is_there)
        stack = self.decisions.stack
        for name, can, text in (
            ("undo", stack.canUndo(), stack.undoText()),
            ("redo", stack.canRedo(), stack.redoText()),
        ):
            action = self.actions_by_name[name]
            action.setEnabled(can)
            action.setText(on_button(f"{name.capitalize()} {text}".strip()))
            action.setIconText(name.capitalize())
            action.setToolTip(as_written(f"{name.capitalize()} {text}  ({action.shortcut().toString()})"))
        running = self.run.is_running
        self.run.is_blocked = self.sky.work.is_running
        self.reduce_button.follow()  # it waits for what is done for the sky
        self.start_buttons.follow()
        self.actions_by_name["reduce"].setEnabled(self.reduce_button.isEnabled() and not running)
        for name in ("close_night", "output"):
            self.actions_by_name[name].setEnabled(is_open and not running)

    def show_problem(self, error: object, paths: str = "", *, says_once: bool = False) -> None:
        """Show an error with its three parts, and keep it in the log; the paths it is about can be copied.

        One that makes nothing untrue of what the status line says (`says_once`) leaves that line as it is.
        """
        self.notice.show_error(error, paths)  # type: ignore[arg-type]
        if says_once:
            self.log.note(str(error), "error")
        else:
            self.log.say(str(error), "error")
