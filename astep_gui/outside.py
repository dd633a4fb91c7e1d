"""Showing files and folders in the system's own programs; where none answers, what to do instead."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PyQt6.QtCore import QUrl
from PyQt6.QtGui import QDesktopServices

from pipeline_core.errors import NightError

if TYPE_CHECKING:
    from pathlib import Path

    from astep_gui.main_window import MainWindow


def show_report(window: MainWindow, file: Path) -> None:
    """Open a report that was just written; where no program answers, say that it is there and how it is read.

    Parameters
    ----------
    window : MainWindow
    file : Path
    """
    if not QDesktopServices.openUrl(QUrl.fromLocalFile(str(file))):
        hint = f"No program of this system is set for {file.suffix} files: open it in a browser"
        window.notice.show_news(f"The report is written: {file}", hint, str(file))
        window.notice.offer("Show folder", lambda: show_outside(window, file.parent))


def show_outside(window: MainWindow, file: Path) -> None:
    """Open a folder or a file in the system's own program.

    Parameters
    ----------
    window : MainWindow
        Says it where no program answers, and offers the path for any other.
    file : Path
    """
    if not file.exists():
        error = NightError(f"cannot open {file}", "it is not there any more", "look into its folder, or make it again")
        window.show_problem(error, str(file), says_once=True)
    elif not QDesktopServices.openUrl(QUrl.fromLocalFile(str(file))):
        what, program = ("folder", "file manager") if file.is_dir() else ("file", f"program for {file.suffix} files")
        why = f"no program of this system opened it: no {program} answered"
        hint = f"“Copy the path” puts it on the clipboard; open the {what} in a program of your choice"
        window.show_problem(NightError(f"cannot open the {what} {file}", why, hint), str(file), says_once=True)
