"""Whole numbers painted on sheets: what is written is what they are said to be."""

from __future__ import annotations

import numpy as np
from test_painting import a_source

from docproc.field.line import HEIGHT_PX, line_of
from docproc.training.painting.lines import paint_lines
from docproc.training.painting.numbers import Writers
from docproc.training.strings.augmentation import vary
from docproc.training.strings.batches import MOST_DIGITS, WIDTH_STEP_PX, batches
from docproc.training.strings.lines import Lines, LineSheets


def sheets(*, seed: int = 1, count: int = 6):
    writers = Writers([a_source()], drawn_share=0.5)
    return [one for number in range(count) for one in paint_lines(writers, np.random.default_rng((seed, number)))]


def test_numbers_are_digits_and_most_fields_have_one() -> None:
    written = sheets()
    assert len(written) > 60
    assert all(set(one.text) <= set("0123456789") for one in written)
    assert np.mean([bool(one.text) for one in written]) > 0.85
    kinds = {one.proposal.image.field.kind for one in written}
    assert {"comb", "free"} <= kinds


def test_a_longer_number_makes_a_wider_line() -> None:
    widths: dict[int, list[float]] = {}
    for one in sheets(count=12):
        line = line_of(one.proposal.image.dark, one.proposal.parts, one.proposal.image.box_px)
        if line is not None and one.proposal.lattice is not None:
            widths.setdefault(min(len(one.text), 7), []).append(line.shape[1])
    medians = [float(np.median(widths[length])) for length in (1, 3, 5, 7)]
    assert medians == sorted(medians)


def test_a_sheet_is_the_same_each_time() -> None:
    once, again = (LineSheets(Writers([a_source()]), 5, 0)(3) for _ in range(2))
    assert once[1] == again[1]
    assert all(np.array_equal(a, b) for a, b in zip(once[0], again[0], strict=True))


def test_lines_come_back_from_their_file_as_they_were(tmp_path) -> None:
    images, texts = LineSheets(Writers([a_source()]), 5, 0)(1)
    Lines(images, texts).save(tmp_path / "lines.npz")
    found = Lines.load(tmp_path / "lines.npz")
    assert list(found.texts) == texts
    assert all(np.array_equal(a, b) for a, b in zip(found.images, images, strict=True))


def test_each_line_is_in_one_batch_with_its_own_label() -> None:
    lengths = [3, 1, 7, 2, 5, 4, 8]
    images = [np.full((HEIGHT_PX, 20 + 17 * length, 2), length, np.uint8) for length in lengths]
    texts = [str(length) * length for length in lengths]
    seen = []
    for stack, labels in batches(images, texts, size=3):
        assert stack.shape[2] % WIDTH_STEP_PX == 0
        assert labels.shape == (len(stack), MOST_DIGITS)
        for image, label in zip(stack, labels, strict=True):
            length = int(image[0, 0, 0])
            assert label[:length].tolist() == [length + 1] * length
            assert not label[length:].any()
            assert int((image[0, :, 0] > 0).sum()) == 20 + 17 * length
            seen.append(length)
    assert sorted(seen) == sorted(lengths)


def test_a_varied_line_keeps_its_height_and_its_ink() -> None:
    images, _ = LineSheets(Writers([a_source()]), 7, 0)(2)
    rng = np.random.default_rng(0)
    for image in images[:60]:
        varied = vary(image, rng)
        assert varied.shape[0] == HEIGHT_PX
        assert varied.shape[2] == 2
        assert varied[:, :, 0].any() or varied[:, :, 1].any()
