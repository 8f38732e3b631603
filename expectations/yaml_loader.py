"""How YAML files are read: safely, and by the parser in C where PyYAML was built with it.

The plan, the catalogue and the list of sources are read several times a run; in Python that is a
twentieth of a small run.
"""

from __future__ import annotations

from typing import Any

import yaml

Loader: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
