"""The command line is a contract: its JSON, its exit codes, its words."""

import json
import os
import signal
import subprocess
import sys
import types

import pytest

from pipeline_core.cli import main
from pipeline_core.cli.parser import make_parser
from pipeline_core.demo.night import make_demo_night
from pipeline_core.logbook import Logbook


@pytest.fixture(scope="module")
def demo(tmp_path_factory):
    """A perfect small night, for tests that do not write into it."""
    folder = tmp_path_factory.mktemp("demo") / "night"
    make_demo_night(folder, size=256, n_science=4, n_bias=3, n_dark=3, n_flat=3, events=())
    return folder


def ask(capsys, *words):
    """Run a command with --json; return its exit code and its document."""
    code = main([*map(str, words), "--json", "--quiet"])
    lines = capsys.readouterr().out.strip().splitlines()
    assert len(lines) == 1, "stdout is one document"
    document = json.loads(lines[0])
    assert document["schema"] == 1
    return code, document


def test_scan_lists_every_file_with_the_promised_keys(demo, capsys):
    code, document = ask(capsys, "scan", demo)
    assert code == 0
    assert len(document["frames"]) == 4 + 3 + 6 + 6
    for entry in document["frames"]:
        assert {"path", "kind", "filter", "exposure_s", "mid_utc", "shape", "problems"} <= set(entry)
        assert "\\" not in entry["path"]
    science = [entry for entry in document["frames"] if entry["kind"] == "science"]
    assert {entry["filter"] for entry in science} == {"R", "V"}
    assert all(entry["filter"] is None for entry in document["frames"] if entry["kind"] in {"bias", "dark", "flatdark"})
    assert all(entry["shape"] == [256, 256] and entry["mid_utc"].startswith("2026-") for entry in science)


def test_plan_says_which_master_feeds_which_frame_and_creates_nothing(demo, capsys):
    before = sorted(demo.parent.rglob("*"))
    code, document = ask(capsys, "plan", demo)
    assert code == 0
    assert sorted(demo.parent.rglob("*")) == before
    masters = {m["name"]: m for m in document["masters"]}
    assert {"flat_R", "flat_V"} <= set(masters)
    for master in masters.values():
        assert {"name", "kind", "filter", "exposure_s", "frames", "bias", "dark"} <= set(master)
    for science in document["science"]:
        assert science["flat"] == f"flat_{science['path'][-6]}"
        assert science["bias_in_dark"] is True
        assert science["equation"].startswith("raw − dark_90s")
        assert science["dark"] in masters
    assert document["bytes_needed"] > 4 * 256 * 256 * 5


@pytest.mark.parametrize(
    "words",
    [["scan", "nowhere"], ["plan", "nowhere"], ["reduce", "nowhere"], ["status", "nowhere"], ["quality", "nowhere"]],
)
def test_a_missing_folder_is_an_error_in_three_parts_with_exit_code_2(words, tmp_path, capsys, monkeypatch):
    monkeypatch.chdir(tmp_path)
    code, document = ask(capsys, *words)
    assert code == 2
    assert set(document["error"]) == {"what", "why", "hint"}
    assert "nowhere" in document["error"]["what"]
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    "words", [[], ["frobnicate"], ["scan"], ["reduce", "x", "--workers", "0"], ["reduce", "x", "--memory", "much"]]
)
def test_wrong_usage_is_explained_with_exit_code_2(words, capsys):
    assert main(words) == 2
    assert "astep" in capsys.readouterr().err


def test_wrong_usage_with_json_is_json_too(capsys):
    assert main(["reduce", "x", "--workers", "no", "--json"]) == 2
    assert "error" in json.loads(capsys.readouterr().out)


def test_help_and_version_work_without_heavy_imports():
    code = (
        "import sys, time; from pipeline_core.cli import main\n"
        "try: main(['--version'])\nexcept SystemExit: pass\n"
        "heavy = {'numba', 'astropy', 'scipy', 'ccdproc', 'pydantic', 'rich'}\n"
        "assert not heavy & set(sys.modules), sorted(sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def test_a_stop_while_the_program_gets_up_is_answered_like_any_other(monkeypatch, capsys):
    class Unready(types.ModuleType):
        def __getattr__(self, name):
            raise KeyboardInterrupt

    monkeypatch.setitem(sys.modules, "pipeline_core.cli.parser", Unready("parser"))
    code, document = ask(capsys, "scan", "night")
    assert code == 130
    assert document["error"]["what"] == "cancelled"


@pytest.mark.skipif(os.name == "nt", reason="Windows sends no signals")
@pytest.mark.parametrize("becomes", ["SystemError('half imported')", "None"])
def test_a_stop_that_an_import_turns_into_something_else_is_a_stop_all_the_same(becomes, tmp_path):
    code = (
        "import os, signal, sys\n"
        "from pipeline_core.cli import parser, program\n"
        "honest = parser.make_parser\n"
        "def make_parser():\n"
        "    try: os.kill(os.getpid(), signal.SIGINT)\n"
        "    except KeyboardInterrupt:\n"
        f"        if {becomes}: raise {becomes}\n"
        "    return honest()\n"
        "parser.make_parser = make_parser\n"
        f"sys.argv = ['astep', 'demo', {str(tmp_path / 'night')!r}, '--size', '256', '--frames', '2', '--json']\n"
        "program()"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 130, done.stderr
    assert json.loads(done.stdout)["error"]["what"] == "cancelled"


@pytest.mark.skipif(os.name == "nt", reason="Windows sends no signals")
def test_a_stop_at_the_very_end_of_the_program_leaves_no_traceback():
    code = (
        "import atexit, os, signal, sys\n"
        "from pipeline_core.cli import program\n"
        "atexit.register(os.kill, os.getpid(), signal.SIGINT)\n"
        "sys.argv = ['astep', 'scan', 'no such night']\n"
        "program()"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == -signal.SIGINT
    assert "no such night" in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.skipif(os.name == "nt", reason="Windows sends no signals")
def test_a_job_in_the_background_that_was_started_deaf_to_ctrl_c_stays_deaf_to_its_end(tmp_path):
    code = (
        "import atexit, os, signal, sys\n"
        "from pipeline_core.cli import program\n"
        "from pipeline_core.cli.talk import Talk\n"
        "emit = Talk.context\n"
        "def context(self):\n"
        "    made = emit(self)\n"
        "    say = made.emit\n"
        "    def heard(event):\n"
        "        os.kill(os.getpid(), signal.SIGINT)\n"
        "        say(event)\n"
        "    made.emit = heard\n"
        "    return made\n"
        "Talk.context = context\n"
        "atexit.register(os.kill, os.getpid(), signal.SIGINT)\n"
        f"sys.argv = ['astep', 'demo', {str(tmp_path / 'night')!r}, '--size', '256', '--frames', '2', '--json']\n"
        "program()"
    )
    deaf = (
        "import os, signal, sys; signal.signal(signal.SIGINT, signal.SIG_IGN); os.execv(sys.executable, sys.argv[1:])"
    )
    command = [sys.executable, "-c", deaf, sys.executable, "-c", code]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr + done.stdout


def test_the_package_taken_as_a_library_leaves_ctrl_c_to_whoever_uses_it():
    code = (
        "import signal\n"
        "import pipeline_core.cli, pipeline_core.reduce, pipeline_core.runner, pipeline_core.solve_night\n"
        "assert signal.getsignal(signal.SIGINT) is signal.default_int_handler\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def test_decisions_are_made_taken_back_and_listed(demo, tmp_path, capsys):
    out = tmp_path / "out"
    code, document = ask(capsys, "reject", demo, "*_SCIENCE_V*", "-o", out, "--reason", "cloud")
    assert code == 0
    assert len(document["rejected"]) == 2
    assert (out / "rejected.txt").read_text().count("cloud") == 2
    assert (out / "accepted.txt").read_text().count("SCIENCE_R") == 2
    code, planned = ask(capsys, "plan", demo, "-o", out)
    assert [item["reason"] for item in planned["left_out"] if "SCIENCE" in item["path"]] == ["rejected: cloud"] * 2
    code, document = ask(capsys, "undo", out)
    assert len(document["undone"]) == 1
    assert "cloud" not in (out / "rejected.txt").read_text()
    code, document = ask(capsys, "redo", out)
    code, document = ask(capsys, "decisions", out)
    assert any(entry["reason"] == "cloud" for entry in document["decisions"])
    code, document = ask(capsys, "accept", out, "*_SCIENCE_V*")
    assert (out / "accepted.txt").read_text().count("SCIENCE_V") == 2


def told(capsys, *words):
    """Run a command for a person; return its exit code and what it said on both streams."""
    code = main([*map(str, words), "--quiet"])
    said = capsys.readouterr()
    return code, said.out + said.err


def test_one_verdict_is_one_line_of_the_list(demo, tmp_path, capsys):
    out = tmp_path / "out"
    told(capsys, "accept", demo, "*-CAMS/*_0001_DARK*", "-o", out)
    _, said = told(capsys, "decisions", out)
    assert said.count("accepted") == 1
    assert "kept" not in said
    assert "1 decision;" in said


def test_a_reference_and_what_was_taken_back_are_told_in_words(demo, tmp_path, capsys):
    out = tmp_path / "out"
    told(capsys, "reject", demo, "*_0001_DARK*", "-o", out)
    told(capsys, "undo", out)
    with Logbook.open(out) as logbook:
        logbook.decide(["a.fits"], "reference", value=True)
    _, said = told(capsys, "decisions", out)
    line = next(line for line in said.splitlines() if "a.fits" in line)
    assert "reference of its field" in line
    assert "yes" in line
    assert "True" not in line
    assert "3 decisions; 2 lines of undo and redo beside; rejected now: 0 frames" in said


def test_rejecting_again_without_a_reason_keeps_the_reason(demo, tmp_path, capsys):
    out = tmp_path / "out"
    told(capsys, "reject", demo, "*_SCIENCE_V*", "-o", out, "--reason", "dome light")
    _, said = told(capsys, "reject", out, "*_SCIENCE_V*")
    assert "rejected already" in said
    assert "stays 'dome light'" in said
    assert (out / "rejected.txt").read_text().count("dome light") == 2
    _, said = told(capsys, "decisions", out)
    assert "2 decisions" in said


def test_another_reason_for_a_rejection_is_said_and_can_be_taken_back(demo, tmp_path, capsys):
    out = tmp_path / "out"
    told(capsys, "reject", demo, "*_SCIENCE_V*", "-o", out, "--reason", "dome light")
    _, said = told(capsys, "reject", out, "*_SCIENCE_V*", "--reason", "aircraft")
    assert "was 'dome light' and is now 'aircraft'" in said
    told(capsys, "undo", out)
    assert (out / "rejected.txt").read_text().count("dome light") == 2


def test_accepting_twice_says_that_nothing_changed(demo, tmp_path, capsys):
    out = tmp_path / "out"
    _, said = told(capsys, "accept", demo, "*_SCIENCE_V*", "-o", out)
    assert "not rejected before" in said
    _, said = told(capsys, "accept", out, "*_SCIENCE_V*")
    assert "nothing changed" in said


def test_nothing_to_undo_and_nothing_to_redo_are_said(demo, tmp_path, capsys):
    out = tmp_path / "out"
    told(capsys, "reject", demo, "*_SCIENCE_V*", "-o", out)
    _, said = told(capsys, "redo", out)
    assert "nothing to redo" in said
    _, said = told(capsys, "undo", out, "-n", "5")
    assert "taken back" in said
    assert "nothing more to undo" in said
    _, said = told(capsys, "undo", out)
    assert "nothing to undo" in said


@pytest.mark.parametrize(
    ("words", "meant"),
    [
        (("set", "NIGHT", "fliter=R", "*"), "did you mean filter?"),
        (("set", "NIGHT", "exposure=90", "*"), "did you mean exposure_s?"),
        (("set", "NIGHT", "kind=darks", "*"), "did you mean dark?"),
        (("reduec", "NIGHT"), "did you mean reduce?"),
    ],
)
def test_a_slip_of_the_fingers_is_answered_with_what_is_meant(demo, tmp_path, capsys, words, meant):
    given = [str(demo) if word == "NIGHT" else word for word in words]
    code, said = told(capsys, *given, *(["-o", str(tmp_path / "out")] if words[0] == "set" else []))
    assert code == 2
    assert meant in said


def test_a_misspelled_folder_is_answered_with_its_neighbour(tmp_path, capsys):
    (tmp_path / "Night_42").mkdir()
    code, said = told(capsys, "scan", tmp_path / "nigth_42")
    assert code == 2
    assert "did you mean Night_42?" in said


def test_an_undo_is_no_decision_of_its_own_in_the_list(demo, tmp_path, capsys):
    out = tmp_path / "out"
    told(capsys, "set", demo, "filter=R", "*-CAMS/*_0001_SCIENCE*", "-o", out)
    told(capsys, "undo", out)
    _, said = told(capsys, "decisions", out)
    assert "taken back" in said
    assert "by undo" in said
    assert "1 decision;" in said


def test_a_pattern_that_catches_several_kinds_names_them(demo, tmp_path, capsys):
    _, said = told(capsys, "reject", demo, "*_0001_*", "-o", tmp_path / "out")
    assert "1 bias" in said
    assert "1 science" in said


def test_the_window_is_not_started_on_a_folder_that_is_not_there(tmp_path, capsys, monkeypatch):
    monkeypatch.setattr("subprocess.Popen", lambda *_, **__: pytest.fail("it was started"))
    code, document = ask(capsys, "gui", tmp_path / "nowhere")
    assert code == 2
    assert "cannot find" in document["error"]["what"]


def test_setting_a_kind_and_a_filter_changes_the_plan(demo, tmp_path, capsys):
    out = tmp_path / "out"
    dark = next(p.name for p in sorted(demo.rglob("*_DARK*")) if "SKYFLAT" not in str(p))
    ask(capsys, "set", demo, "kind=other", dark, "-o", out)
    _, document = ask(capsys, "plan", demo, "-o", out)
    assert any(item["path"].endswith(dark) for item in document["left_out"])
    ask(capsys, "set", out, "filter=R", "*_SCIENCE_V*")
    _, document = ask(capsys, "plan", demo, "-o", out)
    assert {s["flat"] for s in document["science"]} == {"flat_R"}


@pytest.mark.parametrize("bad", ["kind=banana", "exposure_s=long", "exposure_s=nan", "gain_e_per_adu=-1"])
def test_a_value_that_no_frame_can_have_is_refused(demo, tmp_path, capsys, bad):
    code, document = ask(capsys, "set", demo, bad, "*", "-o", tmp_path / "out")
    assert code == 2
    assert document["error"]["why"]


def test_a_pattern_that_matches_nothing_is_refused(demo, tmp_path, capsys):
    code, document = ask(capsys, "reject", demo, "*_TYPO_*", "-o", tmp_path / "out")
    assert code == 2
    assert "_TYPO_" in document["error"]["what"]


def test_an_output_that_is_or_holds_the_night_is_refused(demo, capsys):
    for output in (demo, demo.parent):
        code, document = ask(capsys, "reject", demo, "*", "-o", output)
        assert code == 2
        assert "raw data" in document["error"]["why"]
    assert not list(demo.rglob("*.sqlite"))


@pytest.mark.parametrize("executor", ["nonsense", "dask", "dask:", "threads:2"])
def test_an_executor_that_is_none_is_named_before_anything_is_made(demo, tmp_path, capsys, executor):
    code, document = ask(capsys, "reduce", demo, "-o", tmp_path / "out", "--executor", executor)
    assert code == 2
    assert "use processes, threads, dask:ADDRESS or slurm" in document["error"]["what"]
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("executor", ["processes", "threads", "dask:tcp://10.0.0.1:8786", "slurm", "slurm:short"])
def test_every_executor_that_there_is_can_be_named(executor):
    assert make_parser().parse_args(["reduce", "night", "--executor", executor]).executor == executor


def test_a_recipe_with_a_mistake_is_named_before_anything_runs(demo, tmp_path, capsys):
    recipe = tmp_path / "r.toml"
    recipe.write_text("[cosmic]\nsigclp = 3\n")
    code, document = ask(capsys, "reduce", demo, "-o", tmp_path / "out", "--recipe", recipe)
    assert code == 2
    assert "cosmic.sigclp" in document["error"]["why"]
    assert not (tmp_path / "out").exists()


def test_a_demo_night_is_not_made_over_existing_files(tmp_path, capsys):
    (tmp_path / "mine.txt").write_text("precious")
    code, document = ask(capsys, "demo", tmp_path)
    assert code == 2
    assert "not empty" in document["error"]["why"]


def test_a_closed_pipe_is_no_crash(demo):
    line = f'"{sys.executable}" -m pipeline_core scan "{demo}" --json --quiet | head -c 10'
    done = subprocess.run(["bash", "-c", line], capture_output=True, text=True, check=False, env=os.environ)
    assert "Traceback" not in done.stderr


def test_without_the_window_the_command_line_says_what_works(capsys, monkeypatch):
    monkeypatch.setenv("PATH", "")
    monkeypatch.setattr(sys, "executable", "/nowhere/python")
    code, document = ask(capsys, "gui")
    assert code == 2
    assert "astep reduce" in document["error"]["hint"]


def test_an_interrupted_demo_night_leaves_no_half_night(tmp_path, capsys, monkeypatch):
    def stopped(folder, **_):
        folder.mkdir()
        (folder / "half.fits").write_bytes(b"half")
        raise KeyboardInterrupt

    monkeypatch.setattr("pipeline_core.demo.night.make_demo_night", stopped)
    code, _ = ask(capsys, "demo", tmp_path / "night")
    assert code == 130
    assert list(tmp_path.iterdir()) == []


def test_a_demo_night_may_be_made_in_an_empty_folder(tmp_path, capsys):
    (tmp_path / "night").mkdir()
    code, document = ask(capsys, "demo", tmp_path / "night", "--size", "256", "--frames", "1")
    assert code == 0
    assert document["frames"] > 1
    assert [p.name for p in tmp_path.iterdir()] == ["night"]


def test_batch_refuses_two_nights_that_would_share_an_output(demo, tmp_path, capsys):
    other = tmp_path / demo.name
    other.mkdir()
    code, document = ask(capsys, "batch", demo, other, "--into", tmp_path / "into")
    assert code == 2
    assert "both would go into" in document["error"]["why"]
    assert not (tmp_path / "into").exists()
