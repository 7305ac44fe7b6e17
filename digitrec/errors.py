"""Errors that a person may read.

    DigitrecError
    ├── SettingsError   an environment variable that makes no sense
    ├── DatasetError    MNIST missing or damaged
    ├── PictureError    a file that is not a picture, or one that cannot be read
    ├── RecipeError     a network or a training that cannot work
    ├── ModelError      a saved model unknown, damaged or half written
    └── RunError        a training run that cannot be started, stopped or resumed

Each message says what is wrong, what to do, and what was received. Anything else that is
raised is a bug and stays loud.
"""


class DigitrecError(Exception):
    """The base of every error whose message is meant for a person."""


class SettingsError(DigitrecError):
    """An environment variable holds a value that makes no sense."""


class DatasetError(DigitrecError):
    """MNIST is missing or damaged."""


class PictureError(DigitrecError):
    """A file is not a picture, or not one that can be read."""


class RecipeError(DigitrecError):
    """A recipe describes a network or a training that cannot work."""


class ModelError(DigitrecError):
    """A saved model is unknown, damaged or half written."""


class RunError(DigitrecError):
    """A training run cannot be started, stopped, resumed or read."""
