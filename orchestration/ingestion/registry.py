"""Every vendor that can be landed: each module of ``vendors`` that exposes ``SPEC``.

A new vendor is a new module; nothing here names one.
"""

from __future__ import annotations

import importlib
import pkgutil

from orchestration.ingestion import vendors
from orchestration.ingestion.specs import VendorSpec


def _discover() -> dict[str, VendorSpec]:
    found: dict[str, VendorSpec] = {}
    for module in pkgutil.iter_modules(vendors.__path__):
        spec = getattr(importlib.import_module(f"{vendors.__name__}.{module.name}"), "SPEC", None)
        if isinstance(spec, VendorSpec):
            found[spec.name] = spec
    return dict(sorted(found.items()))


VENDORS: dict[str, VendorSpec] = _discover()
