"""Recipe -> keras.Model, layer by layer from `Recipe.keras_layers`."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import keras

from digitrec.training import precision, schedule
from digitrec.training.layers import LayerInfo
from digitrec.training.recipe import Recipe

if TYPE_CHECKING:
    import tensorflow as tf

_OPTIMIZERS = {
    "adam": keras.optimizers.Adam,
    "adamw": keras.optimizers.AdamW,
    "rmsprop": keras.optimizers.RMSprop,
    "sgd": keras.optimizers.SGD,
}


def build(recipe: Recipe) -> keras.Model:
    """Return the recipe's network, with fresh weights.

    Functional, so that the outputs of its layers stay usable after saving and loading. Input `glyph`:
    float32 (N, 28, 28), 0 paper .. 1 ink; output `probabilities`: float32 (N, 10), rows add up to 1.
    """
    return _model(recipe, *_connected(recipe.keras_layers()))


def trainable(recipe: Recipe, steps: int) -> keras.Model:
    """Return the recipe's network, with fresh weights, compiled to be trained in `steps` batches.

    It has the weights of `build` in the same order. A recipe with pen strokes has an eleventh class, non-digits, whose
    logit is always 0: the logarithm of the sum of the others' exponentials is then the logit of being a digit.
    Where `recipe.one_hot`, labels are the probabilities of each class.
    """
    before = keras.config.dtype_policy()
    keras.config.set_dtype_policy(precision.policy(recipe.precision))
    try:
        glyph, logits = _connected(recipe.keras_layers()[:-1])
    finally:
        keras.config.set_dtype_policy(before)
    if recipe.strokes:
        logits = keras.ops.pad(logits, ((0, 0), (0, 1)))
    model = _model(recipe, glyph, keras.layers.Softmax(name="answers")(logits))
    model.compile(
        optimizer=_OPTIMIZERS[recipe.optimizer](_learning_rate(recipe, steps)),
        loss=keras.losses.CategoricalCrossentropy(label_smoothing=recipe.label_smoothing)
        if recipe.one_hot
        else "sparse_categorical_crossentropy",
        metrics=["accuracy"],
    )
    return model


def _model(recipe: Recipe, glyph: keras.KerasTensor, probabilities: keras.KerasTensor) -> keras.Model:
    return keras.Model(glyph, probabilities, name=recipe.name.replace(".", "_"))


def _connected(layers: Sequence[LayerInfo]) -> tuple[keras.KerasTensor, keras.KerasTensor]:
    """Return the input that the first of these layers is, and the output of the last one."""
    glyph = x = _made(layers[0])
    for layer in layers[1:]:
        x = unit_length(layer.name, x) if layer.keras == "UnitNormalization" else _made(layer)(x)
    return glyph, x


def _made(layer: LayerInfo) -> Any:
    return getattr(keras.layers, layer.keras)(*layer.arguments, **layer.options, name=layer.name)


def unit_length(name: str, x: keras.KerasTensor, axes: tuple[int, ...] = (1,)) -> keras.KerasTensor:
    """Give each column, or what else lies along these axes, length 1; what is blank stays 0.

    Along axis 1 of (N, 28, 28) it is what `keras.utils.normalize(x, axis=1)` does.

    `keras.layers.UnitNormalization` does the same in Keras, but blank columns are not a number in LiteRT.
    """
    length = keras.ops.sqrt(keras.ops.sum(keras.ops.square(x), axis=axes, keepdims=True))
    length = keras.ops.where(length > 0, length, keras.ops.ones_like(length))
    return keras.layers.Multiply(name=name)([x, 1 / length])


@keras.saving.register_keras_serializable("digitrec")
class OneCycle(keras.optimizers.schedules.LearningRateSchedule):  # type: ignore[misc]  # Keras ships no types
    """The schedule `one-cycle`: up from 0 in a straight line, then down to 0."""

    def __init__(self, peak: float, steps: int) -> None:
        super().__init__()
        self.peak, self.steps = peak, steps

    def __call__(self, step: "tf.Tensor") -> "tf.Tensor":
        """Return the learning rate at a step, the first of which is 0."""
        done, rising = keras.ops.cast(step, "float32"), schedule.rising_steps("one-cycle", self.steps)
        return self.peak * keras.ops.minimum(done / rising, (self.steps - done) / max(1, self.steps - rising))

    def get_config(self) -> dict[str, float | int]:
        """Return the arguments that make it again, for checkpoints."""
        return {"peak": self.peak, "steps": self.steps}


def _learning_rate(recipe: Recipe, steps: int) -> "float | keras.optimizers.schedules.LearningRateSchedule":
    peak = float(recipe.learning_rate)
    if recipe.schedule == "constant":
        return peak
    if recipe.schedule == "one-cycle":
        return OneCycle(peak, steps)
    if recipe.schedule == "exponential":
        return keras.optimizers.schedules.ExponentialDecay(peak, steps, schedule.FALL)
    rising = schedule.rising_steps("cosine", steps)
    return keras.optimizers.schedules.CosineDecay(0.0, max(1, steps - rising), warmup_target=peak, warmup_steps=rising)


_WITH_ACTIVATIONS = ("conv_", "norm_", "activation_", "pool_", "dense_", "logits", "probabilities")


def with_activations(model: keras.Model) -> keras.Model:
    """Return the same network with its layers' activations as named outputs, beside `probabilities`."""
    outputs = {layer.name: layer.output for layer in model.layers if layer.name.startswith(_WITH_ACTIVATIONS)}
    return keras.Model(model.input, outputs)


def export(model: keras.Model, file: Path) -> None:
    """Write the network for LiteRT, with its layers' activations as outputs; weights with 11 bits of precision.

    float16 halves the file; probabilities differ by less than 0.001.
    """
    import tensorflow as tf  # not at the top: networks are trained with other backends of Keras, too

    with_activations(model).export(
        file,
        format="litert",
        verbose=False,
        optimizations=[tf.lite.Optimize.DEFAULT],
        target_spec={"supported_types": [tf.float16]},
    )
