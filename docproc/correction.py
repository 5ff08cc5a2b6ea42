"""What people have said of fields, put on what was read.

In:  a record, and the last word of a person on its fields and on it as a whole.
Out: the record as it stands now. It is put on twice: `corrected` before other pages are looked at, since a number may
     be double only as long as it is misread; `settled` after, since a person who has looked has the last word.
A value that a person has changed is checked against other pages once more; one that a person confirms is not.
Forms are filled in wrongly, too: a value that breaks a rule stands when a person says so, and the rule beside it.
A word on the whole page that names a form says: its values are typed, since nothing was read; see `typed`.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from docproc.decision import speaking_against
from docproc.export.rows import is_given_up, is_looked_at_whole, is_unread, to_look_at
from docproc.joint import is_satisfied
from docproc.ledger import WHOLE_PAGE, Keying, LedgerView, is_decided, keyed_in
from docproc.reading import (
    Correction,
    FieldReading,
    Reason,
    Record,
    Verdict,
    is_copy,
    is_of_a_rule,
    sent_to_review,
    tells_of_copy,
    unread_fields,
)
from docproc.rules import check_named, is_number
from docproc.template import Template

Said = Mapping[str, Correction]
"""By the field's name."""


def standing(said: Said) -> Said:
    """Those that have not been taken back."""
    return {name: one for name, one in said.items() if one.verdict is not Verdict.REVIEW}


@dataclass(frozen=True, slots=True)
class Doubts:
    """What people hold against values without having decided on them: by the page's source and index."""

    odd: Mapping[tuple[str, int], Collection[str]]  #: Fields that somebody has picked in the mosaic.
    keyed: Mapping[tuple[str, int], Mapping[str, Sequence[Keying]]]  #: What was keyed unseen, and is not decided yet.

    @staticmethod
    def of(ledger: LedgerView, said: Mapping[tuple[str, int], Said]) -> Doubts:
        """Those of a batch in which people have said that last; it may take earlier words back."""
        keyed: dict[tuple[str, int], dict[str, Sequence[Keying]]] = {}
        for (source, index, field), keyings in keyed_in(ledger).items():
            if not is_decided(keyings, said.get((source, index), {}).get(field)):
                keyed.setdefault((source, index), {})[field] = keyings
        return Doubts(ledger.doubts(), keyed)

    def put_on(self, record: Record) -> Record:
        """The record with the fields to be looked at that somebody doubts."""
        place = (record.ref.source, record.ref.index)
        odd, keyed = self.odd.get(place, ()), self.keyed.get(place, {})
        if not odd and not keyed:
            return record
        why: dict[str, str] = {}
        for one in record.fields:
            if one.name in odd:
                why[one.name] = Reason.DOUBTED
            elif any(keying.said != (one.text, Verdict.ACCEPTED) for keying in keyed.get(one.name, ())):
                why[one.name] = Reason.KEYED_OTHERWISE
        return sent_to_review(record, (), fields=why) if why else record


def typed(record: Record, said: Said, templates: Iterable[Template]) -> Record:
    """The page with the fields of the form that a person has named for it, where nothing was read on it.

    Where that form is no more among the templates, it is the page as it was read.
    """
    page = said.get(WHOLE_PAGE)
    if page is None or not page.new or not is_unread(record):
        return record
    form = next((one for one in forms_of(record, templates) if one.name == page.new), None)
    if form is None:
        return record
    return replace(
        record,
        template=form.name,
        template_digest=form.digest,
        fields=record.fields or unread_fields(form.names, Reason.UNKNOWN_FORM),
        reasons=(Reason.CORRECTED, *record.reasons),
    )


def forms_of(record: Record, templates: Iterable[Template]) -> tuple[Template, ...]:
    """Those that a page of which nothing was read may be: the one that it was tried on, or any of several.

    Of templates of one name the first: words name forms.
    """
    is_one = Reason.REGISTRATION in record.reasons
    found: dict[str, Template] = {}
    for one in templates:
        if not is_one or one.digest == record.template_digest:
            found.setdefault(one.name, one)
    return tuple(found.values())


def corrected(record: Record, said: Said, templates: Mapping[str, Template]) -> Record:
    """The record with the values that people gave, and beside these the rules that they break.

    `templates` are those that pages were read with, by their digests.
    """
    fields = tuple(_corrected(one, said[one.name]) if one.name in said else one for one in record.fields)
    sums = list(_broken_sums(record.template_digest, fields, templates))

    def with_rules(given: FieldReading) -> FieldReading:
        broken = check_named(templates, record.template_digest, given.name, given.text)
        of_sums = dict.fromkeys(f"{Reason.RULE}:{rule}" for rule, names in sums if given.name in names)
        return replace(given, reasons=(*given.reasons, *broken, *of_sums))

    told = tuple(with_rules(one) if one.name in said and one.verdict is Verdict.ACCEPTED else one for one in fields)
    return replace(record, fields=told)


def settled(record: Record, said: Said, read: Record) -> Record:
    """What `corrected` gave, after other pages were looked at: with the verdicts that people gave.

    `read` is the record as it was read, or what `typed` made of it.
    """
    confirmed = {name for name, one in said.items() if one.old == one.new or one.verdict is Verdict.REJECTED}
    fields = tuple(
        replace(one, verdict=said[one.name].verdict) if one.name in confirmed else one for one in record.fields
    )
    record = replace(record, fields=fields)
    answered = {why for one in (*read.fields, *fields) if one.name in said for why in one.reasons}
    still = {why for one in to_look_at(record) for why in one.reasons}
    kept = [why for one in fields if one.name in said for why in one.reasons if is_of_a_rule(why)]
    still = still.union(kept, read.reasons)
    of_page = [why for why in record.reasons if why not in answered or why in still]
    reasons = tuple(dict.fromkeys((*of_page, *kept)))
    record = replace(record, reasons=reasons)
    page = said.get(WHOLE_PAGE)
    if page is not None and not page.new:
        return _settled_whole(record, page, said)
    if any(to_look_at(record)) or is_looked_at_whole(record):
        return record
    lacking = any(one.verdict is Verdict.REJECTED for one in fields)
    more = (Reason.UNREADABLE,) if lacking else ()
    return replace(record, verdict=Verdict.ACCEPTED, reasons=(*more, *reasons))


def counted_too(record: Record) -> Record:
    """A copy of an earlier page when a person wants it counted, too: its fields are what they are by themselves."""
    fields = tuple(map(_by_itself, record.fields))
    record = replace(record, fields=fields, reasons=(Reason.CONFIRMED, *record.reasons))
    return replace(record, verdict=Verdict.REVIEW if any(to_look_at(record)) else Verdict.ACCEPTED)


def _by_itself(reading: FieldReading) -> FieldReading:
    reasons = tuple(why for why in reading.reasons if not tells_of_copy(why))
    is_copy_only = reading.verdict is Verdict.REVIEW and not speaking_against(reasons)
    return replace(reading, verdict=Verdict.ACCEPTED if is_copy_only else reading.verdict, reasons=reasons)


def words_on(record: Record, said: Said) -> Said:
    """By the names of the record's fields, as it stands now, the words that their values are owed to.

    The word on the page as a whole is that on each field that has no value for it.
    """
    page = said.get(WHOLE_PAGE)
    words = {one.name: said[one.name] for one in record.fields if one.name in said}
    if page is None:
        return words
    left_out = Reason.LEFT_OUT in record.reasons  # whatever was said of its fields before
    unread = {
        one.name: page
        for one in record.fields
        if one.verdict is Verdict.REJECTED and is_given_up(one) and (left_out or one.name not in words)
    }
    return {WHOLE_PAGE: page, **words, **unread}


def _corrected(read: FieldReading, said: Correction) -> FieldReading:
    if said.verdict is Verdict.REJECTED:
        reason, chance = Reason.UNREADABLE, 0.0
    else:
        is_as_read = said.old == said.new and read.was_read
        reason, chance = Reason.CONFIRMED if is_as_read else Reason.CORRECTED, 1.0
    return replace(read, text=said.new, confidence=chance, verdict=said.verdict, reasons=(reason,), alternatives=())


def _broken_sums(
    digest: str, fields: Sequence[FieldReading], templates: Mapping[str, Template]
) -> Iterator[tuple[str, frozenset[str]]]:
    """Rules between fields that are broken, and their fields; a field that is still in doubt says nothing."""
    rules = templates[digest].comparisons if digest in templates else ()
    values = {one.name: one.text for one in fields if one.verdict is Verdict.ACCEPTED and _counts(one.text)}
    for relation, comparison in rules:
        names = frozenset(name for name, _ in comparison.weights)
        if names <= values.keys() and is_satisfied(comparison, values) is False:
            yield relation.name, names


def _counts(text: str) -> bool:
    return not text or is_number(text)


def _settled_whole(record: Record, page: Correction, said: Said) -> Record:
    """A person has seen the page as a whole. What could not be read on it then is not going to be."""
    reason = Reason.UNREADABLE if page.verdict is Verdict.REJECTED else Reason.CONFIRMED
    reasons = (reason, *record.reasons)
    if is_unread(record):
        fields = tuple(
            one if one.name in said else replace(one, verdict=Verdict.REJECTED, reasons=(reason, *one.reasons))
            for one in record.fields
        )
        is_usable = page.verdict is Verdict.ACCEPTED and any(one.verdict is Verdict.ACCEPTED for one in fields)
        verdict = Verdict.ACCEPTED if is_usable else Verdict.REJECTED
        return replace(record, fields=fields, verdict=verdict, reasons=reasons)
    if is_copy(record):
        return counted_too(record) if page.verdict is Verdict.ACCEPTED else _left_out(record)
    if page.verdict is Verdict.REJECTED:
        return replace(record, verdict=Verdict.REJECTED, reasons=reasons)
    verdict = Verdict.REVIEW if any(to_look_at(record)) else Verdict.ACCEPTED
    return replace(record, verdict=verdict, reasons=reasons)


def _left_out(record: Record) -> Record:
    """A copy of an earlier page that does not count: none of its values does, whatever was said of one before."""
    why = tuple(filter(tells_of_copy, record.reasons))
    fields = tuple(
        replace(
            one, text="", confidence=0.0, verdict=Verdict.REJECTED, reasons=(Reason.LEFT_OUT, *why), alternatives=()
        )
        for one in record.fields
    )
    return replace(record, fields=fields, verdict=Verdict.REJECTED, reasons=(Reason.LEFT_OUT, *record.reasons))
