"""JSON values for tests of what is read from files that anybody could have written."""

from hypothesis import strategies as st

JSON = st.recursive(
    st.none() | st.booleans() | st.floats() | st.integers() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=5,
)
NUMBER = st.integers() | st.floats() | st.just(10**400) | JSON
"""What may stand where a number belongs."""
