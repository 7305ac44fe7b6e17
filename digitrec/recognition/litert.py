"""Open the nets that find digits on pages, which came with the project as LiteRT files."""

from pathlib import Path

from ai_edge_litert.interpreter import Interpreter

from digitrec.errors import ModelError
from digitrec.recognition.litert_notice import without_notice


def opened(file: Path, name: str, shape: tuple[int, int, int, int], outputs: int) -> Interpreter:
    """Return the interpreter of a net with one input and one output, ready for an input of this shape.

    Args:
        file: A `.tflite` file.
        name: Of the net, for the error.
        shape: Of the input: batch, height, width, channels.
        outputs: Channels of the output.

    Raises:
        ModelError: If the file is missing, damaged or of another kind.
    """
    try:
        content = file.read_bytes()
    except OSError as error:
        raise ModelError(f"The {name} is missing. Install digitrec again.") from error
    try:
        interpreter = Interpreter(model_content=content, num_threads=1)
        with without_notice():
            interpreter.resize_tensor_input(interpreter.get_input_details()[0]["index"], shape)
            interpreter.allocate_tensors()
        channels = int(interpreter.get_output_details()[0]["shape"][-1])
    except (ValueError, RuntimeError, IndexError) as error:
        raise ModelError(f"The {name} is damaged. Install digitrec again.") from error
    if channels != outputs:
        raise ModelError(f"The {name} does not match this version of digitrec. Install digitrec again.")
    return interpreter
