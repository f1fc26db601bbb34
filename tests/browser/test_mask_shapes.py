"""What can be done to a mask on a slice: the browser's own functions, in tables."""

from __future__ import annotations

import base64
from collections.abc import Iterator

import numpy as np
import pytest
from playwright.sync_api import Browser, Page
from running_site import Site

from dashboard.mask_encoding import decode_mask, encode_mask

READ = """
  const rows = (text) => text.trim().split(/\\s+/);
  const read = (text) => Uint8Array.from(rows(text).join(""), (letter) => Number(letter === "#"));
  const size = (text) => ({ width: rows(text)[0].length, height: rows(text).length });
  const line = (pixels) => Array.from(pixels, (pixel) => (pixel ? "#" : ".")).join("");
  const show = (mask, width) => Array.from({ length: mask.length / width }, (_, y) =>
    line(mask.subarray(y * width, (y + 1) * width))).join(" ");
"""

#: Squares in the middle of 9 x 9 pixels, by their size.
CENTRE = {
    edge: " ".join(
        "".join("#" if max(abs(x - 4), abs(y - 4)) <= edge // 2 else "." for x in range(9))
        for y in range(9)
    )
    for edge in (3, 5, 7)
}


@pytest.fixture(scope="module")
def scripts(browser: Browser, site: Site) -> Iterator[Page]:
    """A page that holds the app's scripts; nothing of it is looked at."""
    page = browser.new_page()
    page.goto(f"{site.url}/about")
    page.wait_for_function("() => window.overread?.maskShapes && window.overread?.maskBits")
    yield page
    page.close()


def run(page: Page, body: str, **values: object) -> object:
    return page.evaluate(f"async (given) => {{ {READ} {body} }}", values)


def rows(picture: str) -> str:
    return " ".join(picture.split())


@pytest.mark.parametrize(
    ("before", "grown", "shrunk"),
    [
        (
            """.....
               .....
               ..#..
               .....""",
            """.....
               ..#..
               .###.
               ..#..""",
            "..... ..... ..... .....",
        ),
        (
            """##...
               ##...
               .....
               ....#""",
            """###..
               ###..
               ##..#
               ...##""",
            "..... ..... ..... .....",
        ),
        (
            """.....
               .###.
               .###.
               .###.
               .....""",
            """.###.
               #####
               #####
               #####
               .###.""",
            "..... ..... ..#.. ..... .....",
        ),
        ("##### ##### #####", "##### ##### #####", "..... .###. ....."),
        ("... ...", "... ...", "... ..."),
    ],
)
def test_grow_and_shrink(scripts: Page, before: str, grown: str, shrunk: str) -> None:
    found = run(
        scripts,
        """const { width } = size(given.before);
           return ["grow", "shrink"].map((name) =>
             show(overread.maskShapes[name](read(given.before), { width }), width));""",
        before=before,
    )
    assert found == [rows(grown), rows(shrunk)]


@pytest.mark.parametrize(
    ("one", "other", "share", "between"),
    [
        # half-way between a block of 3 and one of 7: one of 5
        (CENTRE[3], CENTRE[7], 0.5, CENTRE[5]),
        (CENTRE[7], CENTRE[3], 0.5, CENTRE[5]),
        # a quarter of the way, the ring around the block of 3 lies at -0.5 x 3/4 + 1.5 / 4 = 0
        (CENTRE[3], CENTRE[7], 0.25, CENTRE[3]),
        ("....... .#####. .......", "....... .#####. .......", 0.5, "....... .#####. ......."),
        # at the ends, the ends themselves
        ("....... ...#... .......", "....... .#####. .......", 0, "....... ...#... ......."),
        ("....... ...#... .......", "....... .#####. .......", 1, "....... .#####. ......."),
        # a block that moves by two columns lies one further half-way; its corners lie right on 0
        (
            "####... ####... ####... ####...",
            "..####. ..####. ..####. ..####.",
            0.5,
            "..##... .####.. .####.. ..##...",
        ),
        # what lies apart has nothing between it, nor has a mask and none
        ("#...... .......", "....... ......#", 0.5, "....... ......."),
        ("####... ####...", "....... .......", 0.5, "....... ......."),
        ("....... .......", "....... .......", 0.5, "....... ......."),
    ],
)
def test_interpolation(scripts: Page, one: str, other: str, share: float, between: str) -> None:
    found = run(
        scripts,
        """const image = size(given.one);
           const [one, other] = [read(given.one), read(given.other)];
           const [made] = overread.maskShapes.between(one, other, image, [given.share]);
           return show(made, image.width);""",
        one=one,
        other=other,
        share=share,
    )
    assert found == between


def test_distances_are_those_between_all_pixels(scripts: Page) -> None:
    mask = np.random.default_rng(3).random((9, 13)) > 0.8
    found = run(
        scripts,
        """return Array.from(overread.maskShapes.distances(
             Uint8Array.from(given.mask), { width: 13, height: 9, unit: [1, 2.5] }, 1));""",
        mask=mask.ravel().astype(int).tolist(),
    )
    y, x = np.indices(mask.shape)
    ys, xs = np.nonzero(mask)
    apart = np.hypot(x[..., None] - xs, 2.5 * (y[..., None] - ys)).min(axis=-1)
    assert found == pytest.approx(apart.ravel().tolist())


@pytest.mark.parametrize(
    ("start", "end", "radius", "unit", "painted"),
    [
        ((2.5, 1.5), (2.5, 1.5), 0.5, (1, 1), "..... ..#.. ....."),
        ((2.9, 1.1), (2.9, 1.1), 0.5, (1, 1), "..... ..#.. ....."),  # wherever in the pixel
        ((2.5, 1.5), (2.5, 1.5), 1, (1, 1), "..#.. .###. ..#.."),
        ((1.5, 1.5), (3.5, 1.5), 1, (1, 1), ".###. ##### .###."),
        ((0.5, 0.5), (4.5, 2.5), 0.3, (1, 1), "##... .###. ...##"),  # no gap, however fast
        ((2.5, 1.5), (2.5, 1.5), 2, (1, 2), "..#.. ##### ..#.."),  # round on the screen
        ((-9, -9), (-5, -9), 2, (1, 1), "..... ..... ....."),
        ((-1, 1.5), (0.5, 1.5), 1, (1, 1), "#.... ##... #...."),
    ],
)
def test_stroke(
    scripts: Page,
    start: tuple[float, float],
    end: tuple[float, float],
    radius: float,
    unit: tuple[float, float],
    painted: str,
) -> None:
    found = run(
        scripts,
        """const mask = new Uint8Array(15);
           const point = ([x, y]) => ({ x, y });
           const image = { width: 5, height: 3, unit: given.unit };
           const [start, end] = [given.start, given.end].map(point);
           overread.maskShapes.stroke(mask, image, start, end, given.radius, 1);
           return show(mask, 5);""",
        start=start,
        end=end,
        radius=radius,
        unit=unit,
    )
    assert found == painted


@pytest.mark.parametrize(
    ("points", "filled"),
    [
        ([(1, 1), (4, 1), (4, 3), (1, 3)], "..... .###. .###. ....."),
        ([(1, 1), (1, 3), (4, 3), (4, 1)], "..... .###. .###. ....."),  # the other way round
        ([(0, 0), (4, 0), (0, 4)], "###.. ##... #.... ....."),  # centres right on the line stay out
        ([(-3, -3), (9, -3), (9, 9), (-3, 9)], "##### ##### ##### #####"),
        ([(1.6, 1.6), (2.4, 1.6), (2.4, 2.4), (1.6, 2.4)], "..... ..... ..... ....."),
        ([(1, 0), (3, 4), (3, 0), (1, 4)], "..... .##.. .##.. ....."),  # crosses itself
    ],
)
def test_polygon(scripts: Page, points: list[tuple[float, float]], filled: str) -> None:
    found = run(
        scripts,
        """const mask = new Uint8Array(20);
           const points = given.points.map(([x, y]) => ({ x, y }));
           overread.maskShapes.polygon(mask, { width: 5, height: 4 }, points, 1);
           return show(mask, 5);""",
        points=points,
    )
    assert found == filled


def test_a_hole_a_piece_and_the_outside(scripts: Page) -> None:
    picture = """.......
                 .###..#
                 .#.#..#
                 .###...
                 .......
                 ..#...."""
    found = run(
        scripts,
        """const [mask, image] = [read(given.picture), size(given.picture)];
           return given.points.map(([x, y]) => {
             const found = overread.maskShapes.region(mask, image, { x, y });
             const { pixels, value, open } = found;
             return [pixels.reduce((a, b) => a + b), value, open];
           });""",
        picture=picture,
        points=[(2.5, 2.5), (1.2, 1.9), (6.5, 1.5), (0.5, 0.5), (2.5, 5.5)],
    )
    # corners do not join: the hole is one pixel, its ring eight
    assert found == [[1, 0, False], [8, 1, False], [2, 1, True], [30, 0, True], [1, 1, True]]


def test_bits_differences_and_counts(scripts: Page) -> None:
    found = run(
        scripts,
        """const { pack, unpack, count, both, difference, flip, equal } = overread.maskBits;
           const results = [];
           let seed = 7;
           const random = () => (seed = (seed * 16807) % 2147483647) / 2147483647;
           for (const length of [1, 7, 8, 9, 64, 1000, 5003]) {
             for (const share of [0, 0.01, 0.5, 1]) {
               const make = () => Uint8Array.from({ length }, () => Number(random() < share));
               const [a, b] = [make(), make()];
               const [p, q] = [pack(a), pack(b)];
               const change = difference(p, q);
               results.push(equal(unpack(p, length), a), equal(flip(p, change), q));
               results.push(equal(flip(q, change), p), difference(p, p).length === 0);
               results.push(count(p) === a.filter((v) => v).length);
               results.push(both(p, q) === a.filter((v, i) => v && b[i]).length);
             }
           }
           return results;""",
    )
    assert isinstance(found, list)
    assert len(found) == 7 * 4 * 6
    assert all(found)


def test_a_brush_stroke_of_a_large_slice_is_kept_in_a_few_bytes(scripts: Page) -> None:
    kept = run(
        scripts,
        """const image = { width: 512, height: 512 };
           const before = new Uint8Array(512 * 512);
           overread.maskShapes.stroke(before, image, { x: 250, y: 250 }, { x: 260, y: 250 }, 80, 1);
           const after = before.slice();
           overread.maskShapes.stroke(after, image, { x: 330, y: 250 }, { x: 350, y: 280 }, 10, 1);
           const { pack, difference } = overread.maskBits;
           return difference(pack(before), pack(after)).length;""",
    )
    assert isinstance(kept, int)
    assert 0 < kept < 1000  # of 32,768 bytes


def test_masks_travel_between_browser_and_server(scripts: Page) -> None:
    shape = (5, 9, 11)
    rng = np.random.default_rng(1)
    masks = {k: rng.random(shape[1:]) > 0.5 for k in (0, 3, 4)}
    sent = base64.b64encode(encode_mask(masks, shape)).decode()
    back = run(
        scripts,
        """const study = { n: 5, height: 9, width: 11 };
           const { decode, encode, unpack, pack } = overread.maskBits;
           const slices = await decode(given.sent, study);
           const again = [...slices].reverse().map(([k, bits]) => [k, pack(unpack(bits, 99))]);
           return encode(new Map(again), study);""",
        sent=sent,
    )
    assert isinstance(back, str)
    found = decode_mask(base64.b64decode(back), shape)
    assert list(found) == [0, 3, 4]
    assert all(np.array_equal(found[k], masks[k]) for k in masks)


def test_a_mask_of_another_study_is_refused(scripts: Page) -> None:
    sent = base64.b64encode(encode_mask({}, (5, 9, 11))).decode()
    told = run(
        scripts,
        """const study = { n: 5, height: 11, width: 9 };
           return overread.maskBits.decode(given.sent, study).catch((error) => error.message);""",
        sent=sent,
    )
    assert told == "The mask does not belong to this study."


def test_gaps_between_corrected_slices(scripts: Page) -> None:
    found = run(
        scripts,
        """const cases = [[[2, 6, 7, 11], 4], [[2, 6, 7, 11], 6], [[2, 6, 11], 6]];
           return [...cases, [[2, 6], 1], [[2, 3], 2], [[], 0]]
             .map(([slices, k]) => overread.editActions.gaps(slices, k));""",
    )
    assert found == [[[2, 6]], [[2, 6]], [[2, 6], [6, 11]], [], [], []]
