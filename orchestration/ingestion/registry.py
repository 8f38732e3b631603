"""Every vendor that can be landed: each module of this package that exposes ``SPEC``.

A new vendor is a new module; nothing here names one.
"""

from __future__ import annotations

import importlib
import pkgutil

import orchestration.ingestion as package
from orchestration.ingestion.specs import VendorSpec

# Modules of the machinery; `assets` and its like would import Dagster, which a look for new files
# cannot afford.
_MACHINERY = {
    "assets",
    "deliveries",
    "errors",
    "hashing",
    "landing",
    "readers",
    "registry",
    "sources",
    "specs",
    "text_files",
}


def _discover() -> dict[str, VendorSpec]:
    vendors: dict[str, VendorSpec] = {}
    for module in pkgutil.iter_modules(package.__path__):
        if module.name in _MACHINERY:
            continue
        spec = getattr(importlib.import_module(f"{package.__name__}.{module.name}"), "SPEC", None)
        if isinstance(spec, VendorSpec):
            vendors[spec.name] = spec
    return dict(sorted(vendors.items()))


VENDORS: dict[str, VendorSpec] = _discover()
