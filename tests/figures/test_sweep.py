import pytest

from digitrec.figures import sweep

COLUMNS = {"Learning rate": [0.1, 0.001, 0.1, 0.001], "Optimiser": ["sgd", "sgd", "adam", "adam"]}
REACHED = [0.5, 0.9, 0.7, 0.95]


def test_each_run_is_a_line_from_its_settings_to_its_accuracy() -> None:
    [trace] = sweep.parallel(COLUMNS, REACHED).data
    rate, optimiser, accuracy = trace.dimensions
    assert [rate.ticktext[place] for place in rate.values] == ["0.1", "0.001", "0.1", "0.001"]
    assert rate.ticktext == ("0.001", "0.1"), "sorted"
    assert [optimiser.ticktext[place] for place in optimiser.values] == COLUMNS["Optimiser"]
    assert list(accuracy.values) == pytest.approx([50, 90, 70, 95])
    assert list(trace.line.color) == list(accuracy.values)
    assert "%" in accuracy.label


def test_equal_accuracies_have_a_range_to_be_drawn_in() -> None:
    low, high = sweep.parallel({"Seed": [1, 2]}, [0.9, 0.9]).data[0].dimensions[-1].range
    assert low < 90 < high


def test_the_twin_names_the_best_and_each_values_mean() -> None:
    description = sweep.describe(COLUMNS, REACHED)
    assert "Best of 4 runs so far: Learning rate 0.001, Optimiser adam, validation accuracy 95.00 %" in description
    assert "Learning rate, mean accuracy: 0.001 92.50 %, 0.1 60.00 %." in description
    assert "Optimiser, mean accuracy: adam 82.50 %, sgd 70.00 %." in description
    assert sweep.describe({"Seed": []}, []) == "No run has completed an epoch yet."
