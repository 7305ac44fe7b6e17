"""Recipe -> keras.Model. Layer names and shapes are those that `Recipe.layers` tells beforehand."""

import os
from pathlib import Path

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")  # TensorFlow's start-up notices are not for our logs

import keras
import tensorflow as tf
from keras import layers

from digitrec.recognition.digits import CLASSES, SIDE
from digitrec.training.recipe import MNIST_MEAN, MNIST_SPREAD, Recipe

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
    glyph = keras.Input((SIDE, SIDE), name="glyph")
    logits = _logits(recipe, glyph)
    return _model(recipe, glyph, layers.Softmax(name="probabilities")(logits))


def trainable(recipe: Recipe, steps: int) -> keras.Model:
    """Return the recipe's network, with fresh weights, compiled to be trained in `ablation` batches.

    It has the weights of `build` in the same order. A recipe with pen strokes has an eleventh answer, no digit,
    whose logit is always 0: the logarithm of the sum of the others' exponentials is then how much speaks for
    a digit. Where `recipe.one_hot`, labels are shares of each answer.
    """
    before = keras.config.dtype_policy()
    keras.config.set_dtype_policy("mixed_bfloat16" if recipe.precision == "bfloat16" else "float32")
    try:
        glyph = keras.Input((SIDE, SIDE), name="glyph")
        logits = _logits(recipe, glyph)
    finally:
        keras.config.set_dtype_policy(before)
    if recipe.strokes:
        logits = keras.ops.pad(logits, ((0, 0), (0, 1)))
    model = _model(recipe, glyph, layers.Softmax(name="answers")(logits))
    model.compile(
        optimizer=_OPTIMIZERS[recipe.optimizer](_learning_rate(recipe, steps)),
        loss=keras.losses.CategoricalCrossentropy(label_smoothing=recipe.label_smoothing)
        if recipe.one_hot
        else "sparse_categorical_crossentropy",
        metrics=["accuracy"],
    )
    return model


def _model(recipe: Recipe, glyph: keras.KerasTensor, answers: keras.KerasTensor) -> keras.Model:
    return keras.Model(glyph, answers, name=recipe.name.replace(".", "_"))


@keras.saving.register_keras_serializable("digitrec")
class OneCycle(keras.optimizers.schedules.LearningRateSchedule):  # type: ignore[misc]  # Keras ships no types
    """Up from 0 in a straight line in the first fifth of the steps, then down to 0.

    After L. N. Smith, N. Topin: Super-convergence, arXiv 1708.07120, whose rates start and end a little above 0.
    """

    def __init__(self, peak: float, steps: int) -> None:
        super().__init__()
        self.peak, self.steps = peak, steps

    def __call__(self, step: tf.Tensor) -> tf.Tensor:
        """Return the learning rate of a step, 0 the first."""
        done, rising = keras.ops.cast(step, "float32"), max(1, self.steps // 5)
        return self.peak * keras.ops.minimum(done / rising, (self.steps - done) / max(1, self.steps - rising))

    def get_config(self) -> dict[str, float | int]:
        """Return what makes it again, for checkpoints."""
        return {"peak": self.peak, "steps": self.steps}


def _learning_rate(recipe: Recipe, steps: int) -> "float | keras.optimizers.schedules.LearningRateSchedule":
    peak = float(recipe.learning_rate)
    if recipe.schedule == "constant":
        return peak
    if recipe.schedule == "one-cycle":
        return OneCycle(peak, steps)
    if recipe.schedule == "exponential":
        return keras.optimizers.schedules.ExponentialDecay(peak, steps, 0.01)
    rising = max(1, steps // 20)
    return keras.optimizers.schedules.CosineDecay(0.0, max(1, steps - rising), warmup_target=peak, warmup_steps=rising)


def _logits(recipe: Recipe, glyph: keras.KerasTensor) -> keras.KerasTensor:
    """Return one number a digit (N, 10), float32 whatever the precision before it."""
    x = _scaled(recipe, glyph)
    if recipe.blocks:
        x = layers.Reshape((SIDE, SIDE, 1), name="channel")(x)
    for number, block in enumerate(recipe.blocks, 1):
        x = layers.Conv2D(
            block.filters,
            block.kernel,
            block.stride,
            block.padding,
            activation=None if block.batch_norm else recipe.activation,
            use_bias=block.bias,
            name=f"conv_{number}",
        )(x)
        if block.batch_norm:
            x = _normed(recipe, x, "", number)
        if block.pool > 1:
            x = layers.MaxPooling2D(block.pool, name=f"pool_{number}")(x)
    x = layers.GlobalAveragePooling2D(name="means")(x) if recipe.mean_maps else layers.Flatten(name="flat")(x)
    for number, width in enumerate(recipe.hidden, 1):
        activation = None if recipe.hidden_norm else recipe.activation
        x = layers.Dense(width, activation, use_bias=not recipe.hidden_norm, name=f"dense_{number}")(x)
        if recipe.hidden_norm:
            x = _normed(recipe, x, "dense_", number)
        if recipe.dropout:
            x = layers.Dropout(recipe.dropout, name=f"dropout_{number}")(x)
    return layers.Dense(CLASSES, name="logits", dtype="float32")(x)


def _normed(recipe: Recipe, x: keras.KerasTensor, of: str, number: int) -> keras.KerasTensor:
    x = layers.BatchNormalization(momentum=recipe.norm_momentum, name=f"{of}norm_{number}")(x)
    return layers.Activation(recipe.activation, name=f"{of}activation_{number}")(x)


def _scaled(recipe: Recipe, glyph: keras.KerasTensor) -> keras.KerasTensor:
    if recipe.scaling == "unit-length":
        return _unit_columns(glyph)
    if recipe.scaling == "standard":
        return layers.Rescaling(1 / MNIST_SPREAD, -MNIST_MEAN / MNIST_SPREAD, name="scaled")(glyph)
    return glyph


def _unit_columns(x: keras.KerasTensor) -> keras.KerasTensor:
    """Give each column length 1 as `keras.utils.normalize(x, axis=1)` does; blank columns stay 0.

    `keras.layers.UnitNormalization` does the same in Keras, but blank columns are not a number in LiteRT.
    """
    length = keras.ops.sqrt(keras.ops.sum(keras.ops.square(x), axis=1, keepdims=True))
    length = keras.ops.where(length > 0, length, keras.ops.ones_like(length))
    return layers.Multiply(name="scaled")([x, 1 / length])


_WITH_ACTIVATIONS = ("conv_", "norm_", "activation_", "pool_", "dense_", "logits", "probabilities")


def with_activations(model: keras.Model) -> keras.Model:
    """Return the same network with its layers' activations as named outputs, beside `probabilities`."""
    outputs = {layer.name: layer.output for layer in model.layers if layer.name.startswith(_WITH_ACTIVATIONS)}
    return keras.Model(model.input, outputs)


def export(model: keras.Model, file: Path) -> None:
    """Write the network for LiteRT, with its layers' activations as outputs; weights with 11 bits of precision.

    float16 halves the file; the answers differ by less than 0.001.
    """
    with_activations(model).export(
        file,
        format="litert",
        verbose=False,
        optimizations=[tf.lite.Optimize.DEFAULT],
        target_spec={"supported_types": [tf.float16]},
    )
