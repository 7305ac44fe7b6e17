"""Recipe -> keras.Model. Layer names and shapes are those that `Recipe.layers` tells beforehand."""

import os
from pathlib import Path

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")  # TensorFlow's start-up notices are not for our logs

import keras
import tensorflow as tf
from keras import layers

from digitrec.recipe import CLASSES, SIDE, Recipe

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
    """Return the recipe's network, with fresh weights, compiled to be trained in `steps` batches.

    It has the weights of `build` in the same order. A recipe with pen strokes has an eleventh answer, no digit,
    whose logit is always 0: the logarithm of the sum of the others' exponentials is then how much speaks for
    a digit. With label smoothing, labels are one-hot.
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
    smoothing = recipe.label_smoothing
    model.compile(
        optimizer=_OPTIMIZERS[recipe.optimizer](_learning_rate(recipe, steps)),
        loss=keras.losses.CategoricalCrossentropy(label_smoothing=smoothing)
        if smoothing
        else "sparse_categorical_crossentropy",
        metrics=["accuracy"],
        steps_per_execution=steps_per_execution(recipe),
    )
    return model


def _model(recipe: Recipe, glyph: keras.KerasTensor, answers: keras.KerasTensor) -> keras.Model:
    return keras.Model(glyph, answers, name=recipe.name.replace(".", "_"))


def _learning_rate(recipe: Recipe, steps: int) -> "float | keras.optimizers.schedules.LearningRateSchedule":
    if recipe.schedule == "constant":
        return float(recipe.learning_rate)
    rising = max(1, steps // 20)
    return keras.optimizers.schedules.CosineDecay(
        0.0, max(1, steps - rising), warmup_target=float(recipe.learning_rate), warmup_steps=rising
    )


def _logits(recipe: Recipe, glyph: keras.KerasTensor) -> keras.KerasTensor:
    """Return one number a digit (N, 10), float32 whatever the precision before it."""
    x = glyph
    if recipe.scaling == "unit-length":
        x = _unit_columns(x)
    if recipe.blocks:
        x = layers.Reshape((SIDE, SIDE, 1), name="channel")(x)
    for number, block in enumerate(recipe.blocks, 1):
        activation = None if block.batch_norm else recipe.activation
        x = layers.Conv2D(
            block.filters, block.kernel, padding=block.padding, activation=activation, name=f"conv_{number}"
        )(x)
        if block.batch_norm:
            x = layers.BatchNormalization(name=f"norm_{number}")(x)
            x = layers.Activation(recipe.activation, name=f"activation_{number}")(x)
        if block.pool > 1:
            x = layers.MaxPooling2D(block.pool, name=f"pool_{number}")(x)
    x = layers.Flatten(name="flat")(x)
    for number, width in enumerate(recipe.hidden, 1):
        x = layers.Dense(width, recipe.activation, name=f"dense_{number}")(x)
        if recipe.dropout:
            x = layers.Dropout(recipe.dropout, name=f"dropout_{number}")(x)
    return layers.Dense(CLASSES, name="logits", dtype="float32")(x)


def steps_per_execution(recipe: Recipe) -> int:
    """Return how many batches run between two looks at the clock: about 640 digits, at most 20 batches."""
    return max(1, min(20, 640 // recipe.batch_size))


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
