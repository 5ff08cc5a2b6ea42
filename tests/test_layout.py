"""The fields of pages without a template: drawn tables, combs, turned and bent pages."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
from ruled_pages import boxes_px, draw_comb, draw_table, page_of, paper, write

from docproc.form.boxes import find_boxes
from docproc.form.handwriting import written_boxes
from docproc.form.layout import find_fields
from docproc.form.upright import measure_skew
from docproc.geometry import Box


def mark_sheet() -> tuple[np.ndarray, list[list[Box]]]:
    image = paper(700, 420)
    cells = draw_table(image, left=40, top=60, columns=[150, 80, 80, 80, 80], rows=[40] * 7)
    for row in range(7):
        for column in range(1, 5):
            if (row, column) != (2, 3):
                box = cells[row][column]
                write(image, str(10 + 13 * row + column), int(box.left) + 22, int(box.bottom) - 10)
    return image, cells


def turned(image: np.ndarray, degrees: float) -> tuple[np.ndarray, np.ndarray]:
    height, width = image.shape[:2]
    matrix = cv2.getRotationMatrix2D((width / 2, height / 2), -degrees, 0.8)
    return cv2.warpAffine(image, matrix, (width, height), borderValue=245), matrix


def moved(box: Box, matrix: np.ndarray) -> Box:
    return Box.around(box.corners() @ matrix[:, :2].T + matrix[:, 2])


def test_written_cells_of_a_table_are_named_by_their_row_and_column() -> None:
    image, cells = mark_sheet()
    found = boxes_px(find_fields(page_of(image)))
    expected = {f"r{row + 1:02d}c{column + 1:02d}" for row in range(7) for column in range(1, 5)} - {"r03c04"}
    assert set(found) == expected
    for name, box in found.items():
        assert box.iou(cells[int(name[1:3]) - 1][int(name[4:]) - 1]) > 0.9


def test_fields_come_in_reading_order() -> None:
    image, _ = mark_sheet()
    names = [place.field.name for place in find_fields(page_of(image)).located]
    assert names == sorted(names)


def test_cells_of_a_table_are_free_with_an_open_length() -> None:
    image, _ = mark_sheet()
    for place in find_fields(page_of(image)).located:
        assert place.field.kind == "free"
        assert place.field.lengths[0] == 1
        assert place.field.lengths[1] > 3


@pytest.mark.parametrize("degrees", [-14.0, -5.5, 1.3, 8.0, 15.0])
def test_a_turned_page_gives_the_same_names_and_cells(degrees: float) -> None:
    image, cells = mark_sheet()
    image, matrix = turned(cv2.resize(image, None, fx=2, fy=2, interpolation=cv2.INTER_CUBIC), degrees)
    found = boxes_px(find_fields(page_of(image)))
    assert len(found) == 27
    assert "r03c04" not in found
    for name, box in found.items():
        assert box.iou(moved(cells[int(name[1:3]) - 1][int(name[4:]) - 1].scaled(2), matrix)) > 0.85


def test_the_corners_of_a_field_in_perspective_land_on_its_printed_corners() -> None:
    image, cells = mark_sheet()
    image = cv2.resize(image, None, fx=2, fy=2, interpolation=cv2.INTER_CUBIC)
    source = np.array([(0, 0), (1400, 0), (1400, 840), (0, 840)], np.float32)
    target = np.array([(60, 20), (1380, 70), (1330, 800), (20, 830)], np.float32)
    matrix = cv2.getPerspectiveTransform(source, target)
    image = cv2.warpPerspective(image, matrix, (1400, 840), borderValue=245)
    layout = find_fields(page_of(image))
    assert len(layout.located) == 27
    for place in layout.located:
        box = cells[int(place.field.name[1:3]) - 1][int(place.field.name[4:]) - 1].scaled(2)
        printed = cv2.perspectiveTransform(box.corners().reshape(-1, 1, 2), matrix).reshape(-1, 2)
        assert np.abs(place.page_from_form @ place.field.box.corners() - printed).max() < 4


def test_a_table_on_bent_paper_keeps_its_rows() -> None:
    image, cells = mark_sheet()
    image = cv2.resize(image, None, fx=2, fy=2, interpolation=cv2.INTER_CUBIC)
    y, x = np.mgrid[0:840, 0:1400].astype(np.float32)
    bend = 25 * np.sin(x / 1400 * np.pi)
    bent = cv2.remap(image, x, y - bend, cv2.INTER_LINEAR, borderValue=245)
    found = boxes_px(find_fields(page_of(bent)))
    assert len(found) == 27
    for name, box in found.items():
        flat = cells[int(name[1:3]) - 1][int(name[4:]) - 1].scaled(2)
        dy = float(25 * np.sin(flat.center[0] / 1400 * np.pi))
        assert box.iou(flat.moved(0, dy)) > 0.8


def test_faint_rules_under_jpeg_are_found() -> None:
    image = paper(860, 460)
    draw_table(image, left=40, top=20, columns=[60] * 12, rows=[28] * 14, ink=190)
    for row in range(14):
        for column in range(12):
            write(image, str(20 + row + column), 52 + 60 * column, 41 + 28 * row, height=15)
    image = cv2.imdecode(cv2.imencode(".jpg", image, [cv2.IMWRITE_JPEG_QUALITY, 60])[1], cv2.IMREAD_GRAYSCALE)
    assert len(find_fields(page_of(image)).located) == 14 * 12


def test_writing_across_rules_leaves_the_cells_whole() -> None:
    image = paper(800, 500)
    cells = draw_table(image, left=60, top=60, columns=[160] * 4, rows=[70] * 5, rule=2)
    for row in range(5):
        for box in cells[row]:
            write(image, "57", int(box.left) + 50, int(box.bottom) + 4, height=36)
    found = boxes_px(find_fields(page_of(image)))
    assert set(found) >= {f"r{row:02d}c{column:02d}" for row in range(1, 6) for column in range(1, 5)}
    assert all(found[f"r{r + 1:02d}c{c + 1:02d}"].iou(cells[r][c]) > 0.85 for r in range(5) for c in range(4))


def test_a_one_as_tall_as_its_cell_does_not_divide_it() -> None:
    image = paper(800, 400)
    cells = draw_table(image, left=60, top=60, columns=[160] * 4, rows=[60] * 4, rule=2)
    box = cells[1][2]
    stroke = ((int(box.left) + 95, int(box.top) + 3), (int(box.left) + 88, int(box.bottom) - 2))
    cv2.line(image, *stroke, 40, 4, cv2.LINE_AA)
    found = boxes_px(find_fields(page_of(image)))
    assert set(found) == {"r02c03"}
    assert found["r02c03"].iou(box) > 0.9


def test_a_column_of_numbers_open_to_the_edge_is_closed_by_it() -> None:
    image = paper(400, 700)
    for y in range(60, 661, 100):
        cv2.line(image, (0, y), (330, y), 120, 2)
    cv2.line(image, (330, 60), (330, 660), 120, 2)
    for row, text in enumerate(("361", "008", "27")):
        write(image, text, 150, 145 + 100 * row, height=50)
    found = boxes_px(find_fields(page_of(image)))
    assert set(found) == {"r01c01", "r02c01", "r03c01"}
    for row in range(3):
        assert found[f"r{row + 1:02d}c01"].iou(Box(0, 60 + 100 * row, 330, 100)) > 0.9


def test_a_short_dash_and_a_small_one_count_as_written() -> None:
    image = paper(700, 300)
    draw_table(image, left=40, top=60, columns=[100] * 5, rows=[60] * 2)
    cv2.line(image, (180, 92), (200, 92), 60, 3)
    cv2.line(image, (290, 80), (289, 100), 60, 3)
    found = find_fields(page_of(image))
    assert [place.field.name for place in found.located] == ["r01c02", "r01c03"]


def test_faint_pencil_beside_black_print_counts_as_written() -> None:
    image = paper(700, 300)
    draw_table(image, left=40, top=60, columns=[100] * 5, rows=[60] * 2, ink=20, rule=2)
    write(image, "47", 270, 106, height=28, ink=165)
    assert [place.field.name for place in find_fields(page_of(image)).located] == ["r01c03"]


def test_a_blank_form_has_boxes_but_no_fields() -> None:
    image = paper(900, 700)
    draw_table(image, left=60, top=80, columns=[120] * 5, rows=[50] * 6, ink=60)
    draw_comb(image, left=80, top=500, cells=9)
    noisy = np.clip(image + np.random.default_rng(1).normal(0, 4, image.shape), 0, 255).astype(np.uint8)
    page = page_of(noisy)
    assert len(find_boxes(page).boxes) == 39
    assert find_fields(page).located == ()


def test_dots_and_a_watermark_are_not_writing() -> None:
    image = paper(900, 400)
    cv2.circle(image, (400, 200), 150, 225, 30)
    draw_table(image, left=60, top=80, columns=[150] * 5, rows=[60] * 4, ink=30, rule=2)
    for x in range(80, 200, 7):
        cv2.circle(image, (x, 125), 1, 60, -1)
    write(image, "80", 680, 125, height=28)
    assert [place.field.name for place in find_fields(page_of(image)).located] == ["r01c05"]


def test_a_printed_line_of_text_is_left_out() -> None:
    image = paper(900, 300)
    draw_table(image, left=40, top=60, columns=[420, 150, 150], rows=[60] * 2, rule=2)
    cv2.putText(image, "TOTAL FIRST TERM", (60, 100), cv2.FONT_HERSHEY_DUPLEX, 0.8, 30, 1, cv2.LINE_AA)
    write(image, "391", 500, 106, height=32)
    assert [place.field.name for place in find_fields(page_of(image)).located] == ["r01c02"]


def test_a_black_bar_is_no_field_and_closes_the_box_beside_it() -> None:
    image = paper(800, 300)
    cv2.line(image, (40, 60), (760, 60), 30, 2)
    cv2.line(image, (40, 130), (760, 130), 30, 2)
    for x in (40, 760):
        cv2.line(image, (x, 60), (x, 130), 30, 2)
    cv2.rectangle(image, (200, 60), (500, 130), 10, -1)
    write(image, "52", 600, 112, height=36)
    found = boxes_px(find_fields(page_of(image)))
    assert len(found) == 1
    assert next(iter(found.values())).iou(Box(500, 60, 260, 70)) > 0.9


def test_a_merged_cell_counts_where_it_begins() -> None:
    image = paper(800, 400)
    for y in (60, 120, 180, 240):
        cv2.line(image, (60, y), (660, y), 60, 2)
    for x in (60, 660):
        cv2.line(image, (x, 60), (x, 240), 60, 2)
    for x in (180, 300, 420, 540):
        cv2.line(image, (x, 60), (x, 180), 60, 2)
    cv2.line(image, (540, 180), (540, 240), 60, 2)
    write(image, "12", 200, 105, height=30)
    write(image, "99", 570, 225, height=30)
    names = [place.field.name for place in find_fields(page_of(image)).located]
    assert names == ["r01c02", "r03c05"]


def test_columns_of_tables_side_by_side_are_counted_on() -> None:
    image = paper(900, 300)
    draw_table(image, left=40, top=60, columns=[100] * 3, rows=[60] * 2, rule=2)
    draw_table(image, left=480, top=60, columns=[100] * 3, rows=[60] * 2, rule=2)
    write(image, "15", 510, 105, height=30)
    assert [place.field.name for place in find_fields(page_of(image)).located] == ["r01c04"]


def test_millimeters_follow_the_resolution_of_the_file() -> None:
    image, _ = mark_sheet()
    layout = find_fields(page_of(image, dpi=127.0))
    assert layout.size_mm == pytest.approx((140, 84), abs=0.3)
    assert layout.located[0].field.box.width == pytest.approx(16, abs=0.4)


def test_a_color_page_is_read_like_a_gray_one() -> None:
    image, _ = mark_sheet()
    color = cv2.cvtColor(image, cv2.COLOR_GRAY2RGB)
    assert boxes_px(find_fields(page_of(color))).keys() == boxes_px(find_fields(page_of(image))).keys()


@pytest.mark.parametrize("shape", [(1, 1), (3, 500), (40, 40), (400, 300)])
def test_an_empty_page_of_any_size_has_no_fields(shape: tuple[int, int]) -> None:
    assert find_fields(page_of(np.full(shape, 230, np.uint8))).located == ()


def test_the_skew_is_measured_to_a_tenth_of_a_degree() -> None:
    image, _ = mark_sheet()
    image, _ = turned(cv2.resize(image, None, fx=2, fy=2), 6.4)
    assert measure_skew(image) == pytest.approx((6.4, 6.4), abs=0.1)


def test_every_box_of_a_page_has_a_word_on_its_writing() -> None:
    image, _ = mark_sheet()
    found = find_boxes(page_of(image))
    written = written_boxes(found)
    assert len(written) == len(found.boxes) == 35
    assert sum(written) == 27
