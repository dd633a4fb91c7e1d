"""What a run found that a person should know: what is so, what it means, what to do next, and of which frames."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence


@dataclass(frozen=True, slots=True)
class Finding:
    """One warning, in the parts of a sentence."""

    what: str
    """What is so: "the dark takes off 5 to 46 % too little of the hot pixels in 14 of 18 frames"."""
    why: str = ""
    """What it means for the results, or where it comes from."""
    hint: str = ""
    """What to do next."""
    paths: tuple[str, ...] = ()
    """The frames concerned; empty where it is about none, or about all of them in the same way."""

    @property
    def words(self) -> str:
        """All of it in one line: "what: why; hint"."""
        said = f"{self.what}: {self.why}" if self.why else self.what
        return f"{said}; {self.hint}" if self.hint else said


def finding_of(words: str, paths: Sequence[str] = (), *, of: str = "", counted: str = "") -> Finding:
    """Take the parts of a warning that is told in one line.

    Parameters
    ----------
    words : str
        "what: why; hint"; colons and semicolons in brackets divide nothing.
    paths : sequence of str
        Frames concerned.
    of : str
        The master that it is about, to be named first.
    counted : str
        Of how many frames, to be said after what is so: "9 science frames".
    """
    what, rest = _divided(words, ": ")
    why, hint = _divided(rest, "; ")
    if not rest:
        what, hint = _divided(words, "; ")
    what = f"{of}: {what}" if of else what
    return Finding(f"{what}, {counted}" if counted else what, why, hint, tuple(paths))


def _divided(words: str, by: str) -> tuple[str, str]:
    """Divide at the first place outside of brackets."""
    depth = 0
    for at, letter in enumerate(words):
        depth += (letter == "(") - (letter == ")")
        if depth == 0 and words.startswith(by, at):
            return words[:at], words[at + len(by) :]
    return words, ""


def gravest(findings: Iterable[Finding], most: int) -> list[Finding]:
    """Return the findings that concern frames, those of most frames first.

    Parameters
    ----------
    findings : iterable of Finding
    most : int
        So many at most.

    Notes
    -----
    A gain or a dark that is wrong for every frame is in every number that a night gives; what is missing for two short
    exposures is not. Of equal ones the order in which they were found holds.
    """
    return sorted((one for one in findings if one.paths), key=lambda one: -len(one.paths))[:most]


def each_once(findings: Iterable[Finding]) -> tuple[Finding, ...]:
    """Return what is said in different words, once each."""
    return tuple({one.words: one for one in findings}.values())


def documents(findings: Iterable[Finding]) -> list[dict[str, Any]]:
    """Return them for JSON."""
    return [asdict(one) for one in findings]


def findings_of(documents: Iterable[Mapping[str, Any]]) -> tuple[Finding, ...]:
    """Rebuild findings from their JSON.

    Raises
    ------
    TypeError
        If they are of a later version.
    """
    return tuple(Finding(**{**one, "paths": tuple(one.get("paths", ()))}) for one in documents)
