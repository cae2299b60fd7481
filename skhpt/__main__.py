"""``python -m skhpt``: lists, watches, reports and shows the searches that write journals."""

from __future__ import annotations

import sys

from skhpt.cli.main import main

if __name__ == "__main__":
    sys.exit(main())
