"""Recipe -> a plain Keras script of the same network and the same training, to read, keep and change.

Text only: nothing here imports Keras. The script does not need digitrec.
"""

import json

from digitrec.recognition.digits import SIDE
from digitrec.training import schedule
from digitrec.training.layers import MNIST_DEVIATION, MNIST_MEAN
from digitrec.training.recipe import Recipe

_OPTIMIZERS = {"adam": "Adam", "adamw": "AdamW", "rmsprop": "RMSprop", "sgd": "SGD"}


def keras_script(recipe: Recipe) -> str:
    """Return a Keras script that trains what `recipe` trains.

    It runs as it is where `keras`, `tensorflow` and `numpy` are installed: it downloads MNIST, holds out the same
    validation digits, trains, tests and saves the network. Its batches come in another order than in the app, and its
    distortions are drawn at random, so its figures differ by chance.
    """
    parts = [_head(recipe), _digits(recipe)]
    if recipe.augmentation.any:
        parts.append(_distortions(recipe))
    parts += [_network(recipe), _training(recipe), _test(recipe)]
    return "\n\n".join(part.strip("\n") for part in parts) + "\n"


def _head(recipe: Recipe) -> str:
    tensorflow = "import tensorflow as tf\n" if recipe.augmentation.any else ""
    left_out = _STROKES if recipe.strokes else _TEACHER.format(teacher=recipe.teacher) if recipe.teacher else ""
    precision = {"bfloat16": _PRECISION, "auto": _AUTO_PRECISION}.get(recipe.precision, "")
    return f'''
"""{recipe.name}: read handwritten digits with {"a CNN" if recipe.kind == "cnn" else "an MLP"}.
{left_out}
Once:  python -m pip install keras tensorflow numpy
"""

import keras
import numpy as np
{tensorflow}from keras import layers

# The same first weights and the same order of the digits each time this runs.
keras.utils.set_random_seed({recipe.seed})
{precision}'''


_STROKES = """
digitrec trains it on glyphs made of UNIPEN's pen strokes too, with letters among them as non-digits.
They do not come with Keras: this script trains on MNIST alone.
"""

_TEACHER = """
digitrec trains it by distillation: the probabilities that another model, {teacher}, gives for each
distorted digit take the place of the label. This script has no other model: it trains on the labels, and
ends with more errors.
"""

_PRECISION = """
# Multiply with 8 bits of fraction, which is faster; the weights themselves stay float32.
keras.config.set_dtype_policy("mixed_bfloat16")
"""

_AUTO_PRECISION = """
# A processor that multiplies with 8 bits of fraction (AVX512-BF16, AMX) trains faster with the next line,
# any other far slower; the weights themselves stay float32.
# keras.config.set_dtype_policy("mixed_bfloat16")
"""


def _digits(recipe: Recipe) -> str:
    held_out = recipe.validation_digits
    return f"""
# MNIST: 60,000 digits to train on and 10,000 to test with. Each is {SIDE} x {SIDE} pixels from
# 0 (paper) to 255 (ink). Networks learn best from small numbers: make that 0 to 1.
(x, y), (x_test, y_test) = keras.datasets.mnist.load_data()
x, x_test = x.astype("float32") / 255, x_test.astype("float32") / 255

# Hold {held_out:,} digits out for validation. The network never trains on them, so they show whether it
# learns to read or only memorises its digits. The test digits must not be used for that: a figure
# that helped to choose anything no longer says how well unseen digits are read.
order = np.random.default_rng({recipe.seed}).permutation(len(x))
held_out, rest = order[:{held_out}], order[{held_out}:]
x_val, y_val = x[held_out], y[held_out]
x_train, y_train = x[rest], y[rest]
{_ONE_HOT if recipe.one_hot else ""}"""


_ONE_HOT = """
# The loss below wants each label as ten numbers: 1 for the true digit, 0 for the others.
y_train, y_val, y_test = (keras.utils.to_categorical(labels, 10) for labels in (y_train, y_val, y_test))
"""


def _distortions(recipe: Recipe) -> str:
    amounts = recipe.augmentation
    blocks, steps = [], ["x = x[..., None]  # (N, 28, 28, 1): these functions want a colour axis"]
    if layers := _random_layers(recipe):
        blocks.append("move = keras.Sequential(\n    [\n" + _lines(layers, 8) + "    ]\n)")
        move = "move(x, training=True)"
        steps.append(f"x = {move}" if recipe.precision == "float32" else f'x = tf.cast({move}, "float32")')
    if amounts.shear:
        blocks.append(_SHEAR.format(amount=float(amounts.shear)))
        steps.append("x = lean(x)")
    if amounts.elastic:
        blocks.append(_ELASTIC.format(amount=float(amounts.elastic)))
        steps.append("x = elastic(x)")
    if amounts.thickness:
        blocks.append(_THICKNESS.format(amount=float(amounts.thickness)))
        steps.append("x = thickness(x)")
    steps.append("return x[..., 0], y")
    blocks.append("def distorted(x, y):\n" + "\n".join(f"    {step}" for step in steps))
    blocks.append(_DISTORTED_BATCHES.format(batch_size=recipe.batch_size))
    return _WHY_DISTORT + "\n\n\n".join(blocks)


def _random_layers(recipe: Recipe) -> list[str]:
    amounts, paper = recipe.augmentation, 'fill_mode="constant", fill_value=0.0'
    layers = []
    if amounts.shift:
        share = f"{float(amounts.shift)} / {SIDE}"
        layers.append(f"layers.RandomTranslation({share}, {share}, {paper}),")
    if amounts.turn:
        layers.append(f"layers.RandomRotation({float(amounts.turn)} / 360, {paper}),")
    if amounts.zoom:
        layers.append(f"layers.RandomZoom({float(amounts.zoom)}, {paper}),")
    return layers


def _lines(lines: list[str], indent: int) -> str:
    return "".join(f"{' ' * indent}{line}\n" for line in lines)


_WHY_DISTORT = """
# Distort the training digits, differently in each epoch: the network cannot memorise them, and sees more
# handwritings than there are in MNIST. Each digit has random amounts, up to those that digitrec uses for
# this recipe. Validation and test digits stay as they are.
"""

_DISTORTED_BATCHES = """
train = (
    tf.data.Dataset.from_tensor_slices((x_train, y_train))
    .shuffle(len(x_train))
    .batch({batch_size})
    .map(distorted)
    .prefetch(tf.data.AUTOTUNE)
)
""".strip("\n")


_SHEAR = '''
def lean(x):
    """Shear each digit: its rows move sideways by up to {amount} px per row, the middle one stays."""
    k = tf.random.uniform((tf.shape(x)[0],), -{amount}, {amount})
    one, none = tf.ones_like(k), tf.zeros_like(k)
    fetched_from = tf.stack([one, k, -13.5 * k, none, one, none, none, none], axis=1)
    return keras.ops.image.affine_transform(x, fetched_from, fill_mode="constant", fill_value=0.0)
'''.strip("\n")

_ELASTIC = '''
def elastic(x):
    """Move the parts of each digit by up to {amount} px, neighbours together."""
    count = tf.shape(x)[0]
    # 4 x 4 random arrows per digit, interpolated over its pixels; the longest gets a random length.
    arrows = tf.image.resize(tf.random.normal((count, 4, 4, 2)), (28, 28), "bicubic")
    longest = tf.reduce_max(tf.norm(arrows, axis=-1), axis=(1, 2))
    arrows *= (tf.random.uniform((count,), 0, {amount}) / longest)[:, None, None, None]
    # Each pixel comes from where its arrow points to: bilinear interpolation of the four pixels around
    # that place. Beyond the edges is paper.
    rows, columns = tf.meshgrid(tf.range(28.0), tf.range(28.0), indexing="ij")
    row = tf.clip_by_value(rows + arrows[..., 0], -1, 28) + 1
    column = tf.clip_by_value(columns + arrows[..., 1], -1, 28) + 1
    framed = tf.pad(x, ((0, 0), (1, 2), (1, 2), (0, 0)))
    result = tf.zeros_like(x)
    for r in (tf.floor(row), tf.floor(row) + 1):
        for c in (tf.floor(column), tf.floor(column) + 1):
            weight = (1 - tf.abs(row - r)) * (1 - tf.abs(column - c))
            places = tf.cast(tf.stack([r, c], axis=-1), "int32")
            result += weight[..., None] * tf.gather_nd(framed, places, batch_dims=1)
    return result
'''.strip("\n")

_THICKNESS = '''
def thickness(x):
    """Make strokes wider or thinner by up to {amount} px."""
    px = tf.random.uniform((tf.shape(x)[0], 1, 1, 1), -{amount}, {amount})
    # grow and shrink move both edges by one pixel, which is two pixels of width: go part of the way.
    return x + tf.abs(px) / 2 * (tf.where(px > 0, grow(x), shrink(x)) - x)


def grow(x):
    """Dilate: move the edges of strokes one pixel out; a pixel gets the most ink that it or a neighbour has."""
    square = tf.nn.max_pool2d(x, 3, 1, "SAME")
    cross = tf.maximum(tf.nn.max_pool2d(x, (3, 1), 1, "SAME"), tf.nn.max_pool2d(x, (1, 3), 1, "SAME"))
    return (square + cross) / 2  # nearly round


def shrink(x):
    """Erode: move the edges of strokes one pixel in, by dilating the paper; strokes too thin for that stay."""
    eroded = 1 - grow(1 - x)
    return eroded + x - tf.minimum(grow(eroded), x)
'''.strip("\n")


_COMMENTS = {
    "UnitNormalization": "gives each column of pixels length 1",
    "Rescaling": f"(x - {MNIST_MEAN}) / {MNIST_DEVIATION}: pixels of mean 0, deviation 1",
    "Reshape": "convolutions want a colour axis; ink has one colour",
    "GlobalAveragePooling2D": "one number per map: its mean",
    "Flatten": "the dense layers see one long row of numbers",
    "Dropout": "in training, leaves that fraction out at random",
    "logits": "one number per digit, 0 to 9 ...",
    "probabilities": "... made into probabilities that add up to 1",
}
"""What stands beside a layer, by its class or its name."""


def _network(recipe: Recipe) -> str:
    lines = []
    for layer in recipe.keras_layers():
        options = [f"{name}={_literal(value)}" for name, value in layer.options.items()]
        comment = _COMMENTS.get(layer.name) or _COMMENTS.get(layer.keras)
        call = f"layers.{layer.keras}({', '.join([*map(_literal, layer.arguments), *options])}),"
        lines.append(f"{call}  # {comment}" if comment else call)
    return "model = keras.Sequential(\n    [\n" + _lines(lines, 8) + "    ]\n)\nmodel.summary()"


def _literal(value: object) -> str:
    """Return a value as Python source, words in double quotes."""
    return json.dumps(value) if isinstance(value, str) else repr(value)


def _training(recipe: Recipe) -> str:
    shuffled = ["train,", "shuffle=False,  # train shuffles by itself"]
    data = shuffled if recipe.augmentation.any else ["x_train,", "y_train,", f"batch_size={recipe.batch_size},"]
    options = [f"epochs={recipe.epochs},", "validation_data=(x_val, y_val),"]
    early = _EARLY.format(patience=recipe.patience) if recipe.patience else ""
    if early:
        options.append("callbacks=[stop],")
    rates = _SCHEDULES[recipe.schedule].format(
        batch_size=recipe.batch_size, epochs=recipe.epochs, peak=float(recipe.learning_rate)
    )
    rate = "rate" if rates else float(recipe.learning_rate)
    compiled = _COMPILE.format(optimizer=f"{_OPTIMIZERS[recipe.optimizer]}({rate})", loss=_loss(recipe))
    return rates + compiled + early + "model.fit(\n" + _lines(data + options, 4) + ")"


def _loss(recipe: Recipe) -> str:
    if recipe.one_hot:
        return f"keras.losses.CategoricalCrossentropy(label_smoothing={float(recipe.label_smoothing)})"
    return '"sparse_categorical_crossentropy"'


_STEPS = "steps = {epochs} * -(-len(x_train) // {batch_size})\n"

_SCHEDULES = {
    "constant": "",
    "cosine": f"""
# Small steps at first, the largest after a twentieth of them all, then smaller and smaller along a cosine.
{_STEPS}rising = max(1, steps // {schedule.RISE["cosine"]})
rate = keras.optimizers.schedules.CosineDecay(
    0.0, max(1, steps - rising), warmup_target={{peak}}, warmup_steps=rising
)
""",
    "exponential": f"""
# Large steps at first, then each a little smaller than the one before, down to a hundredth.
{_STEPS}rate = keras.optimizers.schedules.ExponentialDecay({{peak}}, steps, {schedule.FALL})
""",
    "one-cycle": f"""
@keras.saving.register_keras_serializable("digitrec")
class OneCycle(keras.optimizers.schedules.LearningRateSchedule):
    \"""Small steps at first, the largest after a fifth of them all, then smaller and smaller, down to none.\"""

    def __init__(self, peak, steps):
        super().__init__()
        self.peak, self.steps = peak, steps

    def __call__(self, step):
        done, rising = keras.ops.cast(step, "float32"), max(1, self.steps // {schedule.RISE["one-cycle"]})
        return self.peak * keras.ops.minimum(done / rising, (self.steps - done) / max(1, self.steps - rising))

    def get_config(self):
        return {{{{"peak": self.peak, "steps": self.steps}}}}


{_STEPS}rate = OneCycle({{peak}}, steps)
""",
}

_COMPILE = """
model.compile(
    optimizer=keras.optimizers.{optimizer},
    loss={loss},  # minus the logarithm of the true digit's probability
    metrics=["accuracy"],
)

"""

_EARLY = """
# End early when the validation loss has not fallen for this many epochs, and take the best weights back.
stop = keras.callbacks.EarlyStopping(monitor="val_loss", patience={patience}, restore_best_weights=True)

""".lstrip("\n")


def _test(recipe: Recipe) -> str:
    return f"""
# The test digits are used once, at the very end.
loss, accuracy = model.evaluate(x_test, y_test, verbose=0)
print(f"Test digits read: {{accuracy:.2%}}")
model.save("{recipe.name}.keras")
"""
