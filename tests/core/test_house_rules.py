"""Rules of the house that no linter holds: short files, no machine's paths, no silent exceptions."""

from __future__ import annotations

import ast
import re
import subprocess
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PACKAGES = ("pipeline_core", "astep_gui")

LONGEST = 450
"""Lines; a file that needs more holds two subjects."""

# Folders that exist on one machine only.
MACHINE_PATHS = re.compile(r"(?<![\w.~$}/])/(?:work|root|home|farm|Users)/\w")


def sources() -> list[Path]:
    return [path for package in PACKAGES for path in sorted((ROOT / package).rglob("*.py"))]


def name_of(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


def text_of(path: Path) -> str:
    return path.read_text(encoding="utf-8")


def tracked_files() -> list[Path]:
    """Return the files git knows; every file of ours where the tree is no checkout (an unpacked archive)."""
    if not (ROOT / ".git").exists():
        return [*sources(), *sorted((ROOT / "tests").rglob("*.py"))]
    listed = subprocess.run(
        ["git", "-c", f"safe.directory={ROOT}", "ls-files", "-z"],
        cwd=ROOT,
        capture_output=True,
        check=True,
        timeout=30,
    ).stdout
    return [ROOT / name for name in listed.decode().split("\0") if name]


def silent_handlers(text: str) -> list[int]:
    """Return the lines of handlers that catch everything and say nothing."""
    wide = {"Exception", "BaseException"}
    lines = []
    for node in ast.walk(ast.parse(text)):
        if not isinstance(node, ast.ExceptHandler):
            continue
        caught = node.type.elts if isinstance(node.type, ast.Tuple) else [node.type]
        is_wide = any(kind is None or getattr(kind, "id", "") in wide for kind in caught)
        says_nothing = all(
            isinstance(step, ast.Pass | ast.Continue)
            or (isinstance(step, ast.Expr) and isinstance(step.value, ast.Constant))
            for step in node.body
        )
        if is_wide and says_nothing:
            lines.append(node.lineno)
    return lines


def test_a_file_holds_one_subject() -> None:
    lengths = {name_of(source): len(text_of(source).splitlines()) for source in sources()}
    assert lengths
    long = {name: lines for name, lines in lengths.items() if lines > LONGEST}
    assert not long, f"divide what has more than {LONGEST} lines: {long}"


def test_no_exception_is_swallowed() -> None:
    found = {name_of(source): silent_handlers(text_of(source)) for source in sources()}
    silent = {name: lines for name, lines in found.items() if lines}
    assert not silent, f"exceptions are swallowed at these lines: {silent}"


def test_a_swallowed_exception_is_noticed() -> None:
    assert silent_handlers("try:\n    f()\nexcept Exception:\n    pass\n") == [3]
    assert silent_handlers("try:\n    f()\nexcept (OSError, Exception):\n    ...\n") == [3]
    assert silent_handlers("try:\n    f()\nexcept:\n    pass\n") == [3]
    assert silent_handlers("try:\n    f()\nexcept OSError:\n    pass\n") == []
    assert silent_handlers("try:\n    f()\nexcept Exception as e:\n    tell(e)\n") == []


def test_no_tracked_file_holds_a_path_of_one_machine() -> None:
    found = []
    for path in tracked_files():
        if not path.is_file():
            continue
        text = path.read_bytes().decode("utf-8", errors="replace")
        found += [
            f"{path.relative_to(ROOT)}:{number}"
            for number, line in enumerate(text.splitlines(), 1)
            if MACHINE_PATHS.search(line)
        ]
    assert not found, f"paths of one machine in {found}"


def test_a_path_of_one_machine_is_noticed() -> None:
    for folder in ("work", "home", "Users"):
        assert MACHINE_PATHS.search(f"open('/{folder}/ann/night')")
    assert not MACHINE_PATHS.search("../home/night and https://example.org/home/page")
