"""The logbook of a night: every decision in the order it was made, undoable, none ever lost."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

from pipeline_core.decision_steps import IN_FORCE, Current, Label, current_of, load, record, rejected_of, stacks
from pipeline_core.decisions import MASTERS, NIGHT, RECIPE, Decision, Source, Value, checked, decided_frame
from pipeline_core.errors import NightError
from pipeline_core.io import decision_lists
from pipeline_core.io.database import Database
from pipeline_core.types import FrameKind, Night

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    Later = Callable[[Path], None]


class Logbook:
    """Decisions of one output folder, in its ``logbook.sqlite``.

    Nothing is ever changed or removed: an undo is one more step that sets the old values again, so the
    table is the whole story and what is in force is the last line of each field. Frames are known by their
    night-relative path: a night that moved keeps its decisions. A decision is on the disk when the call
    returns. Another process may decide at the same time; :meth:`changes_since` tells what it did.
    """

    def __init__(self, database: Database, output: Path, later: Later | None = None) -> None:
        self.database = database
        self.output = output
        self._later = later
        self._in_force: tuple[int, list[tuple[Any, ...]], Current] | None = None
        """The decision up to which it was read, the rows of :data:`IN_FORCE`, and what they come to."""

    @classmethod
    def open(cls, output: Path, night: Path | None = None, later: Later | None = None) -> Self:
        """Open the logbook of an output, making it if there is none.

        Parameters
        ----------
        output : Path
            The output folder.
        night : Path, optional
            The folder of raw frames, remembered for the next time; also when it moved.
        later : callable, optional
            For who must not wait for a disk: told of the output with each decision, it brings the decision to the disk
            and writes the lists, soon and elsewhere; see :class:`~pipeline_core.lists_later.ListsLater`. A decision is
            then safe from the program's end when the call returns, and from a power cut a moment later.

        Raises
        ------
        NightError
            If the output is the night itself or cannot be written, or the logbook is damaged or newer.
        """
        if night is not None and (output.resolve() == night.resolve() or output.resolve() in night.resolve().parents):
            raise NightError(
                f"cannot write into {output}",
                "it is the night itself, or holds it: raw data is never written to",
                "name another output folder with -o",
            )
        logbook = cls(Database(output, waits=later is None), output, later)
        try:
            if night is not None:
                logbook._meet(night.resolve())
            logbook._write_lists()
        except BaseException:
            logbook.close()
            raise
        return logbook

    @classmethod
    def read_only(cls, output: Path) -> Self:
        """Open a logbook that exists, to look and never to change anything."""
        return cls(Database(output, read_only=True), output)

    def close(self) -> None:
        """Close the file. Nothing needs saving."""
        self.database.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    # -- the night -------------------------------------------------------------------------------------------

    @property
    def night(self) -> Path | None:
        """Where the raw frames are, or were when last seen."""
        found = self.database.fact("night")
        return Path(found) if found else None

    def _meet(self, night: Path) -> None:
        # A folder that is gone has moved. One that still exists may be another night: note_frames() tells.
        known = self.night
        if known is None or (known != night and not known.is_dir()):
            self.database.remember("night", str(night))

    def note_frames(self, night: Night) -> None:
        """Remember which frames the night has, so that ``accepted.txt`` can name them.

        Raises
        ------
        NightError
            If the output belongs to another night: it shares no frame with the one remembered.
        """
        known = set(json.loads(self.database.fact("frames") or "{}"))
        now = {frame.path: str(frame.kind) for frame in night.frames if frame.unusable is None}
        if known and now and known.isdisjoint(now):
            raise NightError(
                f"cannot use {self.output} for {night.root}",
                f"it holds the products of another night ({self.night})",
                "choose another output with -o",
            )
        self.database.remember("night", str(night.root.resolve()))
        self.database.remember("frames", json.dumps(now))
        self._write_lists()

    def note_told(self, warnings: Sequence[str], left_out: Sequence[tuple[str, str]], sky: str = "") -> None:
        """Remember what a run warned of, which frames (path, reason) it left out, and why nothing was solved."""
        text = json.dumps({"warnings": list(warnings), "left_out": [list(item) for item in left_out], "sky": sky})
        self.database.remember("told", text)

    def told(self) -> tuple[list[str], list[tuple[str, str]]]:
        """Return the warnings of the last run that ended, and the frames it left out with their reasons."""
        told = json.loads(self.database.fact("told") or "{}")
        return told.get("warnings", []), [(path, reason) for path, reason in told.get("left_out", [])]

    def told_of_sky(self) -> str:
        """Return why the last run that ended solved nothing; empty if it did, or need not."""
        return str(json.loads(self.database.fact("told") or "{}").get("sky", ""))

    # -- deciding --------------------------------------------------------------------------------------------

    def decide(
        self,
        subjects: Iterable[str],
        field: str,
        value: Any,
        reason: str = "",
        *,
        source: Source = "person",
        label: Label | None = None,
    ) -> int | None:
        """Decide one field of one or many frames, as one step of undo.

        Parameters
        ----------
        subjects : iterable of str
            Night-relative paths, or ``NIGHT``, or ``RECIPE``.
        field : str
            One of :data:`~pipeline_core.decisions.FIELDS`; a dotted recipe field for ``RECIPE``.
        value
            The new value; None takes the decision back to the frame's own value.
        reason, label : str
            Why; and what the step is called, made up from the rest if absent.

        Returns
        -------
        int or None
            The step, or None if nothing changed.
        """
        chosen = list(dict.fromkeys(subjects))
        return self.decide_all(
            [(subject, field, value) for subject in chosen],
            reason,
            source=source,
            label=label or (lambda paths: f"{field} = {value} for {_count(paths)}"),
        )

    def decide_all(
        self,
        changes: Sequence[tuple[str, str, Any]],
        reason: str = "",
        *,
        source: Source = "person",
        label: Label,
    ) -> int | None:
        """Decide several (subject, field, value) as one step of undo; see :meth:`decide`.

        A label may be a function of the subjects that change: those that were decided so already are not named.
        """
        wanted = [(subject, field, checked(subject, field, value)) for subject, field, value in changes]
        with self.database.transaction() as connection:
            lines = [(subject, field, value, source) for subject, field, value in wanted]
            step = record(connection, "decide", label, lines, reason=reason, source=source)
        self._write_lists()
        return step

    def decide_recipe(
        self,
        changes: Mapping[str, Any],
        before: Mapping[str, Any],
        reason: str = "",
        *,
        source: Source = "person",
        label: str,
    ) -> int | None:
        """Change fields of the recipe (dotted name → value), as one step of undo.

        Parameters
        ----------
        changes : mapping
            New values.
        before : mapping
            The values that held until now. A field that was never decided is noted with this one first, so that
            undo has something to go back to: by then ``recipe.toml`` may hold the new value.
        reason, label : str
            Why; and what the step is called.
        """
        known = self.recipe_changes()
        noted = [(RECIPE, name, before[name]) for name in changes if known.get(name) is None and name in before]
        if noted:
            self.decide_all(noted, source="rule", label="settings as they stood")
        wanted = [(RECIPE, name, value) for name, value in changes.items()]
        return self.decide_all(wanted, reason, source=source, label=label)

    def reject(self, paths: Iterable[str], reason: str = "", *, source: Source = "person") -> int | None:
        """Reject frames, with a reason."""
        chosen = list(dict.fromkeys(paths))
        changes = rejecting(dict.fromkeys(chosen, reason))
        return self.decide_all(changes, reason, source=source, label=lambda paths: f"reject {_count(paths)}")

    def accept(
        self, paths: Iterable[str], reason: str = "", *, source: Source = "person", label: Label | None = None
    ) -> int | None:
        """Accept frames, against rules too; a calibration frame stays in its master whatever a check says."""
        chosen = list(dict.fromkeys(paths))
        changes = [(path, *change) for path in chosen for change in (("rejected", False), ("kept", True))]
        words = label or (lambda paths: f"accept {_count(paths)}")
        return self.decide_all(changes, reason, source=source, label=words)

    def choose_reference(self, path: str | None) -> int | None:
        """Choose the frame that others are laid on, as one step of undo; None leaves it to quality."""
        changes: list[tuple[str, str, Any]] = [
            (other, "reference", None) for other in self.references() if other != path
        ]
        if path is None:
            return self.decide_all(changes, label="reference chosen by quality")
        return self.decide_all([*changes, (path, "reference", True)], label=f"reference {path}")

    def follow_rules(self, rejected: Mapping[str, str]) -> int | None:
        """Make the rules' rejections (path → reason) what they say now; a person's word wins over them."""
        with self.database.transaction() as connection:
            in_force = {row[0]: row for row in connection.execute(IN_FORCE).fetchall() if row[1] == "rejected"}
            lifted = [path for path, row in in_force.items() if row[3] == "rule" and path not in rejected]
            changes: list[tuple[str, str, Value, Source]] = [(path, "rejected", None, "rule") for path in lifted]
            for path, reason in rejected.items():
                if path not in in_force or in_force[path][3] == "rule":
                    changes.append((path, "rejected", reason, "rule"))
            label = f"rules reject {_count(list(rejected))}"
            step = record(connection, "decide", label, changes, source="rule")
        self._write_lists()
        return step

    def import_rejected(self, file: Path, known: Iterable[str]) -> int | None:
        """Reject the frames that a list names; see :func:`~pipeline_core.io.decision_lists.read_list`."""
        changes = rejecting(decision_lists.read_list(file, known))
        return self.decide_all(changes, f"listed in {file.name}", source="import", label=f"import {file.name}")

    def import_accepted(self, file: Path, known: Iterable[str]) -> int | None:
        """Accept the frames that a list names; see :meth:`import_rejected`."""
        return self.accept(decision_lists.read_list(file, known), f"listed in {file.name}", source="import")

    # -- undo ------------------------------------------------------------------------------------------------

    def undo(self, n: int = 1) -> list[str]:
        """Take back a person's last ``n`` steps; return their labels. Rules are changed in the recipe."""
        return [label for _ in range(n) if (label := self._step_back("undo")) is not None]

    def redo(self, n: int = 1) -> list[str]:
        """Make the last ``n`` undone steps again; return their labels. A new decision ends redoing."""
        return [label for _ in range(n) if (label := self._step_back("redo")) is not None]

    def steps(self) -> tuple[list[str], list[str]]:
        """Return the labels of the steps that can be undone and of those that can be made again, next one last."""
        done, undone = stacks(self.database)
        labels = dict(self.database.rows("SELECT id, label FROM steps"))
        return [labels[step] for step in done], [labels[step] for step in undone]

    def _step_back(self, deed: str) -> str | None:
        with self.database.transaction() as connection:
            done, undone = stacks(connection)
            stack = done if deed == "undo" else undone
            if not stack:
                return None
            step = stack[-1]
            label: str = connection.execute("SELECT label FROM steps WHERE id = ?", (step,)).fetchone()[0]
            lines = connection.execute(
                "SELECT subject, field, old, old_source, new, source FROM decisions WHERE step = ? ORDER BY id",
                (step,),
            ).fetchall()
            changes = [
                (
                    subject,
                    field,
                    load(old if deed == "undo" else new),
                    (old_source if deed == "undo" else source) or source,
                )
                for subject, field, old, old_source, new, source in (reversed(lines) if deed == "undo" else lines)
            ]
            record(connection, deed, f"{deed}: {label}", changes, of=step)
        self._write_lists()
        return label

    # -- what is in force ------------------------------------------------------------------------------------

    def current(self) -> Current:
        """Return what is decided now: subject → field → value; only to be read."""
        return self._read()[1]

    def _read(self) -> tuple[list[tuple[Any, ...]], Current]:
        """Read what is in force, anew only where somebody has decided: it is asked for six times a decision."""
        last = self.last_id()
        if self._in_force is None or self._in_force[0] != last:
            rows = self.database.rows(IN_FORCE)
            self._in_force = last, rows, current_of(rows)
        return self._in_force[1:]

    def rejected(self) -> dict[str, str]:
        """Return the rejected frames and why."""
        return rejected_of(self.current())

    def rejected_by_rule(self) -> frozenset[str]:
        """Return the frames that a rule of the recipe rejected, and no person has decided about."""
        rows = [row for row in self._read()[0] if row[1] == "rejected" and row[3] == "rule"]
        return frozenset(rejected_of(current_of(rows)))

    def kept(self) -> frozenset[str]:
        """Return the calibration frames that stay in their master although a check speaks against them."""
        return frozenset(path for path, fields in self.current().items() if fields.get("kept"))

    def references(self) -> frozenset[str]:
        """Return the frames that a person chose as the reference of their pointing."""
        return frozenset(path for path, fields in self.current().items() if fields.get("reference"))

    def forced_masters(self) -> dict[str, dict[str, str]]:
        """Return path → {"bias" | "dark" | "flat": master's name, or "none"}."""
        forced = {
            path: {kind: str(fields[kind]) for kind in MASTERS if fields.get(kind)}
            for path, fields in self.current().items()
            if path != RECIPE
        }
        return {path: masters for path, masters in forced.items() if masters}

    def recipe_changes(self) -> dict[str, Value]:
        """Return the decided recipe fields by dotted name."""
        return self.current().get(RECIPE, {})

    def apply(self, night: Night) -> Night:
        """Return the night with its frames as decided. Pure: the night given is not changed."""
        current = self.current()
        offset_s = float(current.get(NIGHT, {}).get("time_offset_s") or 0.0)
        frames = tuple(decided_frame(f, current.get(f.path, {}), time_offset_s=offset_s) for f in night.frames)
        return replace(night, frames=frames)

    # -- history ---------------------------------------------------------------------------------------------

    def history(self) -> list[Decision]:
        """Return every decision ever made, oldest first."""
        return self.changes_since(0)

    def changes_since(self, last_id: int) -> list[Decision]:
        """Return the decisions after one (its ``id``), whoever made them: for a window that follows along."""
        rows = self.database.rows(
            "SELECT d.id, d.step, s.when_utc, s.deed, s.label, d.subject, d.field, d.old, d.new, s.reason, "
            "d.source, (SELECT deed FROM steps WHERE step = d.step ORDER BY id DESC LIMIT 1) "
            "FROM decisions d JOIN steps s ON s.id = d.step WHERE d.id > ? ORDER BY d.id",
            (last_id,),
        )
        decisions = []
        for row in rows:
            line = dict(zip(Decision.__slots__, row, strict=True))
            line |= {"old": load(line["old"]), "new": load(line["new"]), "undone": line["undone"] == "undo"}
            decisions.append(Decision(**line))
        return decisions

    def subjects_since(self, last_id: int) -> list[str]:
        """Return what was decided about after a decision (its ``id``), each once: enough for most who follow."""
        question = "SELECT subject FROM decisions WHERE id > ? GROUP BY subject ORDER BY min(id)"
        return [subject for (subject,) in self.database.rows(question, (last_id,))]

    def last_id(self) -> int:
        """Return the id of the newest decision, 0 if there is none."""
        return int(self.database.rows("SELECT coalesce(max(id), 0) FROM decisions")[0][0])

    def lists(self) -> dict[str, str]:
        """Return what ``accepted.txt`` and ``rejected.txt`` are to say: name → text."""
        current = self.current()
        kinds = {
            path: str(current.get(path, {}).get("kind") or kind)
            for path, kind in json.loads(self.database.fact("frames") or "{}").items()
        }
        science = [path for path, kind in kinds.items() if kind == FrameKind.SCIENCE]
        return decision_lists.texts_of(science, rejected_of(current))

    def _write_lists(self) -> None:
        if self._later is not None:
            self._later(self.output)
            return
        # Under the write lock, so that of two deciding processes the last one writes the last state.
        with self.database.transaction() as connection:
            rows = connection.execute(IN_FORCE).fetchall()
            (last,) = connection.execute("SELECT coalesce(max(id), 0) FROM decisions").fetchone()
            self._in_force = last, rows, current_of(rows)  # asked for next, and as it is under the lock
            decision_lists.write_lists(self.output, self.lists())


def rejecting(reasons: Mapping[str, str]) -> list[tuple[str, str, Value]]:
    """Return what is decided when frames are rejected, each for its own reason (path → reason)."""
    return [(path, *change) for path, why in reasons.items() for change in (("rejected", why), ("kept", None))]


def _count(paths: Sequence[str]) -> str:
    return paths[0] if len(paths) == 1 else f"{len(paths)} frames"
