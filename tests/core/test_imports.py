"""Imports go down, never up: no Qt in the core, nothing heavy before it is needed."""

from __future__ import annotations

import ast
import importlib.util
import json
import shutil
import subprocess
import sys
from pathlib import Path

CORE = Path(__file__).resolve().parents[2] / "pipeline_core"

QT = {"PyQt5", "PyQt6", "PySide2", "PySide6", "qtpy", "pyqtgraph", "astep_gui"}

# Each costs 0.1 to 1 s of import; a command that needs it imports it where it works.
HEAVY = ["numba", "scipy", "astropy", "ccdproc", "astroscrappy", "sep", "matplotlib", "dask", "distributed"]

LIGHT_MODULES = ["types", "errors", "events", "config", "stage", "measures", "plan", "scan", "cli"]

# What may be known to a function of arrays and numbers.
SCIENCE_MAY_IMPORT = (
    "pipeline_core.science",
    "pipeline_core.types",
    "pipeline_core.measures",
    "pipeline_core.errors",
)


def imported_names(source: Path) -> set[str]:
    """Return every module that a file imports anywhere, by its full name."""
    names: set[str] = set()
    package = ".".join(source.relative_to(CORE.parent).parent.parts)
    for node in ast.walk(ast.parse(source.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            names.update(alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            module = importlib.util.resolve_name("." * node.level + (node.module or ""), package)
            names.update(f"{module}.{alias.name}" for alias in node.names)
    return names


def run_python(code: str) -> str:
    result = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, timeout=60, cwd=CORE.parent, check=False
    )
    assert result.returncode == 0, result.stderr
    return result.stdout


def test_the_core_imports_neither_qt_nor_the_window() -> None:
    imports = {source: imported_names(source) for source in CORE.rglob("*.py")}
    assert len(imports) > 10
    wrong = {path.name: names for path, names in imports.items() if {n.split(".")[0] for n in names} & QT}
    assert not wrong


def test_science_knows_only_science_and_plain_values() -> None:
    imports = {source.name: imported_names(source) for source in (CORE / "science").glob("*.py")}
    strangers = {
        file: [n for n in names if n.split(".")[0] == "pipeline_core" and not n.startswith(SCIENCE_MAY_IMPORT)]
        for file, names in imports.items()
    }
    assert imports
    assert not {file: names for file, names in strangers.items() if names}


def test_relative_imports_are_seen_by_the_reader_of_imports(tmp_path, monkeypatch) -> None:
    package = tmp_path / "pipeline_core" / "science"
    package.mkdir(parents=True)
    (package / "bad.py").write_text("from ..io import fits_file\nfrom PyQt6 import QtCore\n")
    monkeypatch.setattr(sys.modules[__name__], "CORE", tmp_path / "pipeline_core")
    assert imported_names(package / "bad.py") == {"pipeline_core.io.fits_file", "PyQt6.QtCore"}


def test_the_command_line_starts_without_heavy_packages() -> None:
    modules = [f"pipeline_core.{name}" for name in LIGHT_MODULES]
    code = f"""
import importlib, json, sys
brought = {{}}
for name in {modules!r}:
    before = set(sys.modules)
    importlib.import_module(name)
    brought[name] = sorted(h for h in {HEAVY!r} if h in sys.modules and h not in before)
print(json.dumps(brought))
"""
    brought = {name: heavy for name, heavy in json.loads(run_python(code)).items() if heavy}
    assert not brought, f"imported too early: {brought}"


def test_the_import_contracts_hold() -> None:
    linter = shutil.which("lint-imports", path=str(Path(sys.executable).parent)) or shutil.which("lint-imports")
    assert linter is not None, "import-linter is missing: run `make setup`"
    result = subprocess.run(
        [linter, "--no-cache"], capture_output=True, text=True, timeout=60, cwd=CORE.parent, check=False
    )
    assert result.returncode == 0, result.stdout + result.stderr
