"""A recipe: everything that decides what a network is and how it is trained.

Plain frozen values, to JSON and back, no Keras. A recipe lists its network's layers before the network is built, and
refuses what cannot work.
"""

import dataclasses
import math
import re
from dataclasses import dataclass, field
from typing import Any

from digitrec.errors import RecipeError
from digitrec.imaging.augmentation import AUGMENTATION_LIMITS, Augmentation
from digitrec.training.layers import ConvBlock as ConvBlock  # parts of a recipe: users import them from here
from digitrec.training.layers import LayerInfo as LayerInfo
from digitrec.training.layers import conv_block, hidden_layers, input_layers, output_layers, row_layer

DIGITS = 60_000  # MNIST's training digits, validation digits among them
TEST_DIGITS = 10_000

KINDS = ("mlp", "cnn")
ACTIVATIONS = ("relu", "elu", "gelu", "sigmoid", "tanh")
OPTIMIZERS = ("adam", "adamw", "rmsprop", "sgd")
SCALINGS = ("unit-range", "unit-length", "standard")
PADDINGS = ("same", "valid")
SCHEDULES = ("constant", "one-cycle", "cosine", "exponential")
PRECISIONS = ("auto", "float32", "bfloat16")
LONGEST_NAME = 40
NAME = re.compile(rf"[A-Za-z0-9][A-Za-z0-9._-]{{0,{LONGEST_NAME - 1}}}")
NAME_RULE = (
    f"A name has 1 to {LONGEST_NAME} letters, digits, dots, dashes or underscores, and begins with a letter or digit."
)

MAX_LAYERS = 8
MAX_PARAMETERS = 20_000_000  # 80 MB of weights, 240 MB with Adam's two moments
MAX_BATCH_VALUES = 250_000_000  # outputs of all layers for one batch: 1 GB, and training keeps about three times it


@dataclass(frozen=True)
class Recipe:
    """A network and its training.

    Attributes:
        name: Letters, digits, `.`, `_` and `-`; a model trained by it has this name unless another is given.
        kind: `mlp` or `cnn`.
        blocks: The convolution blocks of a CNN, first to last; empty for an MLP.
        mean_maps: Whether a CNN's dense layers are given one number per map, its mean, instead of all its pixels.
        hidden: Widths of the dense layers before the last one, which always has ten units.
        hidden_norm: Whether each of them has batch normalisation before the activation, and no bias.
        norm_momentum: What batch normalisation keeps of its running mean and variance at each step, 0.5 to 0.999: the
            less, the sooner a short training forgets its first steps.
        activation: One of ACTIVATIONS, after each layer but the last.
        dropout: Fraction of each hidden layer's outputs left out in training, 0 to 0.9.
        optimizer: One of OPTIMIZERS.
        learning_rate: Above 0, at most 10; the highest one where it changes.
        schedule: How it changes, one of SCHEDULES; see `schedule`.
        label_smoothing: Probability that each label gives to the other classes, 0 to 0.5.
        batch_size: Digits per step, 1 to 4096.
        epochs: Passes over the training digits, 1 to 200.
        validation: Fraction of the 60,000 training digits held out for validation, 0.01 to 0.5.
        scaling: `unit-range` keeps pixels between 0 and 1; `unit-length` gives each column of pixels
            length 1, as `keras.utils.normalize(x, axis=1)` does; `standard` subtracts MNIST's mean and divides by
            its standard deviation.
        strokes: Whether it is also trained on UNIPEN's pen strokes, digits and non-digits, where they are available.
        teacher: Name of a trained model for distillation: its probabilities for each digit, distorted as it is, take
            the place of the label. Empty for none.
        precision: `float32`, or `bfloat16` to multiply with 8 bits of fraction; weights stay float32. `auto` is the
            faster one on the machine that trains; the card says which that was.
        augmentation: How far training digits are distorted.
        patience: Epochs without a lower validation loss after which training ends, the best weights
            kept; 0 trains all epochs.
        seed: Decides the validation digits, the first weights, the order and the distortions.
        seconds: Seconds after its first steps at which training ends, wherever it is, up to a day; 0 trains all
            epochs.
    """

    name: str
    kind: str = "mlp"
    blocks: tuple[ConvBlock, ...] = ()
    mean_maps: bool = False
    hidden: tuple[int, ...] = (128,)
    hidden_norm: bool = False
    norm_momentum: float = 0.99
    activation: str = "relu"
    dropout: float = 0.0
    optimizer: str = "adam"
    learning_rate: float = 0.001
    schedule: str = "constant"
    label_smoothing: float = 0.0
    batch_size: int = 32
    epochs: int = 3
    validation: float = 5_000 / DIGITS
    scaling: str = "unit-range"
    strokes: bool = False
    teacher: str = ""
    precision: str = "float32"
    augmentation: Augmentation = field(default_factory=Augmentation)
    patience: int = 0
    seed: int = 1
    seconds: float = 0.0

    def __post_init__(self) -> None:
        """Refuse what cannot work.

        Raises:
            RecipeError: With the rule and what was received.
        """
        if not isinstance(self.name, str) or not NAME.fullmatch(self.name):
            raise RecipeError(f"{NAME_RULE} Received: {str(self.name)[:60]!r}")
        _one_of("The kind of network", self.kind, KINDS)
        _one_of("The activation", self.activation, ACTIVATIONS)
        _one_of("The optimiser", self.optimizer, OPTIMIZERS)
        _one_of("The scaling", self.scaling, SCALINGS)
        _one_of("The schedule", self.schedule, SCHEDULES)
        _one_of("The precision", self.precision, PRECISIONS)
        _within("Dropout", self.dropout, 0, 0.9)
        _within("Label smoothing", self.label_smoothing, 0, 0.5)
        _within("The learning rate", self.learning_rate, 1e-7, 10)
        _whole("The batch size", self.batch_size, 1, 4096)
        _within("Seconds of training", self.seconds, 0, 86_400)
        _whole("Epochs", self.epochs, 1, 200)
        _within("The validation fraction", self.validation, 0.01, 0.5)
        _whole("Patience", self.patience, 0, 200)
        _whole("The seed", self.seed, 0, 2**31 - 1)
        _true_or_false("Training on pen strokes", self.strokes)
        self._check_teacher()
        _true_or_false("Averaging each map", self.mean_maps)
        _true_or_false("Batch norm of hidden layers", self.hidden_norm)
        _within("The momentum of batch norm", self.norm_momentum, 0.5, 0.999)
        for amount, limit in AUGMENTATION_LIMITS.items():
            _within(f"Augmentation by {amount}", getattr(self.augmentation, amount), 0, limit)
        self._check_layers()

    def _check_teacher(self) -> None:
        if not isinstance(self.teacher, str) or (self.teacher and not NAME.fullmatch(self.teacher)):
            raise RecipeError(
                f"The model to distill from must be a model's name, or empty. Received: {str(self.teacher)[:60]!r}"
            )
        if self.teacher and self.strokes:
            raise RecipeError(
                "Distillation does not support non-digits. Leave out the model to distill from, or the pen strokes."
            )

    def _check_layers(self) -> None:
        if self.kind == "mlp" and self.blocks:
            raise RecipeError("An MLP has no convolution blocks. Choose a CNN, or leave them out.")
        if self.kind == "mlp" and not self.hidden:
            raise RecipeError("An MLP needs at least one hidden layer. Give widths such as 128, 64.")
        if self.kind == "mlp" and self.mean_maps:
            raise RecipeError("An MLP has no maps to average. Choose a CNN, or leave that out.")
        if self.kind == "cnn" and not self.blocks:
            raise RecipeError("A CNN needs at least one convolution block. Add one.")
        if max(len(self.hidden), len(self.blocks)) > MAX_LAYERS:
            counts = f"{len(self.hidden)} and {len(self.blocks)}"
            raise RecipeError(f"At most {MAX_LAYERS} hidden layers and {MAX_LAYERS} blocks. Received: {counts}")
        for width in self.hidden:
            _whole("The width of a hidden layer", width, 1, 4096)
        for block in self.blocks:
            _whole("Filters", block.filters, 1, 512)
            _whole("The kernel's side", block.kernel, 1, 11)
            _whole("The pooling side", block.pool, 1, 7)
            _one_of("The padding", block.padding, PADDINGS)
            _whole("The stride", block.stride, 1, 4)
            _true_or_false("Batch norm", block.batch_norm)
            _true_or_false("A block's bias", block.bias)
        if self.parameters > MAX_PARAMETERS:
            raise RecipeError(
                f"This network would have {self.parameters:,} parameters; the limit is {MAX_PARAMETERS:,}. "
                "Use narrower layers, or pool more before the dense ones."
            )

        values = self.batch_size * sum(math.prod(layer.shape) for layer in self.layers())
        if values > MAX_BATCH_VALUES:
            raise RecipeError(
                f"A batch of {self.batch_size} digits would need about {values * 12 / 1e9:.0f} GB in this network. "
                "Use a smaller batch or fewer filters."
            )

    @property
    def validation_digits(self) -> int:
        """Training digits held out."""
        return round(self.validation * DIGITS)

    @property
    def one_hot(self) -> bool:
        """Whether a label is the probability of each class, not a number."""
        return self.label_smoothing > 0 or bool(self.teacher)

    @property
    def steps_per_epoch(self) -> int:
        """Batches per epoch."""
        return math.ceil((DIGITS - self.validation_digits) / self.batch_size)

    @property
    def parameters(self) -> int:
        """Weights of the whole network."""
        return sum(layer.parameters for layer in self.layers())

    def keras_layers(self) -> list[LayerInfo]:
        """Return all layers of the network, in order; the model, its script and its parameter count are made of them.

        Raises:
            RecipeError: If a convolution or a pooling leaves less than one pixel.
        """
        made = input_layers(self.scaling, channel=bool(self.blocks))
        for number, block in enumerate(self.blocks, 1):
            made += conv_block(number, block, made[-1].shape, self.activation, self.norm_momentum)
        made.append(row_layer(made[-1].shape, self.mean_maps))
        for number, width in enumerate(self.hidden, 1):
            made += hidden_layers(
                number,
                width,
                made[-1].shape[0],
                self.activation,
                self.hidden_norm,
                self.norm_momentum,
                self.dropout,
            )
        return made + output_layers(made[-1].shape[0], self.precision)

    def layers(self) -> list[LayerInfo]:
        """Return the layers that a page shows, in order.

        Raises:
            RecipeError: If a convolution or a pooling leaves less than one pixel.
        """
        return [layer for layer in self.keras_layers() if layer.kind]

    def to_json(self) -> dict[str, Any]:
        """Return the recipe as plain JSON values."""
        return dataclasses.asdict(self)

    @staticmethod
    def from_json(values: object) -> "Recipe":
        """Return the recipe that `to_json` wrote.

        Raises:
            RecipeError: If a value is missing, unknown, of the wrong type or out of its range.
        """
        if not isinstance(values, dict):
            raise RecipeError(f"A recipe must be a JSON object with a name. Received: {type(values).__name__}")
        known = {f.name for f in dataclasses.fields(Recipe)}
        if unknown := sorted(repr(key) for key in values if key not in known):
            raise RecipeError(f"A recipe has no such entries; leave them out. Received: {', '.join(unknown)[:80]}")
        try:
            plain = dict(values)
            plain["blocks"] = tuple(ConvBlock(**block) for block in values.get("blocks", ()))
            plain["hidden"] = tuple(values.get("hidden", (128,)))
            plain["augmentation"] = Augmentation(**values.get("augmentation", {}))
            return Recipe(**plain)
        except TypeError as error:
            raise RecipeError(
                "An entry of the recipe is missing or of the wrong type. Use one of the recipes."
            ) from error

    def replace(self, **changes: Any) -> "Recipe":
        """Return the recipe with some values changed, checked again."""
        return dataclasses.replace(self, **changes)


def _one_of(what: str, value: object, allowed: tuple[str, ...]) -> None:
    if value not in allowed:
        raise RecipeError(f"{what} must be one of {', '.join(allowed)}. Received: {str(value)[:40]!r}")


def _true_or_false(what: str, value: object) -> None:
    if not isinstance(value, bool):
        raise RecipeError(f"{what} must be true or false. Received: {str(value)[:40]}")


def _whole(what: str, value: object, low: int, high: int) -> None:
    if isinstance(value, bool) or not isinstance(value, int) or not low <= value <= high:
        raise RecipeError(f"{what} must be a whole number from {low} to {high}. Received: {str(value)[:40]}")


def _within(what: str, value: object, low: float, high: float) -> None:
    if isinstance(value, bool) or not isinstance(value, int | float) or not low <= value <= high:
        raise RecipeError(f"{what} must be a number from {low:g} to {high:g}. Received: {str(value)[:40]}")
