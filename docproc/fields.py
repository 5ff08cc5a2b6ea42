"""Read the fields of a page whose places are known: ink, glyphs, both readers, a value and its verdict each.

In:  a page, where its fields lie, a recognizer, a policy.
Out: a `FieldReading` each; nothing is written, logged or remembered.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from typing import Protocol

import numpy as np
import numpy.typing as npt

from docproc import rounding
from docproc.character.normalization import normalize_all
from docproc.character.recognizer import Recognizer
from docproc.combination.line_reader import LineReader
from docproc.combination.pooling import combine
from docproc.combination.witness import Witness
from docproc.decision import Policy, decide
from docproc.field.comb import cut_cells, read_cells
from docproc.field.glyph import Glyph, Parts, connected_parts, crosses_edge, residue
from docproc.field.interpretation import Interpretation, Marks, marks_from, resolve
from docproc.field.lattice_picture import draw_lattice
from docproc.field.line import line_of
from docproc.field.segmentation import Lattice, segment
from docproc.field.string import best_paths, read_lattice
from docproc.field.transcript import Values
from docproc.field.trimming import trim
from docproc.form.binarization import binarize, estimate_paper, ink_level, ink_peak
from docproc.form.color import without_colored_print
from docproc.form.cutting import FieldImage, as_png, crop, cut_field
from docproc.form.defects import Kind
from docproc.form.dropout import remove_rules, snap_cells
from docproc.form.location import LocatedField
from docproc.form.teeth import remove_teeth
from docproc.geometry import Box, Transform
from docproc.joint import JointReading, Rule, read_jointly
from docproc.page import Mask, Page
from docproc.reading import CharacterReading, FieldReading, Reason, Verdict, changed_by
from docproc.rules import check, unseen, weigh

RULED_SHARE = 0.1  #: Of a field's height, along its edges: there is print, not only writing,
NARROW_CELL = 0.3  #: but at most this of a cell's width on either side.
SMALLEST_GLYPH_PX = 8.0  #: Longest side on the page: MNIST's own digits have 20, and people fail below 8.
LARGEST_OUTSIDE = 0.05  #: Share of a field's box that may lie outside the image before the field counts as clipped.
LEAST_CHANCE = 1e-3  #: Of an alternative to be named.
LINE_ZOOM = 3  #: Of a line of writing, shown to people.
MOST_ALTERNATIVES = 3  #: That are named.
LARGEST_RESIDUE = 0.01  #: Of a blank field: ink, in heights squared, that may be dust. A quarter of a thin 1.


class Trace(Protocol):
    """Somebody who watches a page being read: `docproc explain`."""

    def picture(self, stage: str, image: npt.NDArray[np.uint8], *, field: str = "") -> None:
        """An intermediate picture, of the page or of one field."""

    def note(self, text: str, *, field: str = "") -> None:
        """A sentence about what was decided, and why."""


class Silent:
    """Nobody watches: a `Trace` that keeps nothing."""

    def picture(self, stage: str, image: npt.NDArray[np.uint8], *, field: str = "") -> None:
        """Passed over."""

    def note(self, text: str, *, field: str = "") -> None:
        """Passed over."""


@dataclass(frozen=True, slots=True)
class Cell:
    """Which glyphs of a proposal are the mark in one cell, cut in up to three ways: see docproc.field.trimming."""

    whole: int | None
    closer: int | None
    lone: int | None
    crowded: bool  #: The cell holds a second mark.


@dataclass(frozen=True, slots=True, eq=False)
class Proposal:
    """What one field's ink could be, before anything is recognized."""

    image: FieldImage
    mask: Mask
    parts: Parts  #: Of the mask.
    glyphs: tuple[Glyph, ...]
    cells: tuple[Cell, ...]  #: For combs and cells, left to right.
    lattice: Lattice | None  #: For free fields: its candidates are `glyphs`, in order.


@dataclass(frozen=True, slots=True, eq=False)
class Draft:
    """A field before its verdict."""

    proposal: Proposal
    meaning: Interpretation
    chances: Sequence[tuple[str, float]]  #: Of its values, after the field's own rules, best first.
    reasons: tuple[str, ...]  #: What speaks against it, whatever its value.

    @property
    def name(self) -> str:
        """The field's."""
        return self.proposal.image.field.name

    def says(self, policy: Policy) -> bool:
        """Whether its values tell other fields anything: not where nothing is read in what is there."""
        return Reason.FAINT not in self.reasons and self.verdict(policy)[0] is not Verdict.REJECTED

    def verdict(self, policy: Policy) -> tuple[Verdict, tuple[str, ...]]:
        """What becomes of its best value, and why."""
        text, confidence = self.chances[0]
        has_ink = self.meaning.has_ink
        return decide(text=text, confidence=confidence, has_ink=has_ink, reasons=self.reasons, policy=policy)


def read_fields(
    page: Page,
    located: Sequence[LocatedField],
    recognizer: Recognizer,
    policy: Policy,
    *,
    line_reader: LineReader | None = None,
    witness: Witness | None = None,
    hidden: Collection[str] = (),
    rules: Sequence[Rule] = (),
    trace: Trace | None = None,
) -> tuple[FieldReading, ...]:
    """Read fields whose places on the page are known: one call of the recognizer for all of their glyphs.

    Those that are `hidden` under glare, by their names, go to review, whatever is read. Those that `rules` tie
    together are read together.
    """
    watch = trace or Silent()
    proposals = propose(page, located, trace=watch)
    glyphs = normalize_all([glyph.ink for proposal in proposals for glyph in proposal.glyphs])
    marks = marks_from(recognizer.recognize(glyphs), recognizer.card.classes)
    drafts: list[Draft] = []
    taken = 0
    for proposal in proposals:
        own = slice(taken, taken + len(proposal.glyphs))
        known = (f"{Reason.DEFECT}:{Kind.GLARE}",) if proposal.image.field.name in hidden else ()
        drafts.append(_read_field(proposal, glyphs[own], marks[own], known, line_reader, witness, policy, watch))
        taken = own.stop
    chances = {draft.name: draft.chances if draft.says(policy) else () for draft in drafts}
    guesses = {
        draft.name: unseen(draft.proposal.image.field) for draft in drafts if rules and not chances[draft.name]
    }
    joint = read_jointly(chances, rules, unseen=guesses)
    return tuple(_decided(draft, joint.get(draft.name), policy, watch) for draft in drafts)


def propose(page: Page, located: Sequence[LocatedField], *, trace: Trace | None = None) -> tuple[Proposal, ...]:
    """Cut each field and its ink into what could be digits. Training glyphs come out of here too."""
    watch = trace or Silent()
    paper = estimate_paper(page)
    images = list(without_colored_print([cut_field(page, paper, field) for field in located]))
    peaks = [_pen_peak(image) for image in images]
    level = ink_level(peaks)
    # Teeth are print, too: how dark the pen is, is known when they are gone.
    images = [_without_teeth(image, level, peak) for image, peak in zip(images, peaks, strict=True)]
    peaks = [_pen_peak(image) for image in images]
    level = ink_level(peaks)
    watch.note(f"ink level {level:.0f} of 255")
    return tuple(_propose(image, level, peak, watch) for image, peak in zip(images, peaks, strict=True))


def _without_teeth(image: FieldImage, level: float, peak: float) -> FieldImage:
    """A free field without the teeth of a comb that its template, or whoever cut it out, did not speak of."""
    if image.field.kind != "free":
        return image
    ink = binarize(image.dark, level=level, peak=peak)
    return replace(image, dark=remove_teeth(image.dark, ink, image.box_px))


def _pen_peak(image: FieldImage) -> float:
    """Darkness of the darkest strokes inside a field, away from its printed rules, which are often darker."""
    away = RULED_SHARE * image.box_px.height if image.ruled else 0.0
    inner = [cell.grown(-min(away, NARROW_CELL * cell.width)) for cell in image.cells_px]
    return ink_peak(*(crop(image.dark, cell) for cell in inner))


def _without_rules(image: FieldImage, level: float, peak: float) -> tuple[Mask, Mask, tuple[Box, ...]]:
    """A field's ink, the same without printed rules, and its cells as they are printed."""
    ink = binarize(image.dark, level=level, peak=peak)
    if not image.ruled:
        return ink, ink, image.cells_px
    cells = snap_cells(ink, image.cells_px)
    return ink, remove_rules(ink, box_px=image.box_px, cells_px=cells), cells


def _propose(image: FieldImage, level: float, peak: float, trace: Trace) -> Proposal:
    """Ink, without rules, cut into what could be digits."""
    ink, mask, cells_px = _without_rules(image, level, peak)
    name = image.field.name
    trace.picture("1-cut", image.picture, field=name)
    trace.picture("2-darkness", image.dark, field=name)
    trace.picture("3-ink", ink.astype(np.uint8) * 255, field=name)
    trace.picture("4-without-rules", mask.astype(np.uint8) * 255, field=name)
    parts = connected_parts(mask)
    if image.field.kind == "free":
        lattice = segment(image.dark, parts, image.box_px)
        glyphs = tuple(candidate.glyph for candidate in lattice.candidates)
        return Proposal(image, mask, parts, glyphs, (), lattice)
    wholes = cut_cells(image.dark, parts, cells_px)
    closer = [trim(image.dark, mask, cell, whole) for cell, whole in zip(cells_px, wholes, strict=True)]
    cut: list[Glyph] = []

    def place(glyph: Glyph | None) -> int | None:
        if glyph is not None:
            cut.append(glyph)
        return None if glyph is None else len(cut) - 1

    cells = tuple(
        Cell(place(whole), place(trimmed.closer), place(trimmed.lone), trimmed.crowded)
        for whole, trimmed in zip(wholes, closer, strict=True)
    )
    return Proposal(image, mask, parts, tuple(cut), cells, None)


def interpret(proposal: Proposal, marks: Sequence[Marks]) -> Interpretation:
    """What a field says by its glyphs."""
    if proposal.lattice is not None:
        return read_lattice(proposal.lattice, marks, lengths=proposal.image.field.lengths)
    meaning = read_cells([_in_cell(cell, marks) for cell in proposal.cells])
    inked = (
        next((i for i in (cell.whole, cell.closer, cell.lone) if i is not None), None) for cell in proposal.cells
    )
    boxes_px = tuple(None if index is None else proposal.glyphs[index].box_px for index in inked)
    return replace(meaning, boxes_px=boxes_px)


def _read_field(
    proposal: Proposal,
    glyphs: npt.NDArray[np.uint8],
    marks: Sequence[Marks],
    known: Sequence[str],
    line_reader: LineReader | None,
    witness: Witness | None,
    policy: Policy,
    trace: Trace,
) -> Draft:
    """What the field says by itself, and what speaks against it."""
    field = proposal.image.field
    meaning = interpret(proposal, marks)
    if proposal.lattice is not None and proposal.lattice.pieces and not isinstance(trace, Silent):
        _show_lattice(proposal, proposal.lattice, marks, meaning, trace)
    if line_reader is not None and meaning.has_ink:
        meaning = _with_line(proposal, meaning, line_reader, witness, policy, trace)
    chances = weigh(field, [(meaning.text, meaning.confidence), *meaning.alternatives])
    value, broken = chances[0][0], check(field, meaning.text)
    if value != meaning.text:  # it won by the field's rules alone: a person confirms it
        changed = (changed_by(rule.removeprefix(f"{Reason.RULE}:"), meaning.text, value) for rule in broken)
        broken = (*changed, *check(field, value))
    for index, (glyph, mark) in enumerate(zip(glyphs, marks, strict=True)):
        trace.picture(f"5-glyph-{index:02d}", glyph, field=field.name)
        trace.note(f"glyph {index}: {_in_words(mark)}", field=field.name)
    return Draft(
        proposal=proposal,
        meaning=meaning,
        chances=chances,
        reasons=(*meaning.reasons, *_defects(proposal, meaning), *known, *broken),
    )


def _decided(draft: Draft, joint: JointReading | None, policy: Policy, trace: Trace) -> FieldReading:
    """The field's value, its verdict, and why."""
    image, meaning = draft.proposal.image, draft.meaning
    field = image.field
    by_itself, own_chance = draft.chances[0]
    if joint is not None:
        draft = replace(draft, chances=joint.chances, reasons=_with_rules(draft, joint, policy))
        trace.note(
            f"by itself {by_itself!r} at {_at(own_chance)}; with the fields that rules tie it to, all of which are "
            f"right at {_at(joint.group_chance)}, {joint.chances[0][0]!r} at {_at(joint.chances[0][1])}",
            field=field.name,
        )
    (text, confidence), *others = draft.chances
    verdict, reasons = draft.verdict(policy)
    trace.note(
        f"{text!r} at {_at(confidence)} (by the ink alone {meaning.text!r} at {_at(meaning.confidence)}), threshold "
        f"{policy.review_below:g}: {verdict} {';'.join(reasons)}".rstrip(),
        field=field.name,
    )
    return FieldReading(
        name=field.name,
        text="" if verdict is Verdict.REJECTED else text,
        confidence=confidence,
        verdict=verdict,
        reasons=reasons,
        alternatives=tuple(pair for pair in others if pair[1] >= LEAST_CHANCE)[:MOST_ALTERNATIVES],
        characters=_on_page(meaning, image.page_from_field) if text == by_itself else (),
        box_px=image.page_from_field.box(image.box_px),
        crop_png=b"" if verdict is Verdict.ACCEPTED and not field.unique else as_png(image.picture),
    )


def _on_page(meaning: Interpretation, page_from_field: Transform) -> tuple[CharacterReading, ...]:
    """The characters, with their places on the page."""
    inked = [index for index, box in enumerate(meaning.boxes_px) if box is not None]
    if not meaning.characters or not inked:
        return meaning.characters
    corners = np.concatenate([box.corners()[[0, 1, 3]] for box in meaning.boxes_px if box is not None])
    places = np.rint(page_from_field @ corners).astype(int).reshape(-1, 3, 2).tolist()
    found = dict(zip(inked, places, strict=True))
    return tuple(
        replace(one, corners_px=tuple(map(tuple, found[index]))) if index in found else one
        for index, one in enumerate(meaning.characters)
    )


def _with_rules(draft: Draft, joint: JointReading, policy: Policy) -> tuple[str, ...]:
    """What speaks against a field once it is read together with others.

    Fields that satisfy their rules settle what its readers disagree on. Where a rule changes a value that the ink
    alone was sure of, one of the two is wrong, and a person says which.
    """
    by_itself, own_chance = draft.chances[0]
    reasons = [reason for reason in draft.reasons if not (joint.is_confirmed and reason == Reason.READERS_DISAGREE)]
    doubted = list(joint.broken)
    if joint.changed_by:
        value = joint.chances[0][0]
        reasons += [changed_by(joint.changed_by, by_itself, value), *check(draft.proposal.image.field, value)]
        if own_chance >= policy.review_below:
            doubted.append(joint.changed_by)
    return (*reasons, *(f"{Reason.RULE}:{name}" for name in doubted))


def _show_lattice(
    proposal: Proposal, lattice: Lattice, marks: Sequence[Marks], meaning: Interpretation, trace: Trace
) -> None:
    """The lattice of a free field, the path that won, and the others, for people."""
    paths = best_paths(lattice, marks)
    path = next(path for path in paths if path.value == meaning.text)
    trace.picture(
        "6-lattice", draw_lattice(proposal.image.dark, lattice, marks, path), field=proposal.image.field.name
    )
    passed = ", ".join(f"{kind} (glyph {index})" for index, kind in path.skipped) or "nothing"
    taken = ", ".join(str(index) for index in path.candidates) or "none"
    trace.note(
        f"best path {path.value or 'blank'!r} at {_at(path.chance)}: glyphs {taken}; passed over: {passed}",
        field=proposal.image.field.name,
    )


def _with_line(
    proposal: Proposal,
    meaning: Interpretation,
    reader: LineReader,
    witness: Witness | None,
    policy: Policy,
    trace: Trace,
) -> Interpretation:
    """What a field says by its glyphs and as a line of writing; and to a third, where that leaves doubt."""
    image, name = proposal.image, proposal.image.field.name
    line = line_of(image.dark, proposal.parts, image.box_px)
    if line is None:
        return meaning
    (values,) = reader.transcribe([line])
    if not isinstance(trace, Silent):
        planes = 255 - np.vstack([line[:, :, 0], line[:, :, 1]])
        trace.picture("7-line", np.kron(planes, np.ones((LINE_ZOOM, LINE_ZOOM), np.uint8)), field=name)
        trace.note(
            f"glyph by glyph: {_named([(meaning.text, meaning.confidence), *meaning.alternatives])}", field=name
        )
        trace.note(f"as a line: {_named(values)}", field=name)
    weights = reader.card.pools["cells" if proposal.lattice is None else "free"]
    both = combine(meaning, values, weights)
    if witness is None or (both.confidence >= policy.review_below and Reason.READERS_DISAGREE not in both.reasons):
        return both
    testimony = witness.testify(crop(image.picture, image.box_px))
    trace.note(f"the witness: {testimony.text or 'nothing'} {testimony.score:.4f}", field=name)
    return combine(meaning, values, weights, testimony)


def _named(values: Values) -> str:
    return ", ".join(f"{value or 'blank'} {_at(chance)}" for value, chance in values[:4])


def _in_cell(cell: Cell, marks: Sequence[Marks]) -> Marks | None:
    """What the recognizer says of a cell; None where it is blank."""
    whole, closer, lone = (None if i is None else marks[i] for i in (cell.whole, cell.closer, cell.lone))
    return resolve(whole, closer, lone, crowded=cell.crowded)


def _defects(proposal: Proposal, meaning: Interpretation) -> tuple[str, ...]:
    """What is wrong with the picture of the field, whatever it says."""
    found: list[str] = []
    if proposal.image.outside > LARGEST_OUTSIDE:
        found.append(Reason.CLIPPED)
    sides = [max(glyph.box_px.width, glyph.box_px.height) for glyph in proposal.glyphs]
    if meaning.text and max(sides) * proposal.image.page_px_per_px < SMALLEST_GLYPH_PX:
        found.append(Reason.LOW_RESOLUTION)
    if not meaning.text and not meaning.has_ink and residue(proposal.mask, proposal.image.box_px) > LARGEST_RESIDUE:
        found.append(Reason.FAINT)
    if crosses_edge(proposal.parts, proposal.image.box_px):
        found.append(Reason.OUTSIDE)
    return tuple(found)


def _in_words(mark: Marks) -> str:
    chances = {str(digit): chance for digit, chance in enumerate(mark.digits)}
    chances |= {"cross": mark.cross, "dash": mark.dash, "other": mark.other}
    ranked = sorted(chances.items(), key=lambda pair: -pair[1])[:3]
    return ", ".join(f"{name} {_at(chance)}" for name, chance in ranked)


def _at(chance: float) -> str:
    return rounding.chance(chance, places=4)
