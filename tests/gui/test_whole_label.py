"""A label whose wrapped words are always read whole."""

from __future__ import annotations

from PyQt6.QtWidgets import QVBoxLayout, QWidget

from astep_gui.widgets.whole_label import WholeLabel

WORDS = "none: the pixel scale is not known: no header has it, and nobody has said it either, for all that is known"


def test_it_is_as_high_as_its_lines_and_gives_back_what_a_wider_place_needs_no_more(qtbot):
    place, label = QWidget(), WholeLabel()
    layout = QVBoxLayout(place)
    layout.addWidget(label)
    layout.addStretch(1)
    qtbot.addWidget(place)
    label.setText(WORDS)
    heights = {}
    for width in (600, 130, 600):
        place.resize(width, 500)
        place.show()
        qtbot.wait(20)
        heights.setdefault(width, []).append(label.height())
        bare = WholeLabel()
        bare.setText(WORDS)
        assert label.height() == bare.heightForWidth(label.width())
        bare.deleteLater()
    wide = heights[600]
    assert wide[0] == wide[1] < heights[130][0]
