"""Going from frame to frame paints two rows of the table, whole, and not all that are in sight."""

import weakref

import pytest
from PyQt6.QtCore import QRect

from astep_gui.widgets.frame_rows import FrameTree
from tests.gui.nights import small_night


@pytest.fixture
def painted(qtbot, window, tmp_path, monkeypatch):
    """The window with a table wider than its columns; what is painted is kept."""
    window.open_night(small_night(tmp_path / "night", science=12))
    qtbot.waitUntil(lambda: window.night.plan is not None, timeout=8000)
    window.show()
    window.docks["frames"].setFloating(True)
    window.docks["frames"].resize(1400, 800)
    qtbot.waitUntil(
        lambda: window.table.tree.header().length() + 50 < window.table.tree.viewport().width(), timeout=3000
    )
    qtbot.wait(300)
    rows, pieces = [], []
    draw, paint = FrameTree.drawRow, FrameTree.paintEvent
    monkeypatch.setattr(FrameTree, "drawRow", lambda tree, *more: (rows.append(more[2].data()), draw(tree, *more))[1])
    monkeypatch.setattr(
        FrameTree, "paintEvent", lambda tree, event: (pieces.append(event.region()), paint(tree, event))[1]
    )
    window.painted_rows, window.painted_pieces = rows, pieces
    yield window
    window.docks["frames"].setFloating(False)


def select(qtbot, window, paths):
    window.table.tree.viewport().repaint()
    qtbot.wait(100)
    window.painted_rows.clear()
    window.painted_pieces.clear()
    window.night.select(paths, paths[-1])
    qtbot.waitUntil(lambda: bool(window.painted_rows), timeout=2000)


def test_a_step_to_the_next_frame_paints_the_row_that_was_and_the_one_that_is(qtbot, painted):
    first, second, *_ = painted.table.model.ordered()
    select(qtbot, painted, [first])
    in_sight = len(painted.table.model.ordered())
    select(qtbot, painted, [second])
    assert len(set(painted.painted_rows)) <= 4 < in_sight


@pytest.mark.parametrize("far", [1, 3, 8])
def test_both_rows_are_painted_to_the_edge_beyond_the_last_column(qtbot, painted, far):
    order = painted.table.model.ordered()
    tree = painted.table.tree
    select(qtbot, painted, [order[0]])
    select(qtbot, painted, order[1 : 1 + far])
    for path in (order[0], *order[1 : 1 + far]):
        row = tree.visualRect(painted.table.model.index_of(path))
        beyond = QRect(
            tree.header().length() + 5, row.top() + 1, tree.viewport().width() - tree.header().length() - 10, 20
        )
        assert any(piece.intersects(beyond) for piece in painted.painted_pieces), path


def test_what_each_row_asks_for_its_selection_is_held_and_not_wrapped_anew_with_each(window):
    tree = window.table.tree
    wrapper = weakref.ref(tree.selectionModel())
    assert wrapper() is not None
    assert wrapper() is tree.selectionModel()
