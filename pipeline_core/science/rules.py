"""Rules: a person's condition on the quality columns, such as ``fwhm_px > 1.5*median(fwhm_px)``.

A rule is parsed into Python's syntax tree and walked by hand; only comparisons, arithmetic, ``and``/``or``/``not``,
numbers, column names and seven functions are known, so no rule can do anything but compare numbers.

A value that was not measured decides nothing: a comparison with it is unknown, ``not`` unknown is unknown, and a frame
is only picked where the rule is surely true (Kleene's three-valued logic).
"""

from __future__ import annotations

import ast
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from pipeline_core.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from pipeline_core.measures import QualityRow

Floats = npt.NDArray[np.float64]
Bools = npt.NDArray[np.bool_]

COLUMNS = (
    "background",
    "noise",
    "gradient_percent",
    "gradient_angle_deg",
    "mesh_rms_percent",
    "stars",
    "fwhm_px",
    "fwhm_arcsec",
    "ellipticity",
    "ellipticity_angle_deg",
    "ellipticity_coherence",
    "saturated_fraction",
    "cosmic_rays",
    "stars_touched",
    "streaks",
    "halo_ratio",
    "dx_px",
    "dy_px",
    "rotation_deg",
    "drift_px_per_hour",
    "transparency",
    "depth_loss_mag",
    "sun_altitude_deg",
    "moon_altitude_deg",
    "moon_phase",
    "moon_distance_deg",
)
"""Columns of the quality table that a rule may name; ``streaks`` is their number."""

MAX_LENGTH = 500
"""Characters of the longest rule; nobody writes a longer one, and the parser's recursion stays bounded."""

_ODD = re.compile(r"""["'\\]|(?<![\w.])[\d.]+(?:and|or|not|in|is|if|else|for)\b""")

_STATISTICS: dict[str, Callable[[Floats], float]] = {
    "median": lambda v: float(np.median(v)),
    "mean": lambda v: float(np.mean(v)),
    "min": lambda v: float(np.min(v)),
    "max": lambda v: float(np.max(v)),
    # Of a sample: few frames must not look steadier than they are.
    "std": lambda v: float(np.std(v, ddof=1)) if v.size > 1 else float("nan"),
}
_FUNCTIONS = (*_STATISTICS, "percentile", "abs")

_ARITHMETIC: dict[type[ast.operator], Callable[[Floats, Floats], Floats]] = {
    ast.Add: np.add,
    ast.Sub: np.subtract,
    ast.Mult: np.multiply,
    ast.Div: np.divide,
    ast.Pow: np.power,
}
_COMPARISONS: dict[type[ast.cmpop], Callable[[Floats, Floats], Bools]] = {
    ast.Gt: np.greater,
    ast.GtE: np.greater_equal,
    ast.Lt: np.less,
    ast.LtE: np.less_equal,
    ast.Eq: np.equal,
    ast.NotEq: np.not_equal,
}


@dataclass(frozen=True, slots=True)
class _Truth:
    """Three-valued truth of each frame: surely true, surely false, or neither."""

    yes: Bools
    no: Bools


def evaluate(rule: str, columns: Mapping[str, Floats]) -> Bools:
    """Return for which frames a rule is true.

    Parameters
    ----------
    rule : str
        Such as ``fwhm_px > 1.5*median(fwhm_px)``, ``stars < 20 or ellipticity > 0.4``,
        ``0 < transparency < percentile(transparency, 10)``. A bare ``median`` (``fwhm_px > 1.5*median``) is that of
        the one column the comparison is about.
    columns : mapping of str to (n,) float
        All of one length; NaN where not measured.

    Returns
    -------
    (n,) bool
        False where a needed value is missing.

    Raises
    ------
    UsageError
        If the rule cannot be understood; ``why`` names the position.
    """
    tree = _parsed(rule)
    length = len(next(iter(columns.values()))) if columns else 0
    walker = _Walker(rule, columns, length)
    with np.errstate(all="ignore"):
        truth = walker.truth(tree)
    return truth.yes


def check(rule: str) -> None:
    """Refuse a rule that cannot be understood, before there is any frame to try it on.

    Raises
    ------
    UsageError
        As :func:`evaluate`.
    """
    evaluate(rule, {name: np.array([1.0, 2.0]) for name in COLUMNS})


def matching_rows(rule: str, rows: Sequence[QualityRow]) -> list[QualityRow]:
    """Return the frames that a rule picks.

    Medians and other statistics are those of the frame's own group (``extra["group"]``): one filter's sky says
    nothing about another's.

    Raises
    ------
    UsageError
        As :func:`evaluate`.
    """
    check(rule)
    groups: dict[Any, list[int]] = {}
    for index, row in enumerate(rows):
        groups.setdefault(row.extra.get("group"), []).append(index)
    picked: list[int] = []
    for members in groups.values():
        truth = evaluate(rule, columns_of([rows[k] for k in members]))
        picked += [k for k, true in zip(members, truth, strict=True) if true]
    return [rows[k] for k in sorted(picked)]


def columns_of(rows: Sequence[QualityRow]) -> dict[str, Floats]:
    """Return the columns a rule may name, (n,) float each, NaN where not measured."""

    def value(row: QualityRow, name: str) -> float:
        found = getattr(row, name, None) if hasattr(row, name) else getattr(row.measures, name)
        return float("nan") if found is None else float(found)

    columns = {name: np.array([value(row, name) for row in rows], float) for name in COLUMNS if name != "streaks"}
    columns["streaks"] = np.array([len(row.measures.streaks) for row in rows], float)
    return columns


def _parsed(rule: str) -> ast.expr:
    if len(rule) > MAX_LENGTH:
        raise UsageError(
            f"cannot use the rule “{rule[:40]}…”",
            f"it is longer than {MAX_LENGTH} characters",
            "write several shorter rules; a frame is picked when any of them is true",
        )
    # What Python would read, but grumble about on standard error.
    odd = _ODD.search(rule)
    if odd is not None:
        raise UsageError(
            f"cannot use the rule “{rule}”",
            f"at position {odd.start() + 1}, “{odd.group()}”: a rule holds no text, and a space ends a number",
            "write it like: fwhm_px > 1.5*median(fwhm_px)",
        )
    try:
        return ast.parse(rule.strip(), mode="eval").body
    except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
        position = getattr(error, "offset", None)
        at = f"it does not read as a condition near position {position}" if position else "it does not read"
        raise UsageError(f"cannot use the rule “{rule}”", at, "write it like: fwhm_px > 1.5*median(fwhm_px)") from None


class _Walker:
    """Walks the syntax tree of one rule over one set of columns."""

    def __init__(self, rule: str, columns: Mapping[str, Floats], length: int) -> None:
        self._rule = rule.strip()
        self._columns = columns
        self._length = length

    def truth(self, node: ast.expr) -> _Truth:
        """Evaluate a node that must be a condition."""
        if isinstance(node, ast.BoolOp):
            parts = [self.truth(value) for value in node.values]
            yes, no = [p.yes for p in parts], [p.no for p in parts]
            if isinstance(node.op, ast.And):
                return _Truth(np.logical_and.reduce(yes), np.logical_or.reduce(no))
            return _Truth(np.logical_or.reduce(yes), np.logical_and.reduce(no))
        if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.Not):
            inner = self.truth(node.operand)
            return _Truth(inner.no, inner.yes)
        if isinstance(node, ast.Compare):
            return self._comparison(node)
        raise self._refusal(node, "it is a value where a condition is expected")

    def _comparison(self, node: ast.Compare) -> _Truth:
        subject = self._subject(node)
        sides = [self._number(side, subject) for side in (node.left, *node.comparators)]
        yes, no = np.ones(self._length, bool), np.zeros(self._length, bool)
        for left, operator, right in zip(sides, node.ops, sides[1:], strict=False):
            compare = _COMPARISONS.get(type(operator))
            if compare is None:
                raise self._refusal(node, "only <, <=, >, >=, == and != compare numbers")
            known = np.isfinite(left) & np.isfinite(right)
            holds = compare(left, right)
            yes &= known & holds
            no |= known & ~holds
        return _Truth(yes, no)

    def _subject(self, node: ast.Compare) -> str | None:
        """Return the one column a comparison is about, for a bare ``median``; None when there are several."""
        names = {n.id for n in ast.walk(node) if isinstance(n, ast.Name)} & set(self._columns)
        return names.pop() if len(names) == 1 else None

    def _number(self, node: ast.expr, subject: str | None) -> Floats:
        """Evaluate a node that must be a number for each frame."""
        if isinstance(node, ast.Constant) and type(node.value) in {int, float}:
            return np.full(self._length, self._finite(node, node.value))
        if isinstance(node, ast.Name):
            return self._name(node, subject)
        if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub | ast.UAdd):
            inner = self._number(node.operand, subject)
            return -inner if isinstance(node.op, ast.USub) else inner
        if isinstance(node, ast.BinOp):
            operate = _ARITHMETIC.get(type(node.op))
            if operate is None:
                raise self._refusal(node, "only +, -, *, / and ** are known")
            return operate(self._number(node.left, subject), self._number(node.right, subject))
        if isinstance(node, ast.Call):
            return self._call(node, subject)
        raise self._refusal(node, "only numbers, columns and functions may stand here")

    def _finite(self, node: ast.expr, value: object) -> float:
        try:
            return float(value)  # type: ignore[arg-type]
        except OverflowError:
            raise self._refusal(node, "the number is too large") from None

    def _name(self, node: ast.Name, subject: str | None) -> Floats:
        if node.id in self._columns:
            return np.asarray(self._columns[node.id], float)
        if node.id in _STATISTICS:
            if subject is None:
                raise self._refusal(
                    node,
                    f"“{node.id}” alone needs exactly one column to be compared; write {node.id}(column)",
                )
            return self._statistic(node.id, np.asarray(self._columns[subject], float))
        raise self._refusal(node, f"there is no column “{node.id}”; known are {', '.join(sorted(self._columns))}")

    def _call(self, node: ast.Call, subject: str | None) -> Floats:
        name = node.func.id if isinstance(node.func, ast.Name) else ""
        if name not in _FUNCTIONS:
            raise self._refusal(node, f"known functions are {', '.join(_FUNCTIONS)}")
        wanted = 2 if name == "percentile" else 1
        if node.keywords or len(node.args) != wanted or any(isinstance(a, ast.Starred) for a in node.args):
            raise self._refusal(node, f"{name} takes {wanted} value{'s' if wanted > 1 else ''} in its brackets")
        values = self._number(node.args[0], subject)
        if name == "abs":
            return np.abs(values)
        if name == "percentile":
            level = node.args[1]
            if not (isinstance(level, ast.Constant) and type(level.value) in {int, float}):
                raise self._refusal(node, "the second value of percentile is a number from 0 to 100")
            percent = self._finite(level, level.value)
            if not 0 <= percent <= 100:
                raise self._refusal(node, "the second value of percentile is a number from 0 to 100")
            measured = values[np.isfinite(values)]
            return np.full(self._length, np.percentile(measured, percent) if measured.size else np.nan)
        return self._statistic(name, values)

    def _statistic(self, name: str, values: Floats) -> Floats:
        measured = values[np.isfinite(values)]
        return np.full(self._length, _STATISTICS[name](measured) if measured.size else np.nan)

    def _refusal(self, node: ast.AST, why: str) -> UsageError:
        position = getattr(node, "col_offset", 0) + 1
        piece = ast.get_source_segment(self._rule, node) or self._rule
        return UsageError(
            f"cannot use the rule “{self._rule}”",
            f"at position {position}, “{piece}”: {why}",
            "write it like: fwhm_px > 1.5*median(fwhm_px)",
        )
