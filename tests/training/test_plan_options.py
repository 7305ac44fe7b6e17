"""Options of a command for the fields of a plan: types and defaults as in the plan, the others left alone."""

import argparse
from dataclasses import dataclass

import pytest

from digitrec.training import plan_options


@dataclass(frozen=True)
class Plan:
    epochs: int = 3
    peak_rate: float = 0.1
    precision: str = "auto"


def parsed(*options: str) -> Plan:
    parser = argparse.ArgumentParser()
    parser.add_argument("--folder", default="somewhere")
    plan_options.add(parser, Plan(), ("epochs", "peak_rate"))
    return plan_options.chosen(Plan(precision="float32"), parser.parse_args(options))


def test_what_is_given_replaces_the_field_and_nothing_else() -> None:
    assert parsed("--peak-rate", "0.5") == Plan(3, 0.5, "float32")
    assert parsed() == Plan(3, 0.1, "float32")


@pytest.mark.parametrize("option", [("--epochs", "many"), ("--precision", "auto")])
def test_what_is_no_option_or_of_another_type_is_refused(option: tuple[str, str]) -> None:
    with pytest.raises(SystemExit):
        parsed(*option)
