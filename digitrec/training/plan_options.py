"""Options of a command for the fields of a training's plan."""

import argparse
from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from _typeshed import DataclassInstance

Plan = TypeVar("Plan", bound="DataclassInstance")


def add(parser: argparse.ArgumentParser, plan: object, names: Sequence[str]) -> None:
    """Add an option for each of some fields of a plan, with its value as the default."""
    for name in names:
        default = getattr(plan, name)
        parser.add_argument(f"--{name.replace('_', '-')}", type=type(default), default=default)


def chosen(plan: Plan, given: argparse.Namespace) -> Plan:
    """Return a plan with the fields that were given as options."""
    return replace(plan, **{name: value for name, value in vars(given).items() if name in plan.__dataclass_fields__})
