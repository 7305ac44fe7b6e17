"""A recipe: everything that decides what a network is and how it is trained.

Plain frozen values, JSON both ways, no Keras. `layers()` says what the network will look like
before there is one, and refuses what cannot work.
"""

import dataclasses
import math
import re
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from digitrec.errors import RecipeError
from digitrec.imaging.augmentation import AUGMENTATION_LIMITS, Augmentation
from digitrec.recognition.digits import CLASSES, SIDE

DIGITS = 60_000  # MNIST's training digits, validation digits among them
TEST_DIGITS = 10_000
MNIST_MEAN, MNIST_SPREAD = 0.1307, 0.3081  # of all pixels of the training digits, 0 paper .. 1 ink

KINDS = ("mlp", "cnn")
ACTIVATIONS = ("relu", "elu", "gelu", "sigmoid", "tanh")
OPTIMIZERS = ("adam", "adamw", "rmsprop", "sgd")
SCALINGS = ("unit-range", "unit-length", "standard")
PADDINGS = ("same", "valid")
SCHEDULES = ("constant", "one-cycle", "cosine", "exponential")
PRECISIONS = ("float32", "bfloat16")
LONGEST_NAME = 40
NAME = re.compile(rf"[A-Za-z0-9][A-Za-z0-9._-]{{0,{LONGEST_NAME - 1}}}")
NAME_RULE = (
    f"A name has 1 to {LONGEST_NAME} letters, digits, dots, dashes or underscores, and begins with a letter or digit."
)

_SCALED = {"unit-length": "columns to length 1", "standard": "mean to 0, spread to 1"}

MAX_LAYERS = 8
MAX_PARAMETERS = 20_000_000  # 80 MB of weights, 240 MB with Adam's two moments
MAX_BATCH_VALUES = 250_000_000  # outputs of all layers for one batch: 1 GB, and training holds them about three times


class LayerInfo(NamedTuple):
    """One layer of a network before it is built.

    Attributes:
        name: The layer's name in the Keras model.
        kind: What it does, in words for the page, such as `3 x 3 convolution, relu`.
        shape: Shape of its output without the batch axis.
        parameters: Weights that it holds, those that do not learn included.
    """

    name: str
    kind: str
    shape: tuple[int, ...]
    parameters: int


@dataclass(frozen=True)
class ConvBlock:
    """A convolution, batch norm if wanted, the activation, then max-pooling if wanted.

    Attributes:
        filters: Feature maps that it makes, 1 to 512.
        kernel: Side of the square kernel in pixels, 1 to 11.
        pool: Side of the square that max-pooling keeps one value of, in pixels; 1 for no pooling.
        batch_norm: Whether batch normalisation stands before the activation.
        padding: `same` keeps the size, `valid` loses `kernel - 1` pixels.
        stride: Pixels from one place that the kernel looks at to the next, 1 to 4: 2 halves the sides.
        bias: Whether each map has a number added; batch norm takes it away again.
    """

    filters: int = 32
    kernel: int = 3
    pool: int = 2
    batch_norm: bool = False
    padding: str = "same"
    stride: int = 1
    bias: bool = True


@dataclass(frozen=True)
class Recipe:
    """A network and its training.

    Attributes:
        name: Letters, digits, `.`, `_` and `-`; a model trained by it bears this name unless another is given.
        kind: `mlp` or `cnn`.
        blocks: The convolution blocks of a CNN, first to last; empty for an MLP.
        mean_maps: Whether a CNN's dense layers see one number a map, its mean, instead of all its pixels.
        hidden: Widths of the dense layers before the last one, which always has ten units.
        hidden_norm: Whether each of them has batch normalisation before the activation, and no bias.
        norm_momentum: What batch normalisation keeps of its running mean and spread at each step, 0.5 to 0.999: the
            less, the sooner a short training forgets how it began.
        activation: One of ACTIVATIONS, after each layer but the last.
        dropout: Share of each hidden layer's outputs left out in training, 0 to 0.9.
        optimizer: One of OPTIMIZERS.
        learning_rate: Above 0, at most 10; the highest one where it changes.
        schedule: How it changes: `constant`; `one-cycle`, up from 0 in the first fifth of all steps and down to 0, both
            in a straight line; `cosine`, up from 0 in the first twentieth, then down to 0 along a cosine;
            `exponential`, by the same factor each step, down to a hundredth.
        label_smoothing: Share of its certainty that each label gives to the other answers, 0 to 0.5.
        batch_size: Digits a step, 1 to 4096.
        epochs: Passes over the training digits, 1 to 200.
        validation: Share of the 60,000 training digits held out to watch the training, 0.01 to 0.5.
        scaling: `unit-range` keeps pixels between 0 and 1; `unit-length` gives each column of pixels
            length 1, as `keras.utils.normalize(x, axis=1)` does; `standard` takes MNIST's mean away and divides by
            its standard deviation.
        strokes: Whether it is also trained on UNIPEN's pen strokes, digits and what is none, where they are at hand.
        teacher: Name of a trained model that is asked about each digit, distorted as it is: what it says takes the
            place of the label. Empty for none.
        precision: `float32`, or `bfloat16` to multiply with 8 bits of fraction; weights stay float32.
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
        _within("The validation share", self.validation, 0.01, 0.5)
        _whole("Patience", self.patience, 0, 200)
        _whole("The seed", self.seed, 0, 2**31 - 1)
        _true_or_false("Training on pen strokes", self.strokes)
        self._check_teacher()
        _true_or_false("Taking the means of maps", self.mean_maps)
        _true_or_false("Batch norm of hidden layers", self.hidden_norm)
        _within("The momentum of batch norm", self.norm_momentum, 0.5, 0.999)
        for amount, limit in AUGMENTATION_LIMITS.items():
            _within(f"Augmentation by {amount}", getattr(self.augmentation, amount), 0, limit)
        self._check_layers()

    def _check_teacher(self) -> None:
        if not isinstance(self.teacher, str) or (self.teacher and not NAME.fullmatch(self.teacher)):
            raise RecipeError(f"The teacher must be a model's name, or empty. Received: {str(self.teacher)[:60]!r}")
        if self.teacher and self.strokes:
            raise RecipeError("A teacher knows no answer for what is no digit. Leave it out, or the pen strokes.")

    def _check_layers(self) -> None:
        if self.kind == "mlp" and self.blocks:
            raise RecipeError("An MLP has no convolution blocks. Choose a CNN, or leave them out.")
        if self.kind == "mlp" and not self.hidden:
            raise RecipeError("An MLP needs at least one hidden layer. Give widths such as 128, 64.")
        if self.kind == "mlp" and self.mean_maps:
            raise RecipeError("An MLP has no maps to take the means of. Choose a CNN, or leave that out.")
        if self.kind == "cnn" and not self.blocks:
            raise RecipeError("A CNN needs at least one convolution block. Add one.")
        if max(len(self.hidden), len(self.blocks)) > MAX_LAYERS:
            raise RecipeError(f"At most {MAX_LAYERS} hidden layers and {MAX_LAYERS} blocks. Leave some out.")
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
        """Whether labels are shares of each answer, not numbers."""
        return self.label_smoothing > 0 or bool(self.teacher)

    @property
    def steps_per_epoch(self) -> int:
        """Batches an epoch."""
        return math.ceil((DIGITS - self.validation_digits) / self.batch_size)

    @property
    def parameters(self) -> int:
        """Weights of the whole network."""
        return sum(layer.parameters for layer in self.layers())

    def layers(self) -> list[LayerInfo]:
        """Return the layers that `network.build` makes, in order.

        Raises:
            RecipeError: If a convolution or a pooling leaves less than one pixel.
        """
        layers = [LayerInfo("glyph", "input", (SIDE, SIDE), 0)]
        if self.scaling in _SCALED:
            layers.append(LayerInfo("scaled", _SCALED[self.scaling], (SIDE, SIDE), 0))
        layers += self._block_layers()
        shape = layers[-1].shape
        if self.mean_maps:
            layers.append(LayerInfo("means", "mean of each map", shape[-1:], 0))
        else:
            layers.append(LayerInfo("flat", "flatten", (math.prod(shape),), 0))
        layers += self._hidden_layers(layers[-1].shape[0])
        layers.append(LayerInfo("logits", "dense", (CLASSES,), (layers[-1].shape[0] + 1) * CLASSES))
        layers.append(LayerInfo("probabilities", "softmax", (CLASSES,), 0))
        return layers

    def _hidden_layers(self, inputs: int) -> list[LayerInfo]:
        layers: list[LayerInfo] = []
        for number, width in enumerate(self.hidden, 1):
            weights = (inputs + (not self.hidden_norm)) * width
            activation = "" if self.hidden_norm else f", {self.activation}"
            layers.append(LayerInfo(f"dense_{number}", f"dense{activation}", (width,), weights))
            if self.hidden_norm:
                kind = f"batch norm, {self.activation}"
                layers.append(LayerInfo(f"dense_norm_{number}", kind, (width,), 4 * width))
            if self.dropout:
                layers.append(LayerInfo(f"dropout_{number}", f"dropout {self.dropout:g}", (width,), 0))
            inputs = width
        return layers

    def _block_layers(self) -> list[LayerInfo]:
        layers: list[LayerInfo] = []
        side, channels = SIDE, 1
        for number, block in enumerate(self.blocks, 1):
            side -= 0 if block.padding == "same" else block.kernel - 1
            _pixels_left(side, f"The convolution of block {number}", "smaller kernels or padding `same`")
            side = -(-side // block.stride)
            weights = (block.kernel**2 * channels + block.bias) * block.filters
            shape = (side, side, block.filters)
            kind = f"{block.kernel} x {block.kernel} convolution"
            kind += f", stride {block.stride}" if block.stride > 1 else ""
            kind += "" if block.batch_norm else f", {self.activation}"
            layers.append(LayerInfo(f"conv_{number}", kind, shape, weights))
            if block.batch_norm:
                layers.append(LayerInfo(f"norm_{number}", f"batch norm, {self.activation}", shape, 4 * block.filters))
            if block.pool > 1:
                side //= block.pool
                _pixels_left(side, f"The pooling of block {number}", "less pooling or fewer blocks")
                layers.append(
                    LayerInfo(f"pool_{number}", f"{block.pool} x {block.pool} max-pool", (side, side, block.filters), 0)
                )
            channels = block.filters
        return layers

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
            raise RecipeError("A recipe is a JSON object with a name. Received something else.")
        known = {f.name for f in dataclasses.fields(Recipe)}
        if unknown := sorted(repr(key) for key in values if key not in known):
            raise RecipeError(f"A recipe has no such entries. Leave them out. Received: {', '.join(unknown)[:80]}")
        try:
            plain = dict(values)
            plain["blocks"] = tuple(ConvBlock(**block) for block in values.get("blocks", ()))
            plain["hidden"] = tuple(values.get("hidden", (128,)))
            plain["augmentation"] = Augmentation(**values.get("augmentation", {}))
            return Recipe(**plain)
        except TypeError as error:
            raise RecipeError("A part of the recipe is missing or of the wrong type. Write it anew.") from error

    def replace(self, **changes: Any) -> "Recipe":
        """Return the recipe with some values changed, checked again."""
        return dataclasses.replace(self, **changes)


def _one_of(what: str, value: object, allowed: tuple[str, ...]) -> None:
    if value not in allowed:
        raise RecipeError(f"{what} must be one of {', '.join(allowed)}. Received: {str(value)[:40]!r}")


def _true_or_false(what: str, value: object) -> None:
    if not isinstance(value, bool):
        raise RecipeError(f"{what} is either true or false. Received: {str(value)[:40]}")


def _whole(what: str, value: object, low: int, high: int) -> None:
    if isinstance(value, bool) or not isinstance(value, int) or not low <= value <= high:
        raise RecipeError(f"{what} must be a whole number from {low} to {high}. Received: {str(value)[:40]}")


def _within(what: str, value: object, low: float, high: float) -> None:
    if isinstance(value, bool) or not isinstance(value, int | float) or not low <= value <= high:
        raise RecipeError(f"{what} must be a number from {low:g} to {high:g}. Received: {str(value)[:40]}")


def _pixels_left(side: int, what: str, remedy: str) -> None:
    if side < 1:
        raise RecipeError(f"{what} would leave less than 1 pixel. Use {remedy}.")
