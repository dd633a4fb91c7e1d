"""The wheel: every module and file of the program is in it, and the loader finds them wherever it lies."""

from __future__ import annotations

import shutil
import subprocess
import sys
import zipfile
from pathlib import Path, PurePosixPath

import pytest

ROOT = Path(__file__).resolve().parents[2]
PACKAGES = ("pipeline_core", "astep_gui")
PIP = [sys.executable, "-m", "pip", "--disable-pip-version-check", "--quiet"]
OFFLINE = ["--no-deps", "--no-build-isolation", "--no-index"]
WHERE = "from pipeline_core.resources import resource_path; print(resource_path('instruments'))"


def run(command: list[str], folder: Path) -> str:
    """Run outside the checkout, so that nothing is found by standing in it."""
    result = subprocess.run(command, capture_output=True, text=True, timeout=120, cwd=folder, check=False)
    assert result.returncode == 0, f"{command}\n{result.stdout}\n{result.stderr}"
    return result.stdout.strip()


@pytest.fixture(scope="module")
def checkout(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a copy of what a wheel is built from: a build writes into its folder."""
    copy = tmp_path_factory.mktemp("checkout")
    for name in (*PACKAGES, "resources"):
        shutil.copytree(ROOT / name, copy / name, ignore=shutil.ignore_patterns("__pycache__"))
    for name in ("pyproject.toml", "setup.py", "README.md", "LICENSE"):
        shutil.copy(ROOT / name, copy / name)
    return copy


@pytest.fixture(scope="module")
def wheel(checkout: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("wheel")
    run([*PIP, "wheel", *OFFLINE, "--wheel-dir", str(folder), str(checkout)], folder)
    [built] = folder.glob("astep_harvest-*.whl")
    return built


@pytest.fixture(scope="module")
def names(wheel: Path) -> set[str]:
    with zipfile.ZipFile(wheel) as archive:
        return set(archive.namelist())


def files_below(folder: Path, pattern: str) -> set[str]:
    return {path.relative_to(folder).as_posix() for path in folder.rglob(pattern) if path.is_file()}


def test_the_wheel_holds_every_module(names: set[str], checkout: Path) -> None:
    modules = {f"{package}/{name}" for package in PACKAGES for name in files_below(checkout / package, "*.py")}
    assert modules <= names, f"forgotten: {sorted(modules - names)}"
    assert "pipeline_core/py.typed" in names


def test_the_wheel_carries_every_resource_inside_the_package(names: set[str], checkout: Path) -> None:
    resources = {f"pipeline_core/_resources/{name}" for name in files_below(checkout / "resources", "*")}
    assert resources
    assert resources <= names, f"forgotten: {sorted(resources - names)}"


def test_the_wheel_brings_no_package_named_resources_or_tests(names: set[str]) -> None:
    tops = {PurePosixPath(name).parts[0] for name in names}
    assert {top for top in tops if not top.endswith(".dist-info")} == set(PACKAGES)


def test_the_wheel_carries_the_licence(names: set[str]) -> None:
    assert any(name.endswith(".dist-info/licenses/LICENSE") for name in names)


def test_resources_are_found_in_a_checkout() -> None:
    assert Path(run([sys.executable, "-c", WHERE], ROOT)).resolve() == ROOT / "resources" / "instruments"


def test_resources_are_found_in_an_installed_wheel(wheel: Path, tmp_path: Path) -> None:
    site = tmp_path / "site"
    run([*PIP, "install", *OFFLINE, "--target", str(site), str(wheel)], tmp_path)
    # First on the path: an editable install of the checkout must not answer instead.
    found = run([sys.executable, "-c", f"import sys; sys.path.insert(0, {str(site)!r}); {WHERE}"], tmp_path)
    assert Path(found) == site / "pipeline_core" / "_resources" / "instruments"


def test_resources_are_found_in_an_editable_install(checkout: Path, tmp_path: Path) -> None:
    site = tmp_path / "site"
    run([*PIP, "install", *OFFLINE, "--target", str(site), "--editable", str(checkout)], tmp_path)
    # -S and -E: this install answers, not one that the environment holds; the environment's packages come
    # behind it, for what pipeline_core itself imports.
    others = [entry for entry in sys.path if entry.endswith("site-packages")]
    code = f"import site, sys; site.addsitedir({str(site)!r}); sys.path += {others!r}; {WHERE}"
    found = Path(run([sys.executable, "-S", "-E", "-c", code], tmp_path))
    assert found.is_relative_to(checkout)
    assert found.name == "instruments"
