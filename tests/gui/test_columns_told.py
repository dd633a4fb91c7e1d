"""What the columns of the list say of where their figures come from: first look, date, reference."""

from dataclasses import replace
from datetime import timedelta

import pytest
from PyQt6.QtCore import QRectF, Qt
from PyQt6.QtGui import QFontMetricsF, QImage, QPainter

from astep_gui.models.frame_columns import COLUMNS, column_number
from astep_gui.models.frame_state import FIRST_FIGURES
from astep_gui.models.frame_table_model import FIRST_ROLE
from astep_gui.theme import theme, ui_font
from astep_gui.widgets import image_badge
from pipeline_core.measures import QualityRow, ScienceMeasures

LIGHTS = [f"light_{k:03d}.fits" for k in range(4)]
TIP = Qt.ItemDataRole.ToolTipRole


def cell(window, path, key, role=Qt.ItemDataRole.DisplayRole):
    model = window.table.model
    return model.data(model.index_of(path).siblingAtColumn(column_number(key)), role)


def row(path, state):
    return QualityRow(path, ScienceMeasures(state, "ADU", fwhm_px=2.0), depth_loss_mag=0.1)


def test_figures_of_a_first_look_are_marked_beside_final_ones_and_the_tip_says_so(opened_reduced):
    window = opened_reduced
    window.night._take_rows(row(path, "quick" if path == LIGHTS[0] else "final") for path in LIGHTS)
    assert cell(window, LIGHTS[0], "fwhm", FIRST_ROLE)
    assert cell(window, LIGHTS[0], "depth", FIRST_ROLE)
    assert not cell(window, LIGHTS[0], "utc", FIRST_ROLE), "the header says it, whoever looks"
    assert not cell(window, LIGHTS[1], "fwhm", FIRST_ROLE)
    assert FIRST_FIGURES.split(":")[0] in cell(window, LIGHTS[0], "name", TIP).replace("\n", " ")
    assert "in italics" not in cell(window, LIGHTS[1], "name", TIP)


def test_before_a_night_is_reduced_no_figure_is_marked(opened):
    opened.night._take_rows(row(path, "quick") for path in LIGHTS)
    assert not cell(opened, LIGHTS[0], "fwhm", FIRST_ROLE)


def test_where_frames_are_of_more_than_one_date_the_day_stands_before_the_time(opened):
    model, night = opened.table.model, opened.night
    number = column_number("utc")
    before = opened.table.columns.width_of(number)
    assert cell(opened, LIGHTS[0], "utc").count(":") == 2
    assert " " not in cell(opened, LIGHTS[0], "utc")
    later = tuple(replace(f, mid_utc=f.mid_utc + timedelta(days=f.path == LIGHTS[3])) for f in night.raw.frames)
    night.night = night.raw = replace(night.raw, frames=later)
    model.rebuild()
    day = next(f.mid_utc for f in later if f.path == LIGHTS[3]).strftime("%d ")
    assert cell(opened, LIGHTS[3], "utc").startswith(day)
    assert " " in cell(opened, LIGHTS[0], "utc"), "all of them: which is the other day is seen"
    assert opened.table.columns.width_of(number) > before, "and nothing of it is cut"


def test_with_days_before_the_times_no_column_of_the_list_is_cut(qtbot, opened):
    """As in a night from evening to morning; the names of its frames are as long as "SCIENCE 036"."""
    opened.resize(1600, 1000)
    model, night = opened.table.model, opened.night
    names = {f.path: f"{'SCIENCE' if k else 'NIGHT'} {k:03d}.fits" for k, f in enumerate(night.raw.frames)}
    later = tuple(
        replace(f, path=names[f.path], mid_utc=f.mid_utc and f.mid_utc + timedelta(days=f.path == LIGHTS[3]))
        for f in night.raw.frames
    )
    night.night = night.raw = replace(night.raw, frames=later)
    model.rebuild()
    opened.panels.give_table_room()
    qtbot.wait(60)
    assert not opened.table.tree.isColumnHidden(column_number("on_sky"))
    assert opened.panels._frames.minimumWidth() >= opened.table.wanted_width(), "no other panel presses it"


def test_in_a_small_window_the_time_stays_in_the_list(opened):
    opened.resize(1280, 720)
    tree = opened.table.tree
    assert not tree.isColumnHidden(column_number("utc"))
    assert opened.table.columns.wanted_width() <= tree.width() + 1


def test_the_head_of_the_depth_says_against_what_and_what_below_zero_means(opened):
    said = opened.table.model.headerData(column_number("depth"), Qt.Orientation.Horizontal, TIP).replace("\n", " ")
    assert "best fifth of the frames of the same field, filter and exposure" in said
    assert "below zero better" in said


def test_only_what_is_measured_of_pixels_is_of_a_first_look():
    assert {c.key for c in COLUMNS if c.is_measured} == {
        *("fwhm", "depth", "sky", "ellipticity", "stars", "transparency"),
    }


@pytest.mark.parametrize("width", [240.0, 400.0])
def test_the_badge_of_a_rejected_frame_lies_inside_the_frame(qapp, width):
    image = QImage(600, 300, QImage.Format.Format_RGB32)
    image.fill(0)
    area, frame = QRectF(0, 0, 600, 300), QRectF(300 - width / 2, 0, width, 300)
    words = "REJECTED · not judged · U to restore"
    assert QFontMetricsF(ui_font(13, bold=True)).horizontalAdvance(words) > 200
    painter = QPainter(image)
    image_badge.draw_badge(painter, area, frame, words, (0.0, 600.0))
    painter.end()
    ground = theme().colour("badge").rgb()
    painted = [x for x in range(600) if any(image.pixel(x, y) == ground for y in range(20, 24))]
    assert min(painted) >= frame.left()
    assert max(painted) <= frame.right()
