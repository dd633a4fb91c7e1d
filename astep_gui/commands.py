"""Decisions as undoable commands: each writes to the logbook, whose own history is the truth."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PyQt6.QtCore import QObject, pyqtSignal
from PyQt6.QtGui import QUndoCommand, QUndoStack

from astep_gui.models.window_words import setting_words
from pipeline_core.decisions import NEXT_REFERENCE
from pipeline_core.errors import AstepError
from pipeline_core.measures import gravest_cause
from pipeline_core.name_words import named

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from pathlib import Path

    from astep_gui.models.night_model import NightModel
    from pipeline_core.config import Recipe
    from pipeline_core.decision_steps import Label
    from pipeline_core.logbook import Logbook

    Write = Callable[[Logbook, Label], int | None]
    Reader = Callable[[], Logbook]
    Deed = Callable[[], "DecisionCommand | None"]

MASTERS = frozenset({"bias", "dark", "flat"})
"""Fields that choose a master; without a word of a person the plan does."""


class DecisionCommand(QUndoCommand):
    """One step of the logbook.

    Parameters
    ----------
    label : str or callable
        What the menu says after "Undo", or what makes the words of the frames that are changed.
    logbook : callable
        Gives the open logbook.
    write : callable, optional
        Takes the logbook and a label, and writes the step; None for a step that the logbook holds already.
    """

    def __init__(self, label: Label, logbook: Reader, write: Write | None = None) -> None:
        super().__init__(label if isinstance(label, str) else "")
        self.changed: tuple[str, ...] = ()
        """What the step changes: less than was asked for, where something was decided so already."""
        self.changes_nothing = False
        """All that was asked for was decided so already."""
        self.error: AstepError | None = None
        """Why it was not done. Qt calls what does it, and lets nothing that is raised there pass to who asked."""
        self._label = label
        self._logbook = logbook
        self._write = write
        self._is_written = write is None
        self.mirrors = write is None
        """Only shows what the logbook holds: doing it changes nothing."""

    def redo(self) -> None:
        """Write the step, or make it again."""
        if not self.mirrors:
            self._try(self._write_or_redo)

    def _write_or_redo(self) -> None:
        if self._write is not None and not self._is_written:
            self._is_written = True
            if self._write(self._logbook(), self._named) is None:
                self.changes_nothing = True
                self.setObsolete(True)  # the logbook has no step to undo
            return
        self._logbook().redo()

    def _try(self, deed: Callable[[], object]) -> None:
        self.error = None
        try:
            deed()
        except AstepError as error:
            self.error = error
            self.setObsolete(True)  # the stack is made anew after the logbook

    def _named(self, changed: Sequence[str]) -> str:
        """Return the label of the step, and take note of what it changes."""
        self.changed = tuple(changed)
        words = self._label if isinstance(self._label, str) else self._label(changed)
        self.setText(words)
        return words

    def undo(self) -> None:
        """Take the step back."""
        if not self.mirrors:
            self._try(lambda: self._logbook().undo())


def mirror(stack: QUndoStack, logbook: Logbook, reader: Reader) -> None:
    """Make the stack what the logbook's history is, changing nothing in the logbook.

    Notes
    -----
    The logbook outlives the window and is written by the command line too; so undo reaches back over both. Whoever
    follows the stack is told once, of its end: with each of some hundred steps the window would follow for 0.2 s.
    """
    done, undone = logbook.steps()
    commands = [DecisionCommand(label, reader) for label in (*done, *reversed(undone))]
    was_blocked = stack.blockSignals(True)  # noqa: FBT003 - Qt's own way
    try:
        stack.clear()
        for command in commands:
            stack.push(command)
        stack.setIndex(len(done))
    finally:
        stack.blockSignals(was_blocked)
    for command in commands:
        command.mirrors = False
    stack.indexChanged.emit(stack.index())


class Decisions(QObject):
    """What a person decides about the night, undoable. The one door through which the window writes."""

    problem = pyqtSignal(object)
    """An AstepError: nothing was decided."""
    said = pyqtSignal(str)
    """What was just decided or taken back, in words."""
    rejecting = pyqtSignal(list)
    """Paths of frames that are about to be rejected: what is looked at next is found before they leave the list."""
    rejected = pyqtSignal(list)
    """Paths of frames that were rejected, whoever asked for it."""
    taken_back = pyqtSignal(list)
    """Paths of the frames that undo or redo changed."""

    def __init__(self, night: NightModel, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._night = night
        self.stack = QUndoStack(self)
        night.history_changed.connect(self._mirror)

    def reject(self, paths: Sequence[str], reason: str = "", *, anew: bool = False) -> None:
        """Reject frames, with a reason; without one, each for what speaks most against it."""
        self.reject_each(dict.fromkeys(paths, reason), anew=anew)

    def reject_each(self, given: Mapping[str, str], *, anew: bool = False) -> None:
        """Reject frames, each for its own reason, or where it has none for what speaks most against it: one step.

        Those that are rejected already keep their reason, unless it is given anew; of one that a rule rejected, a
        person takes the word over.
        """
        if not given:
            return
        reasons: dict[str, str] = {}

        def write(logbook: Logbook, label: Label) -> int | None:
            before = {} if anew else logbook.rejected()  # looked at here: the command line's word is in it by now
            reasons.update((path, before.get(path, why or self.cause(path))) for path, why in given.items())
            changes = [
                (path, *change) for path, why in reasons.items() for change in (("rejected", why), ("kept", None))
            ]
            return logbook.decide_all(changes, label=label)

        def told(changed: Sequence[str]) -> str:
            words = self._told("rejected", changed, [reasons[path] for path in changed])
            kept = len(reasons) - len(changed)
            words = f"{words} · {kept} more {'was' if kept == 1 else 'were'} rejected already" if kept else words
            return f"{words} ({self._lost_words(lost, changed)})" if lost else words

        asks = "" if anew else "; Shift+X asks for the reason"
        self.rejecting.emit(list(given))
        lost = sorted(self._night.references & (given.keys() - self._night.rejected.keys()))
        self._night.told_lost |= set(lost)
        if self._decide(lambda paths: f"reject {counted(paths)}", write, told, lambda: self._already(reasons), asks):
            self.rejected.emit(list(given))

    def cause(self, path: str) -> str:
        """Return what is suggested against a frame; empty where nothing is."""
        row = self._night.rows.get(path)
        return gravest_cause(row.flags if row is not None else self._night.calibration_flags.get(path, ()))

    def accept(self, paths: Sequence[str], reason: str = "") -> None:
        """Accept frames, against rules and checks too; those that were accepted already are not named."""
        self._decide(
            lambda changed: f"accept {counted(changed)}",
            lambda logbook, label: logbook.accept(paths, reason, label=label),
            lambda changed: self._told("accepted", changed, [reason]),
            lambda: f"{self._named(paths)} {'is' if len(paths) == 1 else 'are'} accepted already",
        )

    def set_field(self, paths: Sequence[str], field: str, value: object) -> None:
        """Set kind, filter or another field of frames."""
        what = f"{field} as planned" if value is None and field in MASTERS else f"{field} = {value or 'none'}"

        def told(changed: Sequence[str]) -> str:
            # The button that makes anew what changed counts those only that are in use.
            aside = sum(path in self._night.rejected for path in changed)
            return f"{what} for {counted(changed)}{f', {aside} of them rejected' if aside else ''}"

        self._decide(
            lambda changed: f"{what} for {counted(changed)}",
            lambda logbook, label: logbook.decide(paths, field, value, label=label),
            told,
        )

    def regroup(self, changes: Sequence[tuple[str, str, object]], title: str) -> None:
        """Make frames like those of a group: one step, whatever fields it takes."""
        self._decide(
            lambda paths: f"{counted(paths)} to {title}",
            lambda logbook, label: logbook.decide_all(changes, label=label),
        )

    def set_reference(self, path: str | None) -> None:
        """Choose the frame that others are laid on and compared with; None leaves it to their quality."""
        label = "reference chosen by quality" if path is None else f"reference {counted([path])}"
        self._decide(label, lambda logbook, _label: logbook.choose_reference(path))

    def import_list(self, file: Path) -> None:
        """Decide what a list of frames says: of names with "accept" in the file's name, else of rejected ones."""
        known = [frame.path for frame in self._night.frames]
        is_accepted = "accept" in file.name.lower()
        self._decide(
            f"import {file.name}",
            lambda book, _: book.import_accepted(file, known) if is_accepted else book.import_rejected(file, known),
        )

    def set_recipe(self, recipe: Recipe) -> None:
        """Use other settings from now on; each that differs is decided, all together are one step."""
        from pipeline_core.recipe_file import recipe_changes  # noqa: PLC0415 - the scan has imported it

        changes = recipe_changes(self._night.recipe, recipe)
        if changes:
            names = list(changes)
            only = setting_words(names[0], changes[names[0]])
            label = only if len(names) == 1 else f"{len(names)} settings"
            before = recipe_changes(recipe, self._night.recipe)
            self._decide(label, lambda logbook, _label: logbook.decide_recipe(changes, before, label=label))

    def set_hint(self, path: str, hint: Mapping[str, float | None]) -> None:
        """Say where a frame that does not solve by itself is to be searched; None takes a hint back."""
        self.set_hints([path], hint)

    def set_hints(self, paths: Sequence[str], hint: Mapping[str, float | None]) -> None:
        """Say the same of several frames, as one step."""
        from pipeline_core.solve_hints import hint_changes  # noqa: PLC0415 - only when asked for

        words = "hints for solving" if any(value is not None for value in hint.values()) else "no hints for solving"
        changes = [change for path in paths for change in hint_changes(path, hint)]
        self._decide(
            lambda changed: f"{words} {counted(changed)}",
            lambda logbook, label: logbook.decide_all(changes, label=label),
        )

    @property
    def last_step(self) -> tuple[int, str]:
        """How many steps are done, and what the last one is called: what an undo would take back."""
        return self.stack.index(), self.stack.undoText()

    def undo(self) -> None:
        """Take back the last step, whoever made it; none is left where the command line took it back already."""
        self._night.follow_decisions()  # the command line may have decided since: it is told what is taken back
        if self.stack.canUndo():
            self._walk(self._undo_last, f"taken back: {self.stack.undoText()}")

    def undo_only(self, step: tuple[int, str]) -> None:
        """Take back a step, as :attr:`last_step` told it; none where another one has become the last since."""
        self._night.follow_decisions()
        if step == self.last_step:
            self.undo()
        else:
            self.said.emit("other decisions came after it: Ctrl+Z takes them back first")

    def redo(self) -> None:
        """Make the last undone step again; none is left where the command line decided something since."""
        self._night.follow_decisions()
        if self.stack.canRedo():
            self._walk(self._redo_next, f"done again: {self.stack.redoText()}")

    def _undo_last(self) -> DecisionCommand | None:
        command = self._command(self.stack.index() - 1)
        self.stack.undo()
        return command

    def _redo_next(self) -> DecisionCommand | None:
        command = self._command(self.stack.index())
        self.stack.redo()
        return command

    def _command(self, index: int) -> DecisionCommand | None:
        command = self.stack.command(index)
        return command if isinstance(command, DecisionCommand) else None

    def _walk(self, deed: Deed, words: str) -> None:
        """Go one step back or forth, and tell of which frames it was.

        A master that is chosen for frames is nothing about them: they are not selected, lest the next key hits them.
        """
        changed: list[str] = []
        before = self._said_of_frames()
        take = changed.extend
        self._night.frames_changed.connect(take)
        try:
            is_done = self._step(deed)
        finally:
            self._night.frames_changed.disconnect(take)
        if is_done:
            self.said.emit(words)
            now = self._said_of_frames()
            meant = (path for path in dict.fromkeys(changed) if self._night.frame(path) is not None)
            self.taken_back.emit([path for path in meant if before(path) != now(path)])

    def _said_of_frames(self) -> Callable[[str], object]:
        """Return what tells of a frame how it stands now, and as what: every decision makes these anew."""
        night = self._night
        rejected, kept, frames, reference = night.rejected, night.choices.kept, night.night, night.reference
        return lambda path: (
            rejected.get(path), path in kept, path == reference,
            frames.by_path.get(path) if frames is not None else None,
        )  # fmt: skip

    def _decide(
        self,
        label: Label,
        write: Write,
        told: Callable[[Sequence[str]], str] | None = None,
        untold: Callable[[], str] | None = None,
        besides: str = "",
    ) -> bool:
        """Write one step, say so and what else could be done; where it changes nothing, what there is to say then.

        Returns
        -------
        bool
            Whether it is decided so now.
        """
        command = DecisionCommand(label, self._night.writable_logbook, write)

        def push() -> DecisionCommand:
            self.stack.push(command)
            return command

        if not self._step(push):
            return False
        if command.changes_nothing:
            self._mirror()  # the stack dropped what could be done again; the logbook did not
            if untold is not None:
                self.said.emit(untold())
            return True
        words = self.stack.undoText() if told is None else told(command.changed)
        self.said.emit(f"{words} · Ctrl+Z takes it back{besides}")
        return True

    def _step(self, deed: Deed) -> bool:
        try:
            self._night.writable_logbook()
            self._night.follow_decisions()  # what the command line decided meanwhile is below this step, not above
            command = deed()
            if command is not None and command.error is not None:
                raise command.error
        except AstepError as error:
            self._mirror()
            self.problem.emit(error)
            return False
        self._night.follow_decisions(is_own=True)
        return True

    def _mirror(self) -> None:
        logbook = self._night.logbook
        if logbook is None:
            self.stack.clear()
            return
        try:
            mirror(self.stack, logbook, self._night.writable_logbook)
        except AstepError as error:
            self.problem.emit(error)

    # -- words -----------------------------------------------------------------------------------------------

    def _named(self, paths: Sequence[str]) -> str:
        """Say how many frames, or which one, by the name that it has in the list."""
        return self._night.titles.name(paths[0]) if len(paths) == 1 else counted(paths)

    def _told(self, deed: str, paths: Sequence[str], reasons: Sequence[str]) -> str:
        """Say what was done, and why where all have one reason: "Jason 066 rejected · cloud", "10 frames rejected"."""
        why = set(reasons)
        reason = why.pop() if len(why) == 1 else ""
        return " · ".join(part for part in (f"{self._named(paths)} {deed}", reason) if part)

    def _lost_words(self, lost: Sequence[str], of: Sequence[str]) -> str:
        """Say that the reference is among rejected frames."""
        if len(of) == 1:
            return f"it was the reference: {NEXT_REFERENCE}"
        names = named([self._night.titles.name(path) for path in lost])
        return f"{names} {'was the reference' if len(lost) == 1 else 'were references'}: {NEXT_REFERENCE}"

    def _already(self, reasons: Mapping[str, str]) -> str:
        """Say that frames were rejected before, and how another reason is given."""
        why = set(reasons.values())
        said = f"{self._named(list(reasons))} {'is' if len(reasons) == 1 else 'are'} already rejected"
        if len(why) > 1:
            return f"{said}, each for its own reason; Shift+X changes it"
        reason = why.pop()
        return f"{said}: {reason}; Shift+X changes the reason" if reason else f"{said}; Shift+X gives a reason"


def counted(paths: Sequence[str]) -> str:
    """Say how many frames, or which one."""
    return paths[0].rsplit("/", 1)[-1] if len(paths) == 1 else f"{len(paths)} frames"
