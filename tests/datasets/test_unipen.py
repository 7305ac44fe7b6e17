"""Pen strokes: read, parted by writers, varied and drawn."""

from collections.abc import Callable
from itertools import pairwise
from pathlib import Path

import cv2
import numpy as np
import pytest
import strokedata

from digitrec.datasets import unipen
from digitrec.datasets.unipen import Writing
from digitrec.errors import DatasetError

SEVEN = Writing("7", "digit", "abc:anna", (np.array([[0, 0], [60, 0], [30, 60], [20, 110]], np.float32),))
ONE = Writing("1", "digit", "abc:anna", (np.array([[50, 0], [50, 60], [51, 120]], np.float32),))
DOT = Writing(".", "symbol", "abc:a", (np.array([[5, 5]], np.float32),))


def test_reads_all_files_in_their_order(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    strokedata.write(tmp_path, monkeypatch, times=1)
    writings = unipen.load(tmp_path)
    assert [w.label for w in writings[:3]] == ["0", "1", "7"]
    assert [w.kind for w in writings] == ["digit"] * 9 + ["upper"] * 6 + ["lower"] * 6 + ["symbol"] * 6
    assert (writings[0].writer, writings[9].writer) == ("abc:anna", "abc:abc.dat")
    np.testing.assert_array_equal(writings[2].strokes[0], SEVEN.strokes[0])
    assert [w.label for w in unipen.load(tmp_path, ("upper",))] == ["E", "O"] * 3


def test_a_missing_file_is_reported_with_where_to_get_it(tmp_path: Path) -> None:
    with pytest.raises(DatasetError, match=r"unipen_1a_digits\.jsonl\.gz are not available\. Get them from UNIPEN"):
        unipen.load(tmp_path)


def test_another_version_of_a_file_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    strokedata.write(tmp_path, monkeypatch)
    (tmp_path / unipen.FILES["lower"][0]).write_bytes(b"something else")
    with pytest.raises(DatasetError, match=r"unipen_1c_lower\.jsonl\.gz are damaged or another version"):
        unipen.load(tmp_path)


def test_sites_are_parted() -> None:
    assert {site: unipen.part(f"{site}:anyone") for site in strokedata.SITES} == strokedata.SITES
    assert not unipen.VALIDATION & unipen.TEST
    assert unipen.held_out("art:1")
    assert not unipen.held_out("tos:1")


def test_another_hand_writes_the_same_character() -> None:
    rng = np.random.default_rng(1)
    hands = [unipen.varied(SEVEN, rng) for _ in range(200)]
    assert {(hand.label, hand.kind, hand.writer) for hand in hands} == {("7", "digit", "abc:anna")}
    more = [len(hand.strokes) for hand in hands].count(2)
    assert 30 <= more <= 85  # a fifth of the sevens gets a bar, and of the others one in twelve a gap
    points = np.concatenate([np.concatenate(hand.strokes) for hand in hands])
    assert np.abs(points).max() < 1.2  # about 0, the longer side about 1
    first = np.array([hand.strokes[0][0] for hand in hands])
    assert first.std(axis=0).min() > 0.02


def test_ones_get_noses_and_feet_but_letters_do_not() -> None:
    rng = np.random.default_rng(2)
    parts = [len(unipen.varied(ONE, rng).strokes) for _ in range(300)]
    assert {1, 2, 3} <= set(parts) <= {1, 2, 3, 4}  # a stroke may have a gap as well
    letter = Writing("l", "lower", "abc:a", ONE.strokes)
    assert {len(unipen.varied(letter, rng).strokes) for _ in range(50)} == {1}


def test_some_noughts_get_a_slash_through_their_middle() -> None:
    turn = np.linspace(0, 2 * np.pi, 40)
    ring = (np.column_stack([0.3 * np.sin(turn), 0.5 * np.cos(turn)]).astype(np.float32),)
    rng = np.random.default_rng(8)
    drawn = [unipen._national("0", ring, rng) for _ in range(400)]
    slashes = [hand[1] for hand in drawn if len(hand) == 2]
    assert 35 <= len(slashes) <= 85
    assert np.abs(np.mean(slashes, axis=1)).max() < 0.2
    assert min(np.ptp(slash, axis=0).max() for slash in slashes) > 0.2
    assert all(len(unipen._national("6", ring, rng)) == 1 for _ in range(50))


def test_gaps_are_short_pieces_and_the_ends_stay() -> None:
    rng = np.random.default_rng(6)
    unit = unipen.unit(SEVEN.strokes)
    whole = unipen.lengths(unit[0])[-1]
    hands = [unipen._broken(unit, rng) for _ in range(50)]
    assert {len(pieces) for pieces in hands} == {2, 3, 4}
    for pieces in hands:
        order = sorted(pieces, key=lambda piece: piece[0][1] + piece[-1][1])
        gaps = [np.hypot(*(after[0] - before[-1])) for before, after in pairwise(order)]
        assert 0 < max(gaps) <= 0.14 + 1e-6
        lost = whole - sum(unipen.lengths(piece)[-1] for piece in pieces)
        assert 0.04 - 1e-6 <= lost / (len(pieces) - 1) <= 0.14 + 1e-6
        np.testing.assert_allclose([order[0][0], order[-1][-1]], [unit[0][0], unit[0][-1]], atol=1e-6)
    assert unipen._broken(DOT.strokes, rng) == DOT.strokes


def test_a_pen_that_presses_is_wider_in_places() -> None:
    def widths(draw: Callable[[np.random.Generator], np.ndarray]) -> list[float]:
        spread = []
        for seed in range(20):
            cover = draw(np.random.default_rng(seed)).astype(float) / 255
            across = cover.sum(axis=1)[cover.max(axis=1) > 0.5]
            spread.append(float(across[3:-3].std() / across[3:-3].mean()))
        return spread

    stem = (np.array([[0, 0], [0, 1]], np.float32),)
    even = widths(lambda rng: unipen.cover(stem, 100, 70, 8, True, rng))
    pressed = widths(lambda rng: unipen._pressed(stem, 100, 70, 8, rng))
    assert max(even) < 0.03
    assert np.median(pressed[::2]) > 0.03
    assert max(pressed) > 0.2


def test_digits_of_straight_strokes_light_what_a_display_lights() -> None:
    rng = np.random.default_rng(7)
    made = [unipen.angular(rng) for _ in range(300)]
    counts = {writing.label: len(writing.strokes) for writing in made}
    lit = {"0": 6, "1": 2, "2": 5, "3": 5, "4": 4, "5": 5, "6": 6, "7": 3, "8": 7, "9": 6}
    assert counts == lit
    assert all(stroke.shape == (2, 2) for writing in made for stroke in writing.strokes)


@pytest.mark.parametrize("writing", [SEVEN, ONE, DOT], ids=lambda w: w.label)
def test_the_canvas_is_black_on_nothing(writing: Writing) -> None:
    drawn = unipen.canvas(writing, np.random.default_rng(3))
    assert (drawn.shape, drawn.dtype) == ((280, 280, 4), np.uint8)
    assert drawn[..., :3].max() == 0
    assert drawn[..., 3].max() == 255
    assert (drawn[..., 3] == 0).mean() > 0.5


def test_pens_are_of_every_sort() -> None:
    rng = np.random.default_rng(4)
    pictures = [unipen.picture(SEVEN, rng) for _ in range(300)]
    sides = np.array([len(picture) for picture in pictures])
    assert (sides == 28).mean() > 0.2
    assert sides.max() > 100
    hard = [set(np.unique(p[..., 0])) <= {p[..., 0].min(), 255} for p in pictures]
    assert 0.4 < np.mean(hard) < 0.8
    widths = [
        2 * cv2.distanceTransform((p[..., 0] < 200).astype(np.uint8), cv2.DIST_L2, 3).max() / len(p) for p in pictures
    ]
    assert np.quantile(widths, 0.05) < 0.06
    assert np.quantile(widths, 0.95) > 0.12
    assert all((p[..., 0] < 255).any() and (p[..., 3] == 255).all() for p in pictures)
