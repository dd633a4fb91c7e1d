"""A reduced night is aligned and stacked: in the store, in files, and at the command line."""

import json
import shutil

import numpy as np
import pytest
from astropy.io import fits
from astropy.nddata import CCDData

from pipeline_core.align_night import align_night, load_alignment
from pipeline_core.cli import main
from pipeline_core.config import Recipe
from pipeline_core.decisions import REFERENCE_REJECTED
from pipeline_core.demo.night import make_demo_night
from pipeline_core.errors import UsageError
from pipeline_core.events import Cancelled, RunContext
from pipeline_core.logbook import Logbook
from pipeline_core.quality_table import read_quality_table
from pipeline_core.quick_look import quick_look
from pipeline_core.reduce import RunOptions, reduce_night
from pipeline_core.scan import scan_night
from pipeline_core.session import Place, recipe_of
from pipeline_core.stack_night import StackOptions, file_names, stack_night
from pipeline_core.store import Store
from pipeline_core.survey import survey

N_SCIENCE = 8
R = ("R",)


def ask(capsys, *words):
    code = main([*map(str, words), "--json", "--quiet"])
    return code, json.loads(capsys.readouterr().out)


@pytest.fixture(scope="module")
def first(tmp_path_factory):
    """A perfect small night, reduced once."""
    folder = tmp_path_factory.mktemp("align") / "night"
    make_demo_night(folder, size=384, n_science=N_SCIENCE, n_bias=3, n_dark=3, n_flat=3, events=())
    out = folder.parent / "out"
    assert main(["reduce", str(folder), "-o", str(out), "--executor", "threads", "--quiet"]) == 0
    return Place(folder, out)


@pytest.fixture
def place(first, tmp_path):
    """The same, to be changed at will."""
    shutil.copytree(first.output, tmp_path / "out")
    return Place(first.night, tmp_path / "out")


def stages(place):
    with Logbook.read_only(place.output) as logbook, Store(place.output, logbook.database) as store:
        return {p.name: (p.key, p.when_utc) for p in store.products() if p.stage in {"alignment", "stacks"}}


def test_reducing_aligns_as_well(first):
    known = load_alignment(first.output)
    assert known is not None
    assert len(known.frames) == N_SCIENCE
    assert all(one.aligned for one in known.frames)
    assert len(known.references) == 1
    assert max(one.placement.rms_px for one in known.frames) < 0.2


def test_the_recipe_can_leave_it_out(first, tmp_path):
    recipe = tmp_path / "r.toml"
    recipe.write_text("[align]\nenabled = false\n")
    out = tmp_path / "out"
    words = ["reduce", str(first.night), "-o", str(out), "--recipe", str(recipe), "--executor", "threads", "--quiet"]
    assert main(words) == 0
    assert load_alignment(out) is None


def test_align_answers_as_promised(first, capsys):
    code, document = ask(capsys, "align", first.output)
    assert code == 0
    assert {frame["path"] for frame in document["frames"]} >= {document["reference"]}
    wanted = {"path", "aligned", "dx_px", "dy_px", "rotation_deg", "mirrored", "rms_px", "reason"}
    for frame in document["frames"]:
        assert wanted <= set(frame)
        assert frame["aligned"] is True
        assert frame["reason"] is None
        assert frame["mirrored"] is False
    reference = next(frame for frame in document["frames"] if frame["path"] == document["reference"])
    assert (reference["dx_px"], reference["dy_px"], reference["rotation_deg"]) == (0, 0, 0)


def test_what_is_up_to_date_is_not_computed_again(place):
    before = stages(place)
    align_night(place, Recipe(), RunContext())
    assert stages(place) == before


def test_a_person_chooses_the_reference_and_takes_it_back(place, capsys):
    first = ask(capsys, "align", place.output)[1]["reference"]
    other = next(one.path for one in load_alignment(place.output).frames if one.path != first)
    code, document = ask(capsys, "align", place.output, "--reference", other)
    assert code == 0
    assert document["reference"] == other
    assert main(["undo", str(place.output), "--quiet"]) == 0
    capsys.readouterr()
    assert ask(capsys, "align", place.output)[1]["reference"] == first
    ask(capsys, "align", place.output, "--reference", other)
    assert ask(capsys, "align", place.output, "--reference", "auto")[1]["reference"] == first


def test_a_rejected_frame_is_aligned_but_no_reference(place, capsys):
    first = ask(capsys, "align", place.output)[1]["reference"]
    with Logbook.open(place.output) as logbook:
        logbook.reject([first], "wind")
    document = ask(capsys, "align", place.output)[1]
    assert document["reference"] != first
    assert next(f for f in document["frames"] if f["path"] == first)["aligned"] is True


def test_a_reference_that_is_rejected_is_said_and_another_takes_its_place_also_where_a_person_chose_it(place, capsys):
    chosen = load_alignment(place.output).frames[-1].path
    ask(capsys, "align", place.output, "--reference", chosen)
    assert load_alignment(place.output).references == (chosen,)
    assert main(["reject", str(place.output), chosen.rpartition("/")[2], "--reason", "wind"]) == 0
    told = capsys.readouterr().out
    assert "the reference is rejected: quality chooses another at the next update" in told
    assert main(["reject", str(place.output), load_alignment(place.output).frames[0].path]) == 0
    assert "reference" not in capsys.readouterr().out
    document = ask(capsys, "align", place.output)[1]
    assert document["reference"] != chosen
    assert main(["accept", str(place.output), chosen.rpartition("/")[2], "--quiet"]) == 0
    capsys.readouterr()
    assert ask(capsys, "align", place.output)[1]["reference"] == chosen, "it was only set aside"


def test_another_reference_is_aligned_anew_and_after_the_update_nothing_is_to_be_done(place):
    def surveyed():
        return survey(place, scan_night(place.night, RunContext()), recipe_of(place, None))

    def reduced():
        return reduce_night(place, recipe_of(place, None), RunOptions(executor="threads"), RunContext()).realigned

    assert surveyed().is_up_to_date
    (first,) = load_alignment(place.output).references
    other = next(one.path for one in load_alignment(place.output).frames if one.aligned and one.path != first)
    with Logbook.open(place.output) as logbook:
        logbook.choose_reference(other)
    found = surveyed()
    assert set(found.realigned.values()) == {"the reference changed"}
    assert not found.is_up_to_date
    assert (dict(found.stale), found.moves, found.unjudged, found.unaligned) == ({}, (), (), ())
    assert set(reduced().values()) == {"the reference changed"}
    assert reduced() == {}, "the next run has nothing to align"
    assert load_alignment(place.output).references == (other,)
    assert surveyed().is_up_to_date
    with Logbook.open(place.output) as logbook:
        logbook.choose_reference(None)
    assert set(surveyed().realigned.values()) == {"the reference changed"}, "quality chooses again"
    with Logbook.open(place.output) as logbook:
        logbook.choose_reference(other)
        logbook.reject([first], "wind")
    assert not surveyed().realigned, "not that of an ordinary frame"
    with Logbook.open(place.output) as logbook:
        logbook.accept([first])
    with Logbook.open(place.output) as logbook:
        logbook.reject([other], "wind")
    assert set(surveyed().realigned.values()) == {REFERENCE_REJECTED}
    assert set(reduced().values()) == {REFERENCE_REJECTED}
    assert load_alignment(place.output).references != (other,)
    assert surveyed().is_up_to_date


def test_rejected_frames_say_so_and_are_not_counted(place, capsys):
    paths = sorted(one.path for one in load_alignment(place.output).frames)
    with Logbook.open(place.output) as logbook, Store(place.output, logbook.database) as store:
        logbook.reject(paths[:2], "wind")
        for product in store.products("quality"):
            if product.label in paths[:3]:
                store.drop_measurement("quality", product.label)
        logbook.accept(paths[1:2])
    code = main(["align", str(place.output), "--quiet"])
    said = capsys.readouterr()
    words = " ".join((said.out + said.err).split())
    assert code == 0
    assert "rejected: wind" in words
    assert f"{N_SCIENCE - 3} of {N_SCIENCE - 1} frames aligned" in words
    assert "1 rejected frame is not counted" in words
    frames = {frame["path"]: frame for frame in ask(capsys, "align", place.output)[1]["frames"]}
    assert (frames[paths[0]]["rejected"], frames[paths[0]]["reason"]) == (True, "rejected: wind")
    assert (frames[paths[1]]["rejected"], frames[paths[1]]["aligned"]) == (False, False)
    assert "`astep reduce`" in frames[paths[1]]["reason"]
    assert frames[paths[3]]["rejected"] is False


def test_a_rejected_frame_that_has_a_place_is_marked_rejected_in_the_list(place, capsys):
    path = max(one.path for one in load_alignment(place.output).frames)
    with Logbook.open(place.output) as logbook:
        logbook.reject([path], "wind")
    assert main(["align", str(place.output), "--quiet"]) == 0
    said = capsys.readouterr()
    (line,) = [line for line in (said.out + said.err).splitlines() if path in line and "°" in line]
    assert line.rstrip().endswith("rejected: wind")


def test_two_frames_find_each_other_through_the_reference(first):
    known = load_alignment(first.output)
    a, b = (one.path for one in known.frames[:2])
    one, two = known.between(a, b)
    x, y = two.moved(*one.returned(100.0, 50.0))
    back = one.moved(*two.returned(x, y))
    np.testing.assert_allclose(back, (100.0, 50.0), atol=1e-6)
    assert known.between(a, "nowhere") is None


def test_a_folder_that_was_never_reduced_is_explained(tmp_path, first):
    with pytest.raises(UsageError, match="no output folder"):
        align_night(Place(first.night, tmp_path), Recipe(), RunContext())
    Logbook.open(tmp_path / "out", first.night).close()
    with pytest.raises(UsageError, match="nothing to align"):
        align_night(Place(first.night, tmp_path / "out"), Recipe(), RunContext())


def test_a_cancel_stops_before_the_next_pointing(place):
    context = RunContext()
    context.cancel()
    with pytest.raises(Cancelled):
        align_night(place, Recipe(), context, force=True)


def groups(place, **options):
    return {s.group: s for s in stack_night(place, Recipe(), StackOptions(**options), RunContext()).stacks}


def test_each_group_becomes_one_stack_that_opens_whole(place, capsys):
    code, document = ask(capsys, "stack", place.output)
    assert code == 0
    assert len(document["stacks"]) == 2  # two filters
    for stack in document["stacks"]:
        assert len(stack["frames"]) == N_SCIENCE // 2
        image = CCDData.read(stack["file"])
        assert image.unit == "electron"
        header = image.header
        assert header["NCOMBINE"] == N_SCIENCE // 2
        assert header["EXPTOTAL"] == pytest.approx(stack["exposure_s"])
        assert header["EXPTOTAL"] == pytest.approx(N_SCIENCE // 2 * header["EXPTIME"])
        assert header["REFFRAME"] == stack["reference"]
        assert header["DATE-AVG"] == stack["mid_utc"]
        with fits.open(stack["file"]) as hdus:
            assert hdus["COUNT"].data.max() == N_SCIENCE // 2
            assert hdus["MASK"].data.shape == image.data.shape
            assert list(hdus["FRAMES"].data["PATH"]) == stack["frames"]
        assert {key for key in header if key.startswith("CRVAL")} <= {"CRVAL1", "CRVAL2"}


def test_a_stack_is_deeper_than_its_frames(place):
    for stack in groups(place).values():
        image, mask = fits.getdata(stack.file), fits.getdata(stack.file, "MASK")
        path = stack.frames[0]
        with Logbook.read_only(place.output) as logbook, Store(place.output, logbook.database) as store:
            product = next(p for p in store.products("science frames") if p.label == path)
        single = fits.getdata(place.output / product.location)

        # Differences of neighbours five pixels apart: neither gradients nor the noise that neighbours share.
        good = mask[60:-60, 65:-60] == 0
        deep, shallow = (
            np.nanmedian(np.abs(values[60:-60, 65:-60] - values[60:-60, 60:-65])[good]) for values in (image, single)
        )
        assert deep < 1.1 * shallow / np.sqrt(len(stack.frames))


def test_only_accepted_frames_and_anew_when_a_verdict_changes(place):
    before = groups(place)
    again = groups(place)
    assert all(stack.cached for stack in again.values())
    name, stack = next(iter(before.items()))
    gone = next(path for path in stack.frames if path != stack.reference)
    with Logbook.open(place.output) as logbook:
        logbook.reject([gone], "wind")
    after = groups(place)
    assert not after[name].cached
    assert gone not in after[name].frames
    assert (gone, "rejected: wind") in after[name].left_out
    others = [other for other in after if other != name]
    assert all(after[other].cached for other in others)


def test_a_frame_whose_file_someone_changed_is_named_and_its_stack_made_anew(place, capsys):
    before = groups(place)
    name, stack = next(iter(before.items()))
    with Logbook.read_only(place.output) as logbook, Store(place.output, logbook.database) as store:
        product = next(p for p in store.products("science frames") if p.label == stack.frames[0])
    with fits.open(place.output / product.location, mode="update") as hdus:
        hdus[0].data[100:110, 100:110] += 1000.0
    code, document = ask(capsys, "stack", place.output)
    assert code == 0
    assert len(document["warnings"]) == 1
    assert stack.frames[0] in document["warnings"][0]
    told = {one["group"]: one["cached"] for one in document["stacks"]}
    assert told == {group: group != name for group in told}
    assert all(one.cached for one in groups(place).values())  # as it is now, it is in
    # Made again by the program it is its own again, and so is the stack.
    assert main(["reduce", str(place.night), "-o", str(place.output), "--executor", "threads", "--quiet"]) == 0
    capsys.readouterr()
    code, document = ask(capsys, "stack", place.output)
    assert document["warnings"] == []
    assert not {one["group"]: one["cached"] for one in document["stacks"]}[name]


def test_a_reference_that_is_solved_later_gives_the_stack_its_place_on_the_sky(place):
    before = groups(place)
    name, stack = next(iter(before.items()))
    assert "CRVAL1" not in fits.getheader(stack.file)
    with Logbook.read_only(place.output) as logbook, Store(place.output, logbook.database) as store:
        product = next(p for p in store.products("science frames") if p.label == stack.reference)
    with fits.open(place.output / product.location, mode="update") as hdus:
        for key, value in (("CTYPE1", "RA---TAN"), ("CTYPE2", "DEC--TAN"), ("CRVAL1", 120.5), ("CRVAL2", -30.25)):
            hdus[0].header[key] = value
    after = groups(place)[name]
    assert not after.cached
    assert fits.getval(after.file, "CRVAL1") == 120.5
    assert fits.getval(after.file, "CTYPE2") == "DEC--TAN"


def test_a_stack_says_of_its_place_what_the_reference_says_and_nothing_of_another_frame(place):
    # The reference has the other filter: the best frame, whose header the stack takes, is another one.
    stack = next(stack for stack in groups(place).values() if stack.reference not in stack.frames)
    with Logbook.read_only(place.output) as logbook, Store(place.output, logbook.database) as store:
        files = {p.label: place.output / p.location for p in store.products("science frames")}
    for path in (stack.reference, *stack.frames):
        with fits.open(files[path], mode="update") as hdus:
            hdus[0].header["SOLVREP"] = path != stack.reference
            if path == stack.reference:
                hdus[0].header["CRVAL1"], hdus[0].header["SOLVRMS"] = 120.5, 0.25
            else:
                hdus[0].header["SOLVNUM"] = 99
    made = fits.getheader(groups(place)[stack.group].file)
    assert (made["CRVAL1"], made["SOLVREP"], made["SOLVRMS"]) == (120.5, False, 0.25)
    assert "SOLVNUM" not in made


def test_groups_are_chosen_by_a_part_of_their_name(place):
    names = list(groups(place))
    part = names[0].split(" · ")[1]
    assert list(groups(place, groups=(f"· {part} ·",))) == [names[0]]
    with pytest.raises(UsageError, match="no group is called"):
        groups(place, groups=("Andromeda",))


def test_the_stack_of_a_group_that_is_no_more_goes_and_others_stay(place, capsys):
    sky, chip = groups(place), groups(place, fixed="chip")
    gone, kept = sorted(sky)
    assert ask(capsys, "reject", place.output, *sky[gone].frames, "--reason", "clouds")[0] == 0
    code, document = ask(capsys, "stack", place.output)
    assert code == 0  # nothing failed: there is nothing to stack
    assert document["removed"] == [str(sky[gone].file)]
    told = {stack["group"]: stack for stack in document["stacks"]}
    assert (told[gone]["file"], told[gone]["failed"]) == (None, False)
    assert told[gone]["reason"]
    assert told[kept]["file"] == str(sky[kept].file)
    assert not sky[gone].file.exists()
    # What was not looked at stays: the other kind of stack, and the other group.
    assert all(one.file.is_file() for one in (sky[kept], chip[gone], chip[kept]))
    assert set(groups(place, fixed="chip")) == {gone, kept}
    assert not chip[gone].file.exists()
    assert ask(capsys, "status", place.output)[1]["missing"] == []
    assert ask(capsys, "accept", place.output, *sky[gone].frames)[0] == 0
    assert groups(place)[gone].file == sky[gone].file


def test_another_name_of_a_group_takes_both_of_its_old_stacks_away(place, capsys):
    old = [*groups(place).values(), *groups(place, fixed="chip").values()]
    name = old[0].group
    files = {stack.file for stack in old if stack.group == name}
    assert len(files) == 2
    assert ask(capsys, "set", place.output, "filter=Halpha", *old[0].frames)[0] == 0
    capsys.readouterr()
    assert main(["reduce", str(place.night), "-o", str(place.output), "--executor", "threads", "--quiet"]) == 0
    night = stack_night(place, Recipe(), StackOptions(), RunContext())
    assert set(night.removed) == files
    assert not any(file.exists() for file in files)
    assert any("Halpha" in stack.group and stack.file is not None for stack in night.stacks)


def test_one_stack_that_fails_is_exit_code_1(place, capsys):
    groups(place)
    path = next(place.output.glob("calibrated/**/*_CAL.fits"))
    path.write_bytes(path.read_bytes()[:4000])
    code, document = ask(capsys, "stack", place.output, "--force")
    assert code == 1
    assert sorted(stack["failed"] for stack in document["stacks"]) == [False, True]


def test_the_median_and_the_chip_are_other_stacks(place):
    sky = groups(place, method="median")
    chip = groups(place, fixed="chip")
    for name, stack in chip.items():
        assert stack.file != sky[name].file
        assert stack.file.name.endswith("_chip.fits")
        assert fits.getval(stack.file, "STACKFIX") == "chip"
        assert stack.method == "median"
        assert fits.getval(sky[name].file, "STACKMET") == "median"


def test_no_two_groups_share_a_file():
    named = ["M 31 · R · 90 s", "M_31 · R · 90 s", "m 31 · r · 90 s", "M 33 · R · 90 s", "Ω", "Σ", "M 33_chip"]
    files = file_names(named)
    assert list(files) == named
    assert len({name.lower() for name in files.values()}) == len(named)
    assert files["M 33 · R · 90 s"] == "M_33_R_90_s"
    assert "M_33_chip" not in files.values()
    # A group's file does not change its name with the company it is in.
    assert file_names(named[::-1]) == files


def test_names_of_stacks_come_from_harmless_letters_only(place):
    for stack in groups(place).values():
        assert stack.file.parent == place.output / "stacks"
        assert set(stack.file.name) <= set("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789+.-_")


# -- the quality table and the reference -----------------------------------------------------------------------


def table_of(place):
    return {row.path: row for row in read_quality_table(place.output / "quality.ecsv")}


def assert_counts_from(reference, rows, aligned):
    for one in aligned:
        shift = rows[one["path"]].dx_px, rows[one["path"]].dy_px
        # The judging fits a similarity to fewer stars than the alignment.
        assert shift == pytest.approx((one["dx_px"], one["dy_px"]), abs=0.5)
        assert rows[one["path"]].extra["reference"] == reference
    assert (rows[reference].dx_px, rows[reference].dy_px) == (0.0, 0.0)


def test_the_quality_table_counts_shifts_of_all_filters_from_the_reference_once_it_is_aligned(place, capsys):
    before = table_of(place)
    assert len({row.extra["reference"] for row in before.values()}) == 2, "each filter is judged on its own"
    wanted = sorted(before)[3]
    _, document = ask(capsys, "align", place.output, "--reference", wanted)
    assert document["reference"] == wanted
    assert max(abs(one["dx_px"]) for one in document["frames"]) > 1.0, "the frames moved"
    assert_counts_from(wanted, table_of(place), document["frames"])
    assert survey(place, scan_night(place.night), Recipe()).is_up_to_date
    _, shown = ask(capsys, "quality", place.output)
    assert {one["path"]: one["dx_px"] for one in shown["frames"] if one["kind"] == "science"} == pytest.approx(
        {path: row.dx_px for path, row in table_of(place).items()}
    )
    ask(capsys, "align", place.output, "--reference", "auto")
    assert table_of(place) == before


def test_a_run_after_the_choice_writes_the_table_from_it(place, capsys):
    wanted = sorted(table_of(place))[5]
    with Logbook.open(place.output) as logbook:
        logbook.choose_reference(wanted)
    assert not survey(place, scan_night(place.night), Recipe()).is_up_to_date
    ask(capsys, "reduce", place.night, "-o", place.output, "--executor", "threads")
    _, document = ask(capsys, "align", place.output)
    assert_counts_from(wanted, table_of(place), document["frames"])


def test_a_reference_that_was_rejected_counts_no_more(place, capsys):
    before = table_of(place)
    wanted = sorted(before)[5]
    ask(capsys, "align", place.output, "--reference", wanted)
    ask(capsys, "reject", place.output, wanted)
    ask(capsys, "reduce", place.night, "-o", place.output, "--executor", "threads")
    assert {row.extra["reference"] for row in table_of(place).values()} == {
        row.extra["reference"] for row in before.values()
    }


def test_the_first_look_counts_from_the_reference_as_well(place):
    wanted = sorted(table_of(place))[3]
    with Logbook.open(place.output) as logbook:
        logbook.choose_reference(wanted)
        night = logbook.apply(scan_night(place.night))
    look = quick_look(place, night, Recipe(), RunContext(), lambda _: None)
    assert {row.extra["reference"] for row in look.rows} == {wanted}
