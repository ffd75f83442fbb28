"""What is asked of each peer: the file, a folder of its own, and the rules."""

import json
import sys

path, folder = sys.argv[1], sys.argv[2]
V, KEY, SHAPES, SETS, LENGTHS = json.loads(sys.argv[3])


def told(found: dict[str, int]) -> None:
    """Rule → how many rows break it."""
    print("FOUND " + json.dumps(found))
