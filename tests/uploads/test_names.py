"""Names of files: their order, and how they are shown."""

from hypothesis import given
from hypothesis import strategies as st

from digitrec.uploads import names


@given(st.lists(st.integers(0, 10**30), min_size=2, max_size=20))
def test_natural_order_of_numbers_is_their_order(numbers: list[int]) -> None:
    assert sorted(numbers) == [int(name[1:]) for name in sorted((f"p{n}" for n in numbers), key=names.natural)]


@given(st.lists(st.text(max_size=20), max_size=10))
def test_natural_order_takes_any_names_and_none_for_another(some: list[str]) -> None:
    backwards = some[::-1]
    assert sorted(some, key=names.natural) == sorted(backwards, key=names.natural)


def test_a_number_of_any_length_is_a_name() -> None:
    assert names.natural("9" * 6000) > names.natural("8" * 6000)


def test_a_shown_name_keeps_both_ends() -> None:
    assert names.shown_name("digit1.png") == "digit1.png"
    assert names.shown_name("a\u202egnp.exe\n") == "a\ufffdgnp.exe\ufffd"
    assert names.shown_name("w" * 200 + ".png").endswith("www.png")
    assert names.shown_name("") == "(no name)"


@given(st.text(max_size=300))
def test_a_shown_name_is_short_and_visible(name: str) -> None:
    shown = names.shown_name(name)
    assert 0 < len(shown) <= 60
    assert shown.isprintable()
