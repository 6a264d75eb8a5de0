"""The documents as pages (Sphinx with MyST): ``make docs``. The catalogue is written from ``spec/``."""

import sys
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE.parent))

from docs import pages  # noqa: E402

project = "oip-conformance"
extensions = ["myst_parser"]
html_theme = "furo"
html_title = "Open Inference Protocol conformance"
exclude_patterns = ["results"]
myst_heading_anchors = 3
nitpicky = True


def setup(app: Any) -> None:
    """Write the pages of the catalogue before anything is read."""
    pages.write(HERE / "catalogue")
