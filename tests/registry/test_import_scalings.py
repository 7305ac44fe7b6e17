"""Ways of scaling pixels, and what the accuracy under each of them teaches."""

import numpy as np
import pytest
from sklearn.preprocessing import normalize

from digitrec.datasets import mnist
from digitrec.figures import scalings as figures
from digitrec.registry import card
from digitrec.registry.importing import scalings
from digitrec.registry.importing.scalings import Measured, Way

GLYPHS = mnist.glyphs(mnist.test()[0][:20])


def measured(best: Way, accuracy: float, **others: float) -> list[Measured]:
    """Return accuracies: 20 % everywhere but where they are given."""
    return [
        Measured(way, accuracy, 10_000)
        if way == best
        else Measured(way, others.get(f"{way.scaling}_{way.dark_ink}", 0.2), 600)
        for way in scalings.ways(flat=False)
    ]  # fmt: skip


def test_each_way_scales_as_its_name_says() -> None:
    for dark, ink in ((False, GLYPHS), (True, 1 - GLYPHS)):
        np.testing.assert_allclose(Way("unit-range", dark).apply(GLYPHS), ink, atol=1e-6)
        np.testing.assert_allclose(Way("bytes", dark).apply(GLYPHS), 255 * ink, atol=1e-3)
        np.testing.assert_allclose(Way("centred", dark).apply(GLYPHS), 2 * ink - 1, atol=1e-6)
        columns = np.stack([normalize(glyph, axis=0) for glyph in ink])
        np.testing.assert_allclose(Way("unit-length", dark).apply(GLYPHS), columns, atol=1e-6)
        rows = normalize(ink.reshape(len(ink), -1)).reshape(ink.shape)
        np.testing.assert_allclose(Way("unit-vector", dark).apply(GLYPHS), rows, atol=1e-6)
    pixels = mnist.glyphs(mnist.first_training(20_000)[0])
    for dark in (False, True):
        scaled = Way("standard", dark).apply(pixels)
        assert abs(scaled.mean()) < 0.02
        assert abs(scaled.std() - 1) < 0.02


@pytest.mark.parametrize("way", [way for way in scalings.ways(True) if not way.axes])
def test_a_script_s_numbers_reach_the_network_as_they_are(way: Way) -> None:
    script = 255 * GLYPHS
    np.testing.assert_allclose(way.apply(way.undone(script)), script, atol=0.02)


def test_the_lesson_names_the_scaling_what_scripts_do_and_inverting() -> None:
    best = Way("unit-range")
    lesson = scalings.lesson(measured(best, 0.992, bytes_False=0.61, **{"unit-range_True": 0.11}))
    assert lesson == [
        "Your model reads 99.20 % of MNIST's test digits when given pixels from 0 to 1, light ink on dark paper; "
        "this app uses that scaling.",
        "A script that feeds it pixels from 0 to 255 reads fewer: 61.0 %.",
        "A script that does not invert its picture (dark ink on light paper) reads 11.0 %.",
    ]
    lesson = scalings.lesson(measured(Way("bytes", True), 0.97, **{"unit-range_True": 0.4}))
    assert "A script that feeds it pixels from 0 to 1 reads fewer: 40.0 %." in lesson
    assert any("A script that inverts its picture (light ink on dark paper)" in sentence for sentence in lesson)


def test_a_model_of_something_else_is_refused() -> None:
    [lesson] = scalings.lesson(measured(Way("unit-range"), 0.31))
    assert "at most 31.00 %" in lesson
    assert "something else" in lesson


def test_ways_measured_on_all_digits_decide() -> None:
    lucky = Measured(Way("bytes"), 0.99, 1_000)
    assert scalings.best([lucky, Measured(Way("unit-range"), 0.98, 10_000)]).way == Way("unit-range")


def test_of_ways_that_are_as_accurate_the_one_that_is_less_sure_of_its_mistakes_is_right() -> None:
    """A network without biases reads the same digits on pixels of 0 to 255, with logits 255 times as large."""
    louder = Measured(Way("bytes"), 0.976, 10_000, 3.9)
    trained = Measured(Way("unit-range"), 0.974, 10_000, 0.08)
    assert scalings.best([louder, trained]).way == Way("unit-range")
    inverted = [Measured(Way(name, True), 0.1, 600, 9.0) for name in ("unit-range", "bytes")]
    [_, script, _] = scalings.lesson([louder, trained, *inverted])
    assert script.endswith("reads about as many: 97.60 %, but is much surer of its mistakes.")


def test_the_card_and_the_ways_know_the_same_scalings() -> None:
    assert set(card.SCALINGS) == set(scalings.WORDS) == set(scalings.SHORT)


def test_the_figure_says_what_its_twin_says() -> None:
    found = measured(Way("unit-length"), 0.97)
    drawn = figures.accuracies(found, "#009E73").to_dict()
    assert {bar["name"] for bar in drawn["data"]} == {scalings.LIGHT, scalings.DARK}
    assert sum(len(bar["x"]) for bar in drawn["data"]) == len(found)
    assert any("97.00 % of 10,000 test digits" in text for bar in drawn["data"] for text in bar["hovertext"])
    assert "<b>Columns of length 1</b>" in drawn["layout"]["yaxis"]["ticktext"]
    twin = figures.describe_accuracies(found, "mine")
    assert twin.startswith("Accuracy of mine")
    assert "Columns of length 1, light ink on dark paper: 97.0 %" in twin
