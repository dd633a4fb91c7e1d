"""Looking closely: click a star, drag a line, a box, a circle."""

from __future__ import annotations

import numpy as np
import pytest
from PyQt6.QtCore import Qt

from astep_gui.models.drawn_part import drawn_box, part_name, part_words
from astep_gui.models.inspection import Inspection
from astep_gui.widgets.image_marks import DrawnShape
from astep_gui.widgets.inspect_panel import InspectPanel
from pipeline_core.types import MaskBit, Section


@pytest.fixture
def inspection(qapp):
    inspection = Inspection()
    yield inspection
    inspection.close()


@pytest.fixture
def panel(qtbot, inspection, make_shown):
    panel = InspectPanel(inspection)
    qtbot.addWidget(panel)
    panel.resize(310, 330)
    panel.show()
    panel.show_image(make_shown())
    return panel


def shows_plot(panel) -> bool:
    return hasattr(panel, "plot") and panel.plot.isVisible()


def figures(panel) -> dict[str, str]:
    return {name.text(): value.text() for name, value in panel._pairs if name.text()}


@pytest.mark.parametrize(("tool", "deed"), [("star", "Click a star"), ("line", "Drag"), ("box", "Drag a box")])
def test_an_empty_panel_says_how_to_fill_it(qtbot, panel, tool, deed):
    qtbot.mouseClick(panel.tools[tool], Qt.MouseButton.LeftButton)
    assert panel.invitation.isVisible()
    assert panel.invitation.text().startswith(deed)
    assert not shows_plot(panel)


def test_once_something_was_measured_nobody_is_invited_any_more(qtbot, panel, inspection):
    with qtbot.waitSignal(inspection.looked, timeout=60_000):
        panel.clicked(303.0, 198.0)
    assert not panel.invitation.isVisible()
    panel.drawn(DrawnShape("box", 10.0, 10.0, 20.0, 20.0))
    qtbot.waitUntil(lambda: "Pixels" in figures(panel), timeout=8000)
    assert not panel.invitation.text()


def test_a_click_near_a_star_shows_its_width(qtbot, panel, inspection):
    with qtbot.waitSignal(inspection.looked, timeout=60_000):  # the fit may compile first
        panel.clicked(303.0, 198.0)
    said = figures(panel)
    assert float(said["x"]) == pytest.approx(301.0, abs=0.1)  # counted from 1
    assert float(said["FWHM"].split()[0]) == pytest.approx(4.0, rel=0.05)
    assert shows_plot(panel)


def test_a_plot_is_made_with_the_first_profile_and_stands_above_the_words(qtbot, panel, inspection):
    assert not hasattr(panel, "plot"), "the start of the program would wait for it"
    with qtbot.waitSignal(inspection.looked, timeout=60_000):
        panel.clicked(303.0, 198.0)
    qtbot.waitUntil(lambda: panel.plot.height() > 80, timeout=2000)
    assert panel.plot.geometry().bottom() < min(pair[1].y() for pair in panel._pairs if pair[0].text())
    assert panel.plot.geometry().top() > panel.tools["star"].geometry().bottom()


def test_a_click_on_blank_sky_says_no_star_here(qtbot, panel, inspection):
    with qtbot.waitSignal(inspection.looked, timeout=60_000):
        panel.clicked(600.0, 450.0)
    assert "no star here" in panel.says.text().lower()
    assert not figures(panel)
    assert not shows_plot(panel)


def test_a_saturated_star_has_no_width(qtbot, panel, inspection, make_shown):
    panel.show_image(make_shown("s", saturation=3000.0))
    with qtbot.waitSignal(inspection.looked, timeout=60_000):
        panel.clicked(300.0, 200.0)
    assert "saturated" in panel.says.text()
    assert "FWHM" not in figures(panel)


def test_a_line_through_the_star_shows_its_peak(qtbot, panel, inspection):
    with qtbot.waitSignal(panel.tool_chosen, timeout=1000) as chosen:
        qtbot.mouseClick(panel.tools["line"], Qt.MouseButton.LeftButton)
    assert chosen.args == ["line"]
    with qtbot.waitSignal(inspection.looked, timeout=5000):
        panel.drawn(DrawnShape("line", 270.0, 200.0, 330.0, 200.0))
    said = figures(panel)
    assert float(said["Highest"].replace("\u2009", "")) == pytest.approx(5000.0, rel=0.03)
    assert said["Length"] == "60.0 px"


def test_a_box_leaves_masked_pixels_out(qtbot, panel, inspection, make_shown):
    mask = np.zeros((600, 800), np.uint8)
    mask[500:503, 500:503] = 1
    panel.show_image(make_shown("m", mask=mask))
    qtbot.mouseClick(panel.tools["box"], Qt.MouseButton.LeftButton)
    with qtbot.waitSignal(inspection.looked, timeout=5000):
        panel.drawn(DrawnShape("box", 490.0, 490.0, 519.0, 519.0))
    assert figures(panel)["Pixels"] == str(30 * 30 - 9)
    assert "9 masked" in panel.says.text()
    assert float(figures(panel)["Median"]) == pytest.approx(1000.0, abs=5.0)


def test_the_next_frame_is_measured_at_the_same_place(qtbot, panel, inspection, make_shown):
    qtbot.mouseClick(panel.tools["circle"], Qt.MouseButton.LeftButton)
    with qtbot.waitSignal(inspection.looked, timeout=5000):
        panel.drawn(DrawnShape("circle", 500.0, 400.0, 510.0, 400.0))
    with qtbot.waitSignal(inspection.looked, timeout=5000):
        panel.show_image(make_shown("b", make_shown().image + 500.0))
    assert float(figures(panel)["Median"]) == pytest.approx(1500.0, abs=5.0)


def test_changing_the_tool_forgets_what_was_measured(qtbot, panel, inspection):
    qtbot.mouseClick(panel.tools["box"], Qt.MouseButton.LeftButton)
    with qtbot.waitSignal(inspection.looked, timeout=5000):
        panel.drawn(DrawnShape("box", 490.0, 490.0, 519.0, 519.0))
    with qtbot.waitSignal(panel.shape_forgotten, timeout=1000):
        qtbot.mouseClick(panel.tools["star"], Qt.MouseButton.LeftButton)
    assert not figures(panel)


def test_a_box_is_saved_as_a_fits_file(qtbot, panel, inspection, tmp_path):
    qtbot.mouseClick(panel.tools["box"], Qt.MouseButton.LeftButton)
    with qtbot.waitSignal(inspection.looked, timeout=5000):
        panel.drawn(DrawnShape("box", 290.0, 190.0, 309.0, 209.0))
    assert panel.save.isVisible()
    panel.save_part(tmp_path / "star.fits", panel.box)
    assert "saved star.fits" in panel.says.text()
    from astropy.io import fits

    data = fits.getdata(tmp_path / "star.fits")
    assert data.shape == (20, 20)
    assert data[10, 10] == panel._shown.image[200, 300]
    panel.save_part(tmp_path / "star.fits" / "beneath a file.fits", panel.box)
    assert "cannot" in panel.says.text()


@pytest.mark.parametrize(
    ("title", "name"),
    [
        ("Jason.00000069.Entered Coordinates.fit.fz", "Jason.00000069.Entered Coordinates_part.fits"),
        (
            "Jason.00000069.Entered Coordinates.fit.fz · cosmic rays removed",
            "Jason.00000069.Entered Coordinates_part.fits",
        ),
        ("light_000.fits", "light_000_part.fits"),
    ],
)
def test_a_part_is_proposed_under_the_whole_name_of_its_frame(title, name):
    assert part_name(title) == name


def test_a_part_that_reaches_out_of_the_frame_is_as_large_as_what_lies_in_it():
    circle = DrawnShape("circle", 5.0, 50.0, 5.0, 70.0)
    assert drawn_box(circle) == Section(30, 71, -15, 26)
    assert part_words(circle, drawn_box(circle), (60, 100)) == "the box around the drawn circle, 26 × 30 px"
    assert drawn_box(DrawnShape("line", 0.0, 0.0, 5.0, 5.0)) is None


class Shifted:
    """Frames that lie on the first one by a known shift; "c" is known against none."""

    def usual_fwhm(self, shown):
        return 4.0

    def same_place(self, first, shown, x, y):
        return None if shown.key == "c" else (x + 40.0, y - 25.0)


def test_on_the_next_frame_the_same_star_is_measured_where_its_shift_puts_it(qtbot, panel, inspection, make_shown):
    inspection.known = Shifted()
    with qtbot.waitSignal(inspection.looked, timeout=60_000):
        panel.clicked(303.0, 198.0)
    moved = np.roll(make_shown().image, (-25, 40), axis=(0, 1))
    with qtbot.waitSignal(inspection.looked, timeout=5000):
        panel.show_image(make_shown("b", moved))
    assert (float(figures(panel)["x"]), float(figures(panel)["y"])) == pytest.approx((341.0, 176.0), abs=0.2)
    with qtbot.waitSignal(inspection.looked, timeout=5000):
        panel.show_image(make_shown("d"))  # as if the star had gone from where it must be
    assert "No star here" in panel.says.text()
    assert "within 4 pixels" in panel.says.text()


def full_star(well: float) -> np.ndarray:
    """A bright star whose wells are full at levels of their own, some 1 % apart."""
    rng = np.random.default_rng(7)
    y, x = np.indices((400, 500))
    light = 120_000.0 * np.exp(-4 * np.log(2) * ((x - 300) ** 2 + (y - 200) ** 2) / 3.5**2)
    return np.minimum(rng.normal(500.0 + light, 20.0), rng.normal(well, 0.01 * well, x.shape)).astype(np.float32)


def test_a_star_whose_wells_are_full_below_the_stated_level_is_not_to_be_trusted(qtbot, panel, inspection, make_shown):
    panel.show_image(make_shown("f", full_star(62_200.0), saturation=65_535.0))
    with qtbot.waitSignal(inspection.looked, timeout=60_000):
        panel.clicked(303.0, 198.0)
    assert panel.says.text() == "▲ saturated or flat-topped: width and light are not to be trusted"


def test_a_star_that_was_saturated_before_calibration_is_said_to_be(qtbot, panel, inspection, make_shown):
    mask = np.zeros(make_shown().image.shape, np.uint8)
    mask[200, 300] = MaskBit.SATURATED
    panel.show_image(make_shown("m", mask=mask, saturation=1e6))
    with qtbot.waitSignal(inspection.looked, timeout=60_000):
        panel.clicked(303.0, 198.0)
    assert panel.says.text().startswith("▲ saturated: its width cannot be measured")


def test_the_light_of_a_star_has_its_unit(qtbot, panel, inspection):
    with qtbot.waitSignal(inspection.looked, timeout=60_000):
        panel.clicked(303.0, 198.0)
    assert {name: figures(panel)[name].rpartition(" ")[2] for name in ("Peak", "Flux", "Sky")} == dict.fromkeys(
        ("Peak", "Flux", "Sky"), "e⁻"
    )
    assert not panel.says.text(), "nothing speaks against an ordinary star"


def test_where_a_frame_lies_is_not_known_that_is_said_beside_what_was_found(qtbot, panel, inspection, make_shown):
    inspection.known = Shifted()
    with qtbot.waitSignal(inspection.looked, timeout=60_000):
        panel.clicked(303.0, 198.0)
    with qtbot.waitSignal(inspection.looked, timeout=5000):
        panel.show_image(make_shown("c"))
    assert "is not known" in panel.says.text()
    assert float(figures(panel)["x"]) == pytest.approx(301.0, abs=0.2)


def test_how_long_a_star_is_has_the_name_that_the_table_has(qtbot, panel, inspection):
    with qtbot.waitSignal(inspection.looked, timeout=60_000):
        panel.clicked(303.0, 198.0)
    assert 0.0 <= float(figures(panel)["Ellipticity"]) < 0.1
