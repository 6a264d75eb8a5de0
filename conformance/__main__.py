"""The suite as a command, from any folder. Its options are pytest's and the suite's."""

import sys
from pathlib import Path

import pytest

_SUITE = Path(__file__).parent


def main() -> int:
    """Run the suite with the arguments of the command line; the exit status is pytest's, or 10."""
    cache = f"cache_dir={Path.cwd() / '.pytest_cache'}"  # not beside the installed package
    return int(pytest.main([str(_SUITE), f"--rootdir={_SUITE.parent}", "-o", cache, *sys.argv[1:]]))


if __name__ == "__main__":
    sys.exit(main())
