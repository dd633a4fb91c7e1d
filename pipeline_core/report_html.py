"""The page of a night's report: what was observed, how good it is, what was decided, and with which settings."""

from __future__ import annotations

import re
from collections import Counter
from html import escape
from typing import TYPE_CHECKING

import numpy as np

from pipeline_core import __version__
from pipeline_core.decisions import NIGHT, RECIPE
from pipeline_core.measures import NOT_JUDGED, to_look_at
from pipeline_core.name_words import named
from pipeline_core.night_series import quantity, values_of
from pipeline_core.night_told import told_night
from pipeline_core.recipe_file import recipe_toml
from pipeline_core.report_plots import night_drawing
from pipeline_core.report_state import state_mark
from pipeline_core.standing import ACCEPTED, ACCEPTED_WORDS, GOOD, standing
from pipeline_core.types import FrameKind

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from pipeline_core.measures import QualityRow
    from pipeline_core.report import Detail, NightFacts
    from pipeline_core.report_pictures import Picture

_MARKS = {
    "rejected": "✕", "accepted": "✓", "bad": "!", "suspect": "!", "not judged": "?", "not measured": "?", "remark": "·",
    "good": "✓",
}  # fmt: skip
_TONES = {"rejected": "bad", "bad": "bad", "suspect": "warn", "not judged": "warn", "not measured": "warn"}
_COMMAND = re.compile(r"`astep (\w+)[^`]*`")
_NAMED = 6
"""So many frames of a decision are named; of more the first ones."""

_STYLE = """
:root{--ground:#fbfbf9;--panel:#fff;--text:#1d242c;--dim:#5a6672;--line:#c9d0d6;--ink:#0b62a0;--bad:#b3341c;--warn:#8a5a00}
@media(prefers-color-scheme:dark){:root{--ground:#11151a;--panel:#191f26;--text:#dbe2ea;--dim:#97a4b3;--line:#38434f;
--ink:#6fbde6;--bad:#ef8a76;--warn:#e3b04b}}
*{box-sizing:border-box}body{margin:0;background:var(--ground);color:var(--text);
font:15px/1.5 Inter,system-ui,-apple-system,"Segoe UI",sans-serif}
main{max-width:1060px;margin:0 auto;padding:32px 20px 64px}h1{font-size:26px;line-height:1.2;margin:0 0 4px}
h2{font-size:17px;margin:36px 0 10px}p{margin:6px 0}.dim{color:var(--dim)}
.facts{display:flex;flex-wrap:wrap;gap:10px;margin:20px 0 8px}
.fact{background:var(--panel);border:1px solid var(--line);
border-radius:8px;padding:10px 14px;flex:1 1 130px}.fact b{display:block;font-size:21px;font-weight:600}
.fact span{color:var(--dim);font-size:13px}table{border-collapse:collapse;width:100%;font-size:13.5px}
th{text-align:left;color:var(--dim);font-weight:500}
td,th{padding:4px 14px 4px 0;border-bottom:1px solid var(--line);
vertical-align:top}td.n,th.n{text-align:right;white-space:nowrap}
.mono,pre{font-family:"JetBrains Mono",ui-monospace,monospace;font-size:12.5px}
td.mono{overflow-wrap:anywhere}.wide{overflow-x:auto}
pre{background:var(--panel);border:1px solid var(--line);border-radius:8px;
padding:14px;overflow:auto;margin:8px 0}.told{font-size:17px;margin:18px 0 6px}
.next{margin:0;padding-left:20px}.bad{color:var(--bad)}.warn{color:var(--warn)}
.night{width:100%;height:auto;display:block}.night text{font-size:12px;fill:var(--dim)}
.night .label{fill:var(--text)}
.night .frame{fill:none;stroke:var(--line)}
.night .grid{stroke:var(--line);stroke-dasharray:2 4;fill:none}.night .dots{fill:var(--ink)}
.night .out{stroke:var(--bad);stroke-width:1.6;fill:none}.night .sun{stroke:#d99000;fill:none;stroke-width:1.6}
.night .moon{stroke:var(--dim);fill:none;stroke-width:1.6;stroke-dasharray:6 4}.night .horizon{stroke:var(--text);
stroke-width:.8;stroke-dasharray:1 4;fill:none}
.pictures{display:flex;flex-wrap:wrap;gap:16px 14px}figure{margin:0;width:158px}
figure img{width:100%;height:auto;display:block;border-radius:4px;background:#000;image-rendering:auto}
figure.rejected img{outline:2px solid var(--bad);outline-offset:-2px}
figcaption{font-size:12px;line-height:1.35;margin-top:5px;overflow-wrap:anywhere}
details{margin:10px 0}summary{cursor:pointer}
@media print{details:not([open])>*{display:block}}
"""


def page(facts: NightFacts, detail: Detail, pictures: Sequence[Picture]) -> str:
    """Return the whole page.

    Parameters
    ----------
    facts : NightFacts
    detail : Detail
        How long lists may become.
    pictures : sequence of Picture
    """
    title = f"Night {facts.night.root.name}"
    parts = [
        f"<h1>{escape(title)}</h1>",
        f'<p class="dim">{escape(_when_and_where(facts))}</p>',
        _headline(facts),
        _night(facts, detail),
        _frames_section(facts, detail),
        _pictures(pictures),
        _masters(facts),
        _decisions(facts, detail),
        _warnings(facts, detail),
        _recipe(facts),
        f'<p class="dim">Written by ASTEP Harvest {escape(__version__)} from {escape(facts.place.output.name)}.</p>',
    ]
    return (
        '<!doctype html>\n<html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width,initial-scale=1">'
        f"{state_mark(facts.state)}"
        f"<title>{escape(title)}</title><style>{_STYLE}</style></head><body><main>{''.join(parts)}</main></body></html>\n"
    )


def _when_and_where(facts: NightFacts) -> str:
    times = sorted(time for row in facts.quality.rows if (time := facts.quality.times.get(row.path)) is not None)
    words = [f"{times[0]:%Y-%m-%d %H:%M} to {times[-1]:%Y-%m-%d %H:%M} UTC"] if times else ["times not known"]
    site = facts.night.site
    if site is not None:
        words.append(site.name or f"{site.latitude_deg:+.3f}° {site.longitude_deg:+.3f}° (E), {site.altitude_m:.0f} m")
    objects = Counter(f.object for f in facts.night.frames if f.kind is FrameKind.SCIENCE and f.object)
    words += [name for name, _ in objects.most_common(3)]
    exposures = sorted({f.exposure_s for f in facts.night.frames if f.kind is FrameKind.SCIENCE and f.exposure_s})
    if exposures:
        words.append(", ".join(f"{e:g} s" for e in exposures[:4]))
    return " · ".join(words)


def _headline(facts: NightFacts) -> str:
    rows = facts.quality.rows
    rejected = [row for row in rows if row.path in facts.quality.rejected]
    suspect = to_look_at(rows, facts.quality.rejected, facts.quality.kept)
    stands = Counter(standing(row.path, row, facts.quality.rejected, facts.quality.kept) for row in rows)
    used = [row for row in rows if row.path not in facts.quality.rejected]

    def median(name: str) -> str:
        what = quantity(name)
        values = values_of(what, used)
        return what.words(float(np.nanmedian(values))) if np.isfinite(values).any() else "–"

    cards = [
        (str(stands[GOOD]), GOOD),
        *([(str(stands[ACCEPTED]), ACCEPTED_WORDS)] if stands[ACCEPTED] else []),
        (str(len(used)), "in use: not rejected"),
        (str(len(rejected)), "rejected"),
        (str(len(suspect)), "suggested for a look"),
        (median("fwhm_px"), "median FWHM"),
        (median("depth_loss_mag"), "median depth loss"),
        (str(len(facts.masters)), "masters made"),
    ]
    shown = "".join(f'<div class="fact"><b>{escape(v)}</b><span>{escape(w)}</span></div>' for v, w in cards)
    said = f"<p>{escape(_seen(facts) or 'Nothing speaks against a frame.')}</p>"
    return f'{_told(facts)}<div class="facts">{shown}</div>{said}'


def _seen(facts: NightFacts) -> str:
    """Say what was seen in how many frames: in those in use, of which the window speaks too, and in rejected ones."""
    quality = facts.quality
    found = {True: Counter[str](), False: Counter[str]()}
    for row in quality.rows:
        is_unjudged = standing(row.path, row, quality.rejected, quality.kept) == NOT_JUDGED
        causes = {flag.cause for flag in row.flags if flag.cause != NOT_JUDGED or is_unjudged}
        found[row.path not in quality.rejected].update(causes)
    told = [
        f"Seen in frames {where}: {', '.join(f'{cause} ({number})' for cause, number in causes.most_common())}."
        for where, causes in (("in use", found[True]), ("that are rejected", found[False]))
        if causes
    ]
    return " ".join(told)


def _told(facts: NightFacts) -> str:
    """Say in a sentence how good the night is, and what it teaches: the words of the window and the command line."""
    quality = facts.quality
    told = told_night(quality.rows, facts.night, facts.plan, quality.rejected, quality.kept, quality.calibration_flags)
    if told is None:
        return ""
    lessons = "".join(f"<li>{escape(words)}</li>" for words in told.next_time)
    advice = f'<p>Next time:</p><ul class="next">{lessons}</ul>' if lessons else ""
    return f'<p class="told">{escape(told.sentence)}</p>{advice}'


def _night(facts: NightFacts, detail: Detail) -> str:
    if not facts.quality.rows:
        return "<h2>The night</h2><p>No science frame is measured.</p>"
    drawing = night_drawing(
        facts.quality.rows,
        facts.quality.times,
        facts.quality.rejected,
        facts.columns,
        facts.night.by_path,
        keogram_width=detail.keogram_px,
        keogram_bits=detail.keogram_bits,
    )
    words = (
        "Each dot is a frame, a cross one that is rejected. Keogram: one averaged column a frame, brighter is more sky."
    )
    return f'<h2>The night</h2>{drawing}<p class="dim">{words}</p>'


def _frames_section(facts: NightFacts, detail: Detail) -> str:
    """List rejected frames with their reason, then those that are suggested for a look."""
    rejected = [
        (row, facts.quality.rejected[row.path]) for row in facts.quality.rows if row.path in facts.quality.rejected
    ]
    measured = {row.path for row in facts.quality.rows}
    parts = ["<h2>Rejected frames</h2>"]
    lines = [_frame_line(facts, row.path, row, reason or "no reason given") for row, reason in rejected]
    lines += [
        _frame_line(facts, path, None, reason or "no reason given")
        for path, reason in facts.quality.rejected.items()
        if path not in measured
    ]
    parts.append(
        _table(("frame", "UTC", "FWHM px|n", "depth loss|n", "why"), lines, detail.lines, "No frame is rejected.")
    )
    suspects = [
        _frame_line(facts, row.path, row, "; ".join(_against(row)))
        for row in to_look_at(facts.quality.rows, facts.quality.rejected, facts.quality.kept)
    ]
    suspects += [
        _frame_line(facts, path, None, "; ".join(flag.words for flag in flags))
        for path, flags in facts.quality.calibration_flags.items()
        if flags and path not in facts.quality.rejected and path not in facts.quality.kept
    ]
    parts.append("<h2>Suggested for a look</h2>")
    parts.append(
        _table(("frame", "UTC", "FWHM px|n", "depth loss|n", "why"), suspects, detail.lines, "No frame is suspect.")
    )
    left_out = [
        (_mono(item.path), escape(item.reason))
        for item in facts.plan.left_out
        if item.path not in facts.quality.rejected
    ]
    if left_out:
        parts += ["<h2>Left out</h2>", _table(("frame", "why"), left_out, detail.lines, "")]
    return "".join(parts)


def _frame_line(facts: NightFacts, path: str, row: QualityRow | None, why: str) -> tuple[str, ...]:
    time = facts.quality.times.get(path)
    fwhm = row.measures.fwhm_px if row is not None else None
    loss = row.depth_loss_mag if row is not None else None
    return (
        _mono(path),
        f"{time:%H:%M:%S}" if time is not None else "–",
        f"{fwhm:.2f}" if fwhm is not None else "–",
        f"{loss:+.2f}" if loss is not None else "–",
        escape(why),
    )


def _against(row: QualityRow) -> list[str]:
    return [flag.words for flag in row.flags if flag.severity != "note"]


def _pictures(pictures: Sequence[Picture]) -> str:
    if not pictures:
        return ""
    shown = "".join(
        f'<figure class="{p.state}"><img src="{p.uri}" width="{p.width}" height="{p.height}" alt="{escape(p.path)}">'
        f'<figcaption><span class="{_TONES.get(p.state, "dim")}">{_MARKS[p.state]} '
        f"{_said(p)}</span><br>"
        f'<span class="dim">{escape(p.path.rsplit("/", 1)[-1])}</span></figcaption></figure>'
        for p in pictures
    )
    return f'<h2>Frames</h2><div class="pictures">{shown}</div>'


def _said(picture: Picture) -> str:
    """Say how a frame stands, as the window's list does: "· streak" is a remark, no verdict."""
    if picture.state == "remark":
        return escape(picture.why)
    is_accepted = picture.state == ACCEPTED
    words, between = (ACCEPTED_WORDS, " · said against it: ") if is_accepted else (picture.state, ": ")
    return words + (between + escape(picture.why) if picture.why else "")


def _masters(facts: NightFacts) -> str:
    lines = []
    for product in facts.masters:
        made = product.made
        before, after = made.get("noise_adu"), made.get("master_noise_adu")
        noise = f"{before:.2f} → {after:.2f} ADU" if before and after else "–"
        lines.append(
            (
                _mono(product.label),
                str(made.get("n_frames", "–")),
                noise,
                escape(product.when_utc[:19].replace("T", " ")),
            )
        )
    table = _table(
        ("master", "frames|n", "noise of one → of the master|n", "made (UTC)"), lines, 1000, "No master is made."
    )
    equations = Counter(science.equation for science in facts.plan.science if science.equation)
    words = "".join(
        f"<p>{escape(e)} <span class=dim>({n} frame{'s' if n > 1 else ''})</span></p>"
        for e, n in equations.most_common(12)
    )
    return f"<h2>Masters</h2>{table}{words}"


def _decisions(facts: NightFacts, detail: Detail) -> str:
    """One line a step, newest first: 40 frames rejected at once are one decision."""
    subjects: dict[int, dict[str, None]] = {}
    reasons: dict[int, dict[str, None]] = {}
    for d in facts.history:
        if d.subject not in {NIGHT, RECIPE}:
            subjects.setdefault(d.step, {})[d.subject] = None
        # What a frame is rejected for is the verdict itself; a reason of the step is often not given besides.
        if d.field == "rejected" and isinstance(d.new, str) and d.new:
            reasons.setdefault(d.step, {})[d.new] = None
    steps: dict[int, tuple[str, ...]] = {}
    for d in facts.history:
        note = "taken back" if d.undone else d.deed if d.deed != "decide" else ""
        steps[d.step] = (
            escape(d.when_utc[:19].replace("T", " ")),
            escape(d.source),
            escape(_decided(d.label, list(subjects.get(d.step, {})))),
            escape(_reason(list(reasons.get(d.step, {})), d.reason)),
            note,
        )
    lines = list(reversed(steps.values()))
    return "<h2>Decisions</h2>" + _table(
        ("UTC", "by", "what", "why", ""), lines, detail.lines, "Nothing was decided by hand."
    )


def _decided(label: str, paths: Sequence[str]) -> str:
    """Return a decision with the frames that it is about, where it does not name them itself."""
    names = [path.rsplit("/", 1)[-1] for path in paths]
    return label if not names or names[0] in label else f"{label}: {named(names, _NAMED)}"


def _reason(verdicts: Sequence[str], given: str) -> str:
    """Return why frames are rejected (the first of many reasons), and the reason of the step where it is another."""
    said = [*verdicts[:_NAMED], f"{len(verdicts) - _NAMED} more"] if len(verdicts) > _NAMED else list(verdicts)
    return "; ".join([*said, given] if given and given not in verdicts else said)


def _warnings(facts: NightFacts, detail: Detail) -> str:
    words = [*(("warning", text) for text in (*facts.night.problems, *facts.plan.warnings)), *facts.warnings]
    # A reader may have neither the night nor the program: what a command of this machine would say is left out.
    words = list(dict.fromkeys((level, _without_commands(text)) for level, text in words))
    lines = [
        (f'<span class="{"bad" if level == "error" else "warn"}">! {level}</span>', escape(text))
        for level, text in words
    ]
    return "<h2>Warnings</h2>" + _table(("", "what"), lines, detail.lines, "No warning.")


def _without_commands(text: str) -> str:
    """Leave out the parts of a sentence that hold a command with the places of this machine."""
    kept = "; ".join(part for part in text.split("; ") if "`astep " not in part)
    return kept or _COMMAND.sub(r"`astep \1`", text)


def _recipe(facts: NightFacts) -> str:
    settings = escape(recipe_toml(facts.recipe))
    return f"<h2>Recipe</h2><details><summary>Every setting that was used</summary><pre>{settings}</pre></details>"


def _mono(text: str) -> str:
    return f'<span class="mono">{escape(text)}</span>'


def _table(columns: Sequence[str], lines: Iterable[Sequence[str]], most: int, empty: str) -> str:
    """Return a table of ready-made cells; a column named ``words|n`` holds numbers."""
    rows = list(lines)
    if not rows:
        return f'<p class="dim">{escape(empty)}</p>'
    kinds = [' class="n"' if column.endswith("|n") else "" for column in columns]
    head = "".join(f"<th{kind}>{escape(c.removesuffix('|n'))}</th>" for c, kind in zip(columns, kinds, strict=True))
    body = "".join(
        "<tr>" + "".join(f"<td{kind}>{cell}</td>" for cell, kind in zip(row, kinds, strict=True)) + "</tr>"
        for row in rows[:most]
    )
    rest = f'<p class="dim">… and {len(rows) - most} more.</p>' if len(rows) > most else ""
    return f'<div class="wide"><table><tr>{head}</tr>{body}</table></div>{rest}'
