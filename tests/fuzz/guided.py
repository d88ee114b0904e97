"""`python -m tests.fuzz.guided PART… CORPUS [libfuzzer options]`: atheris looks for inputs by what they reach.

Atheris is installed by whoever runs this (`pip install atheris`): it is no dependency of the tests.
"""

from __future__ import annotations

import importlib
import sys
from pathlib import Path


def main(words: list[str]) -> None:
    atheris = importlib.import_module("atheris")
    with atheris.instrument_imports(include=["proxyd"]):
        parts = importlib.import_module("tests.fuzz.rtsp_parts")
    seeds = importlib.import_module("tests.fuzz.rtsp_seeds").SEEDS
    chosen = [parts.PARTS[word] for word in words if word in parts.PARTS]
    options = [word for word in words if word not in parts.PARTS]
    corpus = Path(options[0])
    corpus.mkdir(parents=True, exist_ok=True)
    for part in range(len(chosen)):
        for number, seed in enumerate(seeds):
            (corpus / f"seed-{part}-{number}").write_bytes(bytes((part,)) + seed)

    def one(data: bytes) -> None:
        """The first byte says which part."""
        if data:
            chosen[data[0] % len(chosen)](data[1:])

    atheris.Setup([sys.argv[0], *options], one)
    atheris.Fuzz()


main(sys.argv[1:])
