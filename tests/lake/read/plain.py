"""Values of a frame as plain Python has them."""

from typing import Any

import numpy as np


def plain(value: Any) -> Any:
    """Return a value with lists in the place of arrays."""
    if isinstance(value, dict):
        return {name: plain(part) for name, part in value.items()}
    return value.tolist() if isinstance(value, np.ndarray) else value
