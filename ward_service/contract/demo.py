"""What a demo's ward and its invented people must agree on, without asking each other."""

import random


def usual_spo2(seed: int, index: int) -> float:
    """Return the resting SpO2, in per cent, of an invented person while they are well.

    `index` is their house in the street, counted from 0. The ward admits them with it, and their
    oximeter shows it: a trend is seen against the number at admission.
    """
    dice = random.Random(f"{seed}|{index}|usual spo2")  # noqa: S311 - a story, not a secret
    return dice.uniform(96.5, 98.5)
