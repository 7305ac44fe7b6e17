"""Errors whose messages are shown to a person.

    DigitrecError
    ├── SettingsError   an environment variable with an invalid value
    ├── DatasetError    MNIST missing or damaged
    ├── PictureError    a file that is not a picture, or cannot be read
    ├── RecipeError     an invalid network or training
    ├── ModelError      a saved model unknown, damaged or half written
    └── RunError        a training run that cannot be started, stopped or resumed

Each message says what is wrong, what to do, and what was received. Anything else that is
raised is a bug and stays loud.
"""


class DigitrecError(Exception):
    """The base of all errors whose messages are shown to a person."""


class SettingsError(DigitrecError):
    """An environment variable has an invalid value."""


class DatasetError(DigitrecError):
    """MNIST is missing or damaged."""


class PictureError(DigitrecError):
    """A file is not a picture, or cannot be read."""


class RecipeError(DigitrecError):
    """A recipe describes an invalid network or training."""


class ModelError(DigitrecError):
    """A saved model is unknown, damaged or half written."""


class RunError(DigitrecError):
    """A training run cannot be started, stopped, resumed or read."""
