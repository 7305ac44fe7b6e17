"""Digits and a model -> the digits with its answers: in doubt it looks again, and what the detector says is fused."""

import dataclasses
from typing import Any

import numpy as np
from numpy.typing import NDArray

from digitrec.imaging.warp import turned as tilted
from digitrec.recognition import connected_parts, fusion
from digitrec.recognition.calibration import Answers
from digitrec.recognition.connected_parts import Reader
from digitrec.recognition.results import NOT_A_DIGIT, SURE, UNCERTAIN, Digit, likely

Floats = NDArray[np.float32]

TILT = 8.0
"""Degrees by which a digit in doubt is turned to each side; of 5, 8 and 11 it mends most held-out UNIPEN digits."""


def asked(digits: tuple[Digit, ...], predictor: Reader, known: Answers | None = None) -> tuple[Digit, ...]:
    """Return digits with the model's answers, those in doubt with test-time augmentation.

    Args:
        digits: The digits.
        predictor: The model.
        known: What it says of their glyphs, where it was asked before.
    """
    if not digits:
        return ()
    seen = np.stack([digit.glyph for digit in digits])
    answers = test_time_augmented(seen, predictor.answers(seen) if known is None else known, predictor)
    answers = fused(digits, answers)
    return tuple(
        dataclasses.replace(digit, **_answer(digit, shares, float(score)))
        for digit, shares, score in zip(digits, answers.probabilities, answers.is_digit, strict=True)
    )


def fused(digits: tuple[Digit, ...], answers: Answers) -> Answers:
    """Return the answers with what the detector says of those digits that it was asked of."""
    probabilities, is_digit = answers.probabilities.copy(), answers.is_digit.copy()
    found = []
    for place, digit in enumerate(digits):
        if digit.evidence is not None and digit.detected is not None:
            is_digit[place] = fusion.is_digit(digit.evidence, digit.trust, is_digit[place])
            probabilities[place] = fusion.classes(probabilities[place][None], digit.detected[None], digit.weight)[0]
            found += [place] if digit.by_hand is None else []
    if found:
        logits = fusion.logit(is_digit[found])
        is_digit[found] = 1.0 / (1.0 + np.exp(fusion.threshold(logits) - logits))
    return Answers(probabilities, is_digit)


def in_doubt(answers: Answers) -> NDArray[np.bool_]:
    """Return which of N answers (N,) are of a digit, but no one digit has the probability SURE."""
    return np.asarray((answers.probabilities.max(axis=1) < SURE) & (answers.is_digit >= connected_parts.DIGIT))


def test_time_augmented(seen: Floats, answers: Answers, predictor: Reader) -> Answers:
    """Return answers in which a digit in doubt was read again, rotated by TILT to each side.

    The three answers count alike: what the net computed is averaged before the softmax. What is sure stays as it is,
    and so does a non-digit.

    Args:
        seen: float32 (N, 28, 28), the glyphs.
        answers: What the model says of them.
        predictor: The model.
    """
    doubted = in_doubt(answers)
    if not doubted.any():
        return answers
    sides = np.concatenate([tilted(seen[doubted], degrees) for degrees in (-TILT, TILT)])
    looks = np.stack([answers.probabilities[doubted], *np.split(predictor.answers(sides).probabilities, 2)])
    logarithms = np.log(np.maximum(looks, np.finfo(np.float32).tiny)).mean(axis=0)
    shares = np.exp(logarithms - logarithms.max(axis=1, keepdims=True))
    probabilities = answers.probabilities.copy()
    probabilities[doubted] = shares / shares.sum(axis=1, keepdims=True)
    return Answers(probabilities, answers.is_digit)


def _answer(digit: Digit, probabilities: Floats, is_digit: float) -> dict[str, Any]:
    """Return the fields of `Digit` that a model decides."""
    best = int(probabilities.argmax())
    flag = None if len(likely(probabilities)) == 1 else UNCERTAIN
    if is_digit < connected_parts.DIGIT or digit.punctuation or not (digit.glyph.any() or digit.detected is not None):
        flag = NOT_A_DIGIT
    answer = {"digit": best, "confidence": float(probabilities[best]), "probabilities": probabilities}
    return answer | {"is_digit": is_digit, "flag": flag}
