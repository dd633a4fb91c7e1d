"""The report of a night: one file that holds everything and stays small."""

import io
import json
import re
import shutil
import zlib
from dataclasses import replace

import numpy as np
import pytest

from pipeline_core.cli import main
from pipeline_core.errors import UsageError
from pipeline_core.events import RunContext
from pipeline_core.io.png import grey_png
from pipeline_core.logbook import Logbook
from pipeline_core.measures import Flag, QualityRow, ScienceMeasures
from pipeline_core.report import Detail, _said, gather, render, write_report
from pipeline_core.report_html import _without_commands
from pipeline_core.report_pictures import picture_of
from pipeline_core.report_state import night_state, reports_of
from pipeline_core.scan import scan_night
from pipeline_core.science.thumbnail import binned, thumbnail
from pipeline_core.session import Place
from pipeline_core.stage import remembered
from pipeline_core.stages.quality import MEASURE_QUICK, MEASURE_SCIENCE
from pipeline_core.store import Store


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    """A small demo night whose frames are looked at quickly only, with decisions."""
    root = tmp_path_factory.mktemp("report")
    assert main(["demo", str(root / "night"), "--size", "256", "--frames", "12", "--quiet"]) == 0
    made = Place(root / "night", root / "out")
    made.output.mkdir()
    with Logbook.open(made.output, made.night) as logbook:
        logbook.reject(["x/<b>.fits"], "a & b <script>alert(1)</script>")
    lines = [{"kind": "message", "level": "warning", "text": "no flat for filter <U>"}, {"kind": "started"}]
    (made.output / "log.jsonl").write_text("\n".join(map(json.dumps, lines)) + '\n{"kind": "mess', encoding="utf-8")
    return made


@pytest.fixture(scope="module")
def page(place):
    return write_report(place, RunContext()).read_text(encoding="utf-8")


def test_the_report_needs_no_other_file_and_runs_no_script(page):
    links = re.findall(r'(?:src|href)="([^"]+)"', page)
    assert links
    assert all(link.startswith("data:image/png;base64,") for link in links)
    assert "<script" not in page
    assert "url(" not in page


def test_what_people_wrote_is_shown_as_they_wrote_it(page):
    assert "a &amp; b &lt;script&gt;" in page
    assert "x/&lt;b&gt;.fits" in page
    assert "no flat for filter &lt;U&gt;" in page


def test_the_report_holds_keogram_plots_thumbnails_decisions_warnings_and_recipe(page):
    for words in (
        "Keogram",
        "FWHM (px)",
        "Sky (ADU)",
        "Altitude",
        "Rejected frames",
        "Decisions",
        "Warnings",
        "sigclip",
    ):
        assert words in page
    assert page.count("<figure") >= 11  # one frame of the demo night is cut short


def test_every_element_is_closed(page):
    import xml.etree.ElementTree as ET

    body = re.sub(r"<meta[^>]*>|<!doctype html>|<br>", "", page)
    body = re.sub(r"(<img[^>]*)>", r"\1/>", body).replace("class=dim", 'class="dim"')
    ET.fromstring(body)


def test_the_small_report_stays_below_100_kilobytes(place):
    file = write_report(place, RunContext(), small=True)
    assert file.name == "report_small.html"
    assert file.stat().st_size <= 100_000


def test_a_report_is_old_once_something_was_decided_or_a_frame_came_in_and_new_once_it_is_written_anew(place, tmp_path):
    made = Place(place.night, tmp_path / "out")
    shutil.copytree(place.output, made.output)
    night = scan_night(made.night, RunContext())
    frame = night.frames[-1].path

    def reports(now=night):
        with Logbook.read_only(made.output) as logbook, Store(made.output, logbook.database) as store:
            return reports_of(made.output, night_state(now, logbook, store))

    (made.output / "report_small.html").unlink(missing_ok=True)
    write_report(made, RunContext())
    assert reports() == {"report.html": False}
    with Logbook.open(made.output, made.night) as logbook:
        logbook.reject([frame], "cloud")
    assert reports() == {"report.html": True}
    write_report(made, RunContext(), small=True)
    assert reports() == {"report.html": True, "report_small.html": False}
    write_report(made, RunContext())
    assert reports() == {"report.html": False, "report_small.html": False}
    grown = replace(night, frames=(*night.frames, replace(night.frames[-1], path="one_more.fits")))
    assert reports(grown) == {"report.html": True, "report_small.html": True}


def test_a_report_is_as_old_as_what_holds_now_and_not_as_what_was_taken_back_since(place, tmp_path):
    shutil.copytree(place.output, out := tmp_path / "out")
    night = scan_night(place.night, RunContext())
    frame = night.frames[-1].path
    with Logbook.open(out, place.night) as logbook, Store(out, logbook.database) as store:
        before = night_state(night, logbook, store)
        logbook.reject([frame], "cloud")
        rejected = night_state(night, logbook, store)
        assert rejected != before
        logbook.undo()
        assert night_state(night, logbook, store) == before
        logbook.redo()
        assert night_state(night, logbook, store) == rejected
        logbook.undo()
        logbook.reject([frame], "wind")
        assert night_state(night, logbook, store) not in {before, rejected}
        logbook.undo()
        logbook.accept([frame], "seen")
        accepted = night_state(night, logbook, store)
        logbook.undo()
        logbook.accept([frame], "compared")
        assert night_state(night, logbook, store) != accepted, "the report names the reason"


def test_a_report_is_old_once_a_product_that_it_shows_was_made_anew_and_not_for_a_quick_look(place, tmp_path):
    shutil.copytree(place.output, out := tmp_path / "out")
    night = scan_night(place.night, RunContext())
    with Logbook.open(out, place.night) as logbook, Store(out, logbook.database) as store:
        before = night_state(night, logbook, store)
        store.finish(remembered(MEASURE_QUICK, None, "a.fits", "1"), None, None, {}, 0.1)
        assert night_state(night, logbook, store) == before
        store.finish(remembered(MEASURE_SCIENCE, None, "a.fits", "1"), None, None, {}, 0.1)
        assert night_state(night, logbook, store) != before


def test_a_report_of_an_earlier_version_counts_as_old_and_a_missing_one_not_at_all(tmp_path):
    (tmp_path / "report.html").write_text("<!doctype html><html><head></head></html>")
    assert reports_of(tmp_path, "now") == {"report.html": True}


def test_a_frame_that_a_person_accepted_is_not_called_suspect_and_decisions_name_their_frames(place, tmp_path):
    made = Place(place.night, tmp_path / "out")
    shutil.copytree(place.output, made.output)
    facts = gather(made, RunContext())
    flag = Flag("cloud", "cloud: stars are 0.84 mag fainter", "suspect")
    rows = [replace(row, flags=(flag,)) for row in facts.quality.rows]
    accepted, other = rows[0].path, rows[1].path
    with Logbook.open(made.output) as logbook:
        logbook.accept([row.path for row in rows])
        logbook.reject([row.path for row in rows[2:10]], "wind")
        history = logbook.history()
    facts = replace(
        facts, history=history, quality=replace(facts.quality, rows=rows, kept=frozenset({accepted}), rejected={})
    )
    detail = Detail(12, 64, 4, 200, 4, 100)
    told = {path: picture_of(facts, path, "cloud", 64, 4) for path in (accepted, other)}
    assert [told[accepted].state, told[other].state] == ["accepted", "suspect"]
    page = render(facts, detail, RunContext())
    assert (
        f'✓ accepted by a person · said against it: cloud</span><br><span class="dim">{accepted.rsplit("/", 1)[-1]}'
        in page
    )
    assert "! suspect: cloud" in page, "of the frames that nobody has judged"
    line = next(line for line in page.split("<tr>") if "reject 8 frames" in line)
    names = [row.path.rsplit("/", 1)[-1] for row in rows[2:10]]
    assert f"reject 8 frames: {', '.join(names[:5])} and 3 more" in line
    one = next(line for line in page.split("<tr>") if "x/&lt;b&gt;.fits" in line and "reject" in line)
    assert one.count("b&gt;.fits") == 1, "a frame that the decision names already is not named twice"


def figures_of(page):
    """Words under each picture of a page, by the name of its frame."""
    return {
        name: words for words, name in re.findall(r'<span class="([^<]*)</span><br><span class="dim">([^<]*)<', page)
    }


def test_under_a_picture_stands_what_weighs_most_against_the_frame_with_its_weight(place):
    facts = gather(place, RunContext())
    note = Flag("dark too weak", "dark too weak: by 20 %", "note")
    cloud = Flag("cloud", "cloud: depth loss +2.38 mag", "bad")
    bright = Flag("bright sky", "bright sky: 1.66 times its neighbours", "suspect")
    # The shallowest frame of all is the example of every cause: it is chosen for its note first.
    flags = [(note, bright, cloud), (note, bright), (note, cloud), (note, cloud), ()]
    rows = [
        replace(row, flags=said, depth_loss_mag=loss)
        for row, said, loss in zip(facts.quality.rows, flags, (2.4, 1.0, 5.0, 0.9, 0.0), strict=False)
    ]
    rejected = {rows[2].path: "thick <cloud>", rows[3].path: ""}
    facts = replace(facts, quality=replace(facts.quality, rows=rows, kept=frozenset(), rejected=rejected))
    told = figures_of(render(facts, Detail(12, 64, 4, 200, 4, 100), RunContext()))
    assert [told[row.path.rsplit("/", 1)[-1]] for row in rows] == [
        'bad">! bad: cloud',
        'warn">! suspect: bright sky',
        'bad">✕ rejected: thick &lt;cloud&gt;',
        'bad">✕ rejected: no reason given',
        'dim">✓ good: the deepest of the night',
    ]


def test_the_reason_of_a_rejection_stands_beside_it_though_it_was_taken_back(place, tmp_path):
    out = tmp_path / "out"
    shutil.copytree(place.output, out)
    facts = gather(Place(place.night, out), RunContext())
    one, two, three = (row.path for row in facts.quality.rows[:3])
    with Logbook.open(out) as logbook:
        # As the window rejects: the reason is the verdict, and none is given for the step.
        logbook.decide([one], "rejected", "thin <cirrus>")
        logbook.decide([two], "rejected", "dome in the way")
        logbook.undo()
        logbook.reject([two], "wind")
        logbook.decide_all([(two, "rejected", "gust"), (three, "rejected", "dew")], "listed", label="reject two")
        history = logbook.history()
    page = render(replace(facts, history=history), Detail(0, 64, 4, 200, 4, 100), RunContext())
    lines = page.split("<h2>Decisions</h2>")[1].split("</table>")[0].split("<tr>")[2:]
    told = [re.findall(r"<td>(.*?)</td>", line)[3:] for line in lines]
    assert told[:5] == [
        ["gust; dew; listed", ""],
        ["wind", ""],
        ["", "undo"],
        ["dome in the way", "taken back"],
        ["thin &lt;cirrus&gt;", ""],
    ]


def test_a_frame_that_nobody_could_judge_is_not_called_good(place):
    facts = gather(place, RunContext())
    flag = Flag("not judged", "not judged: alone in its group: nothing to compare it with", "note")
    rows = [replace(facts.quality.rows[0], flags=(flag,)), *facts.quality.rows[1:]]
    alone = rows[0].path
    facts = replace(facts, quality=replace(facts.quality, rows=rows, kept=frozenset(), rejected={}))
    assert picture_of(facts, alone, "", 64, 4).state == "not judged"
    page = render(facts, Detail(12, 64, 4, 200, 4, 100), RunContext())
    assert "? not judged: alone in its group: nothing to compare it with</span>" in page
    accepted = replace(facts, quality=replace(facts.quality, kept=frozenset({alone})))
    assert picture_of(accepted, alone, "", 64, 4).state == "accepted", "a person did"
    page = render(accepted, Detail(12, 64, 4, 200, 4, 100), RunContext())
    assert "✓ accepted by a person</span>" in page
    assert "<b>1</b><span>accepted by a person</span>" in page


def test_what_was_seen_is_counted_in_frames_in_use_as_the_window_does_and_in_rejected_ones_apart(place):
    facts = gather(place, RunContext())
    weak = Flag("dark too weak", "dark 20 % too weak", "note")
    unjudged = Flag("not judged", "not judged: alone in its group", "note")
    flags = [(weak,), (weak, unjudged), (weak, unjudged), (unjudged,), ()]
    rows = [replace(row, flags=said) for row, said in zip(facts.quality.rows, flags, strict=False)]
    rejected, kept = {rows[2].path: "clouds"}, frozenset({rows[3].path})
    facts = replace(facts, quality=replace(facts.quality, rows=rows, kept=kept, rejected=rejected))
    page = render(facts, Detail(12, 64, 4, 200, 4, 100), RunContext())
    seen = (
        "Seen in frames in use: dark too weak (2), not judged (1). Seen in frames that are rejected: dark too weak (1)."
    )
    assert f"<p>{seen}</p>" in page
    assert ", 1 not judged" in page, "as the sentence counts them"


def test_a_frame_that_nobody_measured_is_not_called_good_in_the_report(place):
    """It was rejected when the night was reduced, and that was taken back."""
    facts = gather(place, RunContext())
    rows = [QualityRow(facts.quality.rows[0].path, ScienceMeasures("none", "ADU")), *facts.quality.rows[1:]]
    facts = replace(facts, quality=replace(facts.quality, rows=rows, kept=frozenset(), rejected={}))
    picture = picture_of(facts, rows[0].path, "", 64, 4)
    assert (picture.state, picture.why) == ("not measured", "")
    assert "? not measured<" in render(facts, Detail(12, 64, 4, 200, 4, 100), RunContext())


def test_what_is_only_noted_of_a_frame_is_a_remark_as_in_the_window_and_no_verdict(place):
    facts = gather(place, RunContext())
    streak = Flag("streak", "streak: one streak of a satellite or plane; the frame is kept", "note")
    rows = [replace(facts.quality.rows[0], flags=(streak,)), *facts.quality.rows[1:]]
    facts = replace(facts, quality=replace(facts.quality, rows=rows, kept=frozenset(), rejected={}))
    picture = picture_of(facts, rows[0].path, "the deepest of the night", 64, 4)
    assert (picture.state, picture.why) == ("remark", "streak, the deepest of the night")
    page = render(facts, Detail(12, 64, 4, 200, 4, 100), RunContext())
    assert "· streak" in page
    assert "good: streak" not in page


def test_a_report_where_nothing_was_made_is_refused_with_a_hint(tmp_path):
    with pytest.raises(UsageError) as refusal:
        write_report(Place(tmp_path, tmp_path / "out"), RunContext())
    assert "astep reduce" in refusal.value.hint


def test_the_command_line_writes_the_report_where_it_is_told(place, tmp_path, capsys):
    file = tmp_path / "night.html"
    assert main(["report", str(place.output), "--small", "--file", str(file), "--json", "--quiet"]) == 0
    answer = json.loads(capsys.readouterr().out)
    assert answer["report"] == str(file)
    assert answer["bytes"] == file.stat().st_size


def test_a_report_without_its_raw_frames_is_refused_in_words(place, tmp_path, capsys):
    moved = tmp_path / "out"
    shutil.copytree(place.output, moved)
    with Logbook.open(moved) as logbook:
        logbook.database.remember("night", str(tmp_path / "gone"))
    assert main(["report", str(moved), "--quiet"]) == 2
    assert "gone" in capsys.readouterr().err


@pytest.mark.parametrize("bits", [8, 4, 2])
def test_a_png_is_read_back_as_it_was_written(bits):
    image = pytest.importorskip("PIL.Image")
    step = 255 // ((1 << bits) - 1)
    pixels = (np.random.default_rng(1).integers(0, 1 << bits, (13, 17)) * step).astype(np.uint8)
    read = np.asarray(image.open(io.BytesIO(grey_png(pixels, bits))).convert("L"))
    assert np.array_equal(read, pixels)


def test_a_png_has_sound_checksums():
    data = grey_png(np.zeros((3, 5), np.uint8))
    at = 8
    names = []
    while at < len(data):
        size = int.from_bytes(data[at : at + 4], "big")
        body = data[at + 4 : at + 8 + size]
        names.append(body[:4])
        assert zlib.crc32(body) == int.from_bytes(data[at + 8 + size : at + 12 + size], "big")
        at += 12 + size
    assert names == [b"IHDR", b"IDAT", b"IEND"]


def test_a_thumbnail_shows_a_star_white_on_grey_sky_with_high_y_at_the_top():
    image = np.random.default_rng(2).normal(1000, 10, (400, 300)).astype(np.float32)
    image[380:388, 20:28] += 5000
    image[100:200, 100:200] = np.nan
    small = thumbnail(image, 100)
    assert small.shape == (100, 75)
    assert small[:6].max() == 255
    assert 40 < np.median(small) < 120


def test_binning_leaves_out_missing_pixels():
    image = np.array([[1, np.nan], [3, np.nan]], np.float32).repeat(2, 0).repeat(2, 1)
    assert np.array_equal(binned(image, 2), [[1, np.nan], [3, np.nan]], equal_nan=True)


def test_a_master_chosen_by_hand_is_the_one_in_the_equations(place):
    usual = gather(place, RunContext()).plan.science
    chosen = next(frame.path for frame in usual if frame.flat is not None)
    with Logbook.open(place.output, place.night) as logbook:
        logbook.decide([chosen], "flat", "none")
    try:
        facts = gather(place, RunContext())
        assert next(frame for frame in facts.plan.science if frame.path == chosen).flat is None
        assert "(1 frames)" not in render(facts, Detail(0, 64, 2, 100, 2, 5), RunContext())
    finally:
        with Logbook.open(place.output, place.night) as logbook:
            logbook.undo()


def test_only_the_last_run_that_ended_is_heard(tmp_path):
    def said(*lines):
        (tmp_path / "log.jsonl").write_text("\n".join(map(json.dumps, lines)), encoding="utf-8")
        return [text for _, text in _said(tmp_path / "log.jsonl")]

    def run(*words, end="finished"):
        start = {"kind": "started", "job": "run"}
        return [start, *({"kind": "message", "level": "warning", "text": w} for w in words), {"kind": end}]

    assert said(*run("20 frames"), *run("19 frames", "19 frames")) == ["19 frames"]
    assert said(*run("20 frames"), *run("early", end="cancelled")) == ["20 frames", "early"]
    assert said(*run("20 frames"), *run(end="cancelled"), *run("19 frames")) == ["19 frames"]


def test_a_reader_of_the_report_is_sent_to_no_command_of_another_machine():
    said = "3 of 19 measured frames are not aligned: stacks do without them; `astep align night_reduced` says why"
    assert _without_commands(said) == "3 of 19 measured frames are not aligned: stacks do without them"
    assert _without_commands("no flat for filter V: dust stays; take flats") == (
        "no flat for filter V: dust stays; take flats"
    )
    assert _without_commands("`astep solve night_reduced` says why") == "`astep solve` says why"
