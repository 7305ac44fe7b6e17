"""The recipes that come with the project: those of five published tutorials, and our own."""

from dataclasses import dataclass

from digitrec.imaging.augmentation import Augmentation
from digitrec.training.recipe import ConvBlock, Recipe


@dataclass(frozen=True)
class PublishedCurve:
    """The course of a training as its source prints it.

    Attributes:
        epochs: The epochs, from 1, of which the source's figures are known.
        loss: Training loss at the end of each.
        accuracy: Training accuracy at the end of each, 0 to 1.
        val_accuracy: Accuracy on the source's validation digits at the end of each, 0 to 1.
    """

    epochs: tuple[int, ...]
    loss: tuple[float, ...]
    accuracy: tuple[float, ...]
    val_accuracy: tuple[float, ...]


@dataclass(frozen=True)
class Preset:
    """A recipe that comes with the project: one that was published, or one of ours.

    Attributes:
        recipe: The recipe.
        title: What it is, in a few words.
        source: Who published it and where, and how this recipe differs from it; for ours, how it was chosen.
        published: The published figure in words, or `no figure`; empty for ours.
        accuracy: The published test accuracy, 0 to 1, or None where no figure was given.
        lesson: One sentence on what it shows.
        curve: The published course of its training, where there is one.
        seeds: What `make models` trains it with.
        fine_tuning: Epochs of the fine-tuning cycle that `make models` adds, see `fine_tuning`; 0 for none.
    """

    recipe: Recipe
    title: str
    source: str
    published: str
    accuracy: float | None
    lesson: str
    curve: PublishedCurve | None = None
    seeds: tuple[int, ...] = (1, 2, 3, 4, 5)
    fine_tuning: int = 0


_HELD_OUT = "Here 5,000 of the 60,000 training digits are held out for validation."
_RAW_PIXELS = "It trains on columns scaled to length 1 but predicts on raw pixels, 0 to 255."

_READER = Recipe(
    "reader",
    kind="cnn",
    blocks=(
        ConvBlock(32, 3, 2, padding="valid"),
        ConvBlock(64, 3, 1, True, "valid"),
        ConvBlock(64, 3, 1, True, "valid"),
        ConvBlock(128, 3, 1, True, "valid"),
        ConvBlock(128, 3, 1, True, "valid"),
        ConvBlock(192, 3, 1, True, "valid"),
    ),
    hidden=(256,),
    dropout=0.3,
    optimizer="adamw",
    learning_rate=0.003,
    schedule="cosine",
    label_smoothing=0.05,
    batch_size=256,
    epochs=70,
    validation=0.05,
    strokes=True,
    precision="auto",
    augmentation=Augmentation(shift=2.0, turn=12.0, zoom=0.12, thickness=0.4, elastic=1.2),
)

_CHOSEN = "by its validation accuracy; the test digits had no part in the choice."

PRESETS: dict[str, Preset] = {
    preset.recipe.name: preset
    for preset in (
        Preset(
            Recipe("mlp-128", hidden=(128,), scaling="unit-length", epochs=3),
            "One hidden layer of 128 units",
            "A. N. Druzik, supervised by N. A. Gulyakina: Creating convolutional neural network for handwritten digit "
            "recognition, Science Time, Belarusian State University of Informatics and Radioelectronics (CC BY). "
            f"Despite its title, the code is an MLP. {_RAW_PIXELS} {_HELD_OUT}",
            "no figure",
            None,
            "A single layer that sees all pixels at once reads 97 % of MNIST, because all digits there are centred and "
            "of one size.",
        ),
        Preset(
            Recipe("mlp-128-128", hidden=(128, 128), scaling="unit-length", epochs=3),
            "Two hidden layers of 128 units",
            "NeuralNine: Handwritten Digits Recognition With Tensorflow, "
            f"github.com/NeuralNine/handwritten-digits-recognition. {_RAW_PIXELS} {_HELD_OUT}",
            "about 97 %",
            0.97,
            "A second layer adds little: what an MLP lacks is not depth but a notion that a digit may move.",
        ),
        Preset(
            Recipe("mlp-30-10", hidden=(30, 10), epochs=30),
            "Two small hidden layers, 30 and 10 units",
            "O. A. Kozlovskyi, supervised by Y. V. Ivanchuk: Application of neural networks and the Keras library for "
            "digit recognition in images (in Ukrainian), Vinnytsia National Technical University. "
            f"It too holds out a validation set. {_HELD_OUT}",
            "96.46 %, loss 0.2351",
            0.9646,
            "Within 30 epochs the validation loss rises while the training loss still falls: this is overfitting.",
        ),
        Preset(
            Recipe(
                "cnn-5x5",
                kind="cnn",
                blocks=(ConvBlock(32, 5, 2), ConvBlock(64, 5, 2)),
                hidden=(1024,),
                dropout=0.5,
                learning_rate=1e-4,
                batch_size=64,
                epochs=10,
            ),
            "Two 5 x 5 convolutions and a dense layer of 1,024 units",
            "Deep learning: TensorFlow (project) recognizes your own handwritten digits (based on CNN), web tutorial "
            "of 14 October 2021, posted by jakebur01. It validates on the test digits and takes 119 to 158 s per "
            f"epoch. {_HELD_OUT}",
            "99.24 %",
            0.9924,
            "A convolution applies one small kernel everywhere, so it recognizes a stroke wherever it is; "
            "dropout keeps 3 million weights from memorizing the training digits.",
            PublishedCurve((1, 10), (0.3319, 0.0208), (0.9055, 0.9937), (0.9728, 0.9924)),
        ),
        Preset(
            Recipe(
                "cnn-3x3",
                kind="cnn",
                blocks=(ConvBlock(32, 3, 2, padding="valid"), ConvBlock(64, 3, 2, padding="valid")),
                hidden=(128,),
                epochs=3,
                validation=0.2,
            ),
            "Two 3 x 3 convolutions and a dense layer of 128 units",
            "CNN for handwritten numbers recognition, web article. "
            "It trains on 48,000 digits and validates on 12,000, and so does this recipe.",
            "98.57 %",
            0.9857,
            "With a fourteenth of the weights of cnn-5x5 it loses half a percentage point: "
            "what makes a CNN good is its kernels, not its size.",
            PublishedCurve((1, 2, 3), (0.1872, 0.0635, 0.0418), (0.9445, 0.98, 0.9864), (0.9766, 0.9793, 0.9841)),
        ),
        Preset(
            Recipe(
                "cnn-fast",
                kind="cnn",
                blocks=(
                    ConvBlock(16, 4, 1, padding="valid", stride=2),
                    ConvBlock(32, 4, 1, True, "valid", 2, False),
                    ConvBlock(64, 3, 1, True, "valid", 1, False),
                ),
                hidden=(128,),
                hidden_norm=True,
                norm_momentum=0.9,
                learning_rate=0.012,
                schedule="one-cycle",
                batch_size=256,
                epochs=3,
                scaling="standard",
                precision="auto",
            ),
            "The fastest way to the accuracy of cnn-5x5",
            f"Ours: among a dozen networks trained for two or three epochs, the best for its time, {_CHOSEN}",
            "",
            None,
            "Convolutions with a stride of two do a quarter of the work; batch normalization and a learning rate that "
            "rises and falls let it learn in three epochs.",
        ),
        Preset(
            Recipe(
                "mlp-fast",
                hidden=(256, 128),
                hidden_norm=True,
                norm_momentum=0.9,
                learning_rate=0.012,
                schedule="one-cycle",
                batch_size=256,
                epochs=5,
                scaling="standard",
                augmentation=Augmentation(shift=1.0),
            ),
            "The fastest way to 98.5 % with an MLP",
            f"Ours: widths, batch size, epochs, learning rate and augmentation, among a dozen, {_CHOSEN}",
            "",
            None,
            "Digits shifted by up to a pixel in every epoch teach an MLP what is built into a CNN.",
        ),
        Preset(
            Recipe(
                "cnn-small",
                kind="cnn",
                blocks=(
                    ConvBlock(8, 3, 1, True, "valid", 1, False),
                    ConvBlock(12, 3, 2, True, "valid", 1, False),
                    ConvBlock(14, 3, 1, True, "valid", 1, False),
                    ConvBlock(14, 3, 1, True, "valid", 1, False),
                    ConvBlock(16, 3, 1, True, "valid", 1, False),
                ),
                mean_maps=True,
                hidden=(),
                norm_momentum=0.95,
                learning_rate=0.02,
                schedule="one-cycle",
                batch_size=128,
                epochs=15,
                scaling="standard",
                augmentation=Augmentation(shift=1.5, turn=8.0, zoom=0.08, shear=0.12),
            ),
            "The fewest parameters above 99.4 %",
            f"Ours: the best of three networks of about 7,000 parameters, each trained for ten epochs, {_CHOSEN}",
            "",
            None,
            "Most parameters of a CNN are in its dense layers: with the mean of each map instead, 6,654 are enough.",
        ),
        Preset(
            _READER.replace(
                name="mlp-best",
                kind="mlp",
                blocks=(),
                hidden=(1024, 640, 384),
                hidden_norm=True,
                norm_momentum=0.98,
                dropout=0.0,
                label_smoothing=0.0,
                epochs=200,
                validation=0.02,
                strokes=False,
                teacher="cnn-best",
                augmentation=Augmentation(shift=1.3, turn=16.0, zoom=0.17, shear=0.23, thickness=0.4, elastic=2.0),
            ),
            "The highest accuracy with an MLP",
            "Ours: the better of two networks, trained on the predictions of cnn-best (distillation). Labels, "
            "predictions and the mean of both were compared after 20 epochs on 10,000 held-out training digits. "
            "Under an hour on two cores.",
            "",
            None,
            "It learns the probabilities that a CNN gives each distorted digit: how much this 4 looks like a 9.",
            seeds=(1,),
            fine_tuning=6,
        ),
        Preset(
            _READER.replace(
                name="cnn-best",
                blocks=(
                    ConvBlock(48, 3, 2, padding="valid"),
                    ConvBlock(64, 3, 1, True, "valid", 1, False),
                    ConvBlock(96, 3, 1, True, "valid", 1, False),
                    ConvBlock(128, 3, 1, True, "valid", 1, False),
                    ConvBlock(160, 3, 1, True, "valid", 1, False),
                    ConvBlock(192, 3, 1, True, "valid", 1, False),
                ),
                hidden=(128,),
                epochs=50,
                validation=0.02,
                strokes=False,
                augmentation=Augmentation(shift=2.0, turn=12.0, zoom=0.12, shear=0.18, thickness=0.3, elastic=1.3),
            ),
            "The highest accuracy with a CNN",
            "Ours: a network like that of reader, trained on MNIST alone; no other was tried. "
            "Half an hour on two cores.",
            "",
            None,
            "It reads MNIST's digits better than reader does and real drawings worse, as it has seen no other pens.",
            seeds=(1,),
            fine_tuning=6,
        ),
        Preset(
            _READER,
            "The default model, a CNN for real handwriting",
            "Ours: trained on MNIST and on UNIPEN's pen strokes, drawn with many pens and preprocessed as in this app. "
            "Over an hour on two cores.",
            "",
            None,
            "Its training digits went through the same steps as yours, and letters taught it what is not a digit.",
            seeds=(1,),
            fine_tuning=6,
        ),
        Preset(
            _READER.replace(
                name="reader-mlp",
                kind="mlp",
                blocks=(),
                hidden=(1024, 512),
                dropout=0.25,
                epochs=90,
                precision="float32",
            ),
            "The best MLP for real handwriting",
            "Ours: the same digits, strokes and augmentation as reader, for a fair comparison of MLP and CNN. "
            "Half an hour on two cores.",
            "",
            None,
            "With the same data and more epochs it is still behind: it has to learn a stroke at each place separately.",
            seeds=(1,),
            fine_tuning=6,
        ),
    )
}
