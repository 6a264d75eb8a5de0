"""The suite as a command, from any folder. Its options are pytest's and the suite's.

Its first argument may be the name of another command instead (``commands.py``).
"""

import signal
import sys
from pathlib import Path

import pytest

from conformance import commands

_SUITE = Path(__file__).parent


def main() -> int:
    """Run the suite with the arguments of the command line; the exit status is pytest's, or 10."""
    if sys.argv[1:2] and sys.argv[1] in commands.NAMES:
        signal.signal(signal.SIGPIPE, signal.SIG_DFL)  # whoever reads may have seen enough: compare … | head
        return commands.main(sys.argv[1:])
    cache = f"cache_dir={Path.cwd() / '.pytest_cache'}"  # not beside the installed package
    return int(pytest.main([str(_SUITE), f"--rootdir={_SUITE.parent}", "-o", cache, *sys.argv[1:]]))


if __name__ == "__main__":
    sys.exit(main())
