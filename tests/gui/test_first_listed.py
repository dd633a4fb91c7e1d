"""A night opens on the first frame of its list, and the list stands at its top."""

from __future__ import annotations

from astep_gui.models.frame_columns import column_number
from tests.gui.nights import small_night, write_frame

PATIENCE_MS = 20_000


def opened_night(qtbot, window, tmp_path):
    """Open a night of which the frame that is first by name is neither first in time nor of the first group."""
    night = small_night(tmp_path / "night")
    write_frame(night / "a_late.fits", "object", number=70, FILTER="Z", EXPTIME=10.0)
    for k in range(30):
        at = f"2026-06-21T01:{59 - k:02d}:00"
        write_frame(night / f"b_field_{k:03d}.fits", "object", number=80 + k, FILTER="B", **{"DATE-OBS": at})
    window.resize(1280, 720)
    window.open_night(night)
    qtbot.waitUntil(lambda: window.viewing.view.shown is not None, timeout=PATIENCE_MS)
    qtbot.waitUntil(lambda: window.night.plan is not None, timeout=PATIENCE_MS)
    qtbot.wait(300)
    return window


def test_the_first_frame_of_the_list_is_selected_and_shown_and_the_list_stands_at_its_top(qtbot, window, tmp_path):
    """It was the first by name, of the second group, with the list scrolled down to it."""
    table = opened_night(qtbot, window, tmp_path).table
    model = table.model
    listed = [path for path in model.ordered() if window.night.frame(path).kind.value == "science"]
    assert listed[0] != min(listed), "or the test would tell nothing"
    assert window.night.current == listed[0]
    assert model.path_of(table.tree.currentIndex()) == listed[0]
    assert window.viewing.view.title == listed[0]
    assert table.tree.verticalScrollBar().value() == 0


def test_a_rejected_frame_names_its_cause_in_the_row_and_is_still_found_by_the_word(qtbot, window, tmp_path):
    opened_night(qtbot, window, tmp_path)
    path, table = window.night.current, window.table
    window.decisions.reject([path], "cloud")
    cell = table.model.index_of(path).siblingAtColumn(column_number("state"))
    assert cell.data() == "✕ cloud"
    for words in ("rejected", "cloud"):
        table.search.setText(words)
        table.search_now()
        assert table.model.ordered() == [path]
