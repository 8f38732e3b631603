"""The project's column lineage, for trust grades: computed once per state of the project.

Which columns a metric comes from depends on the models' SQL alone. A changed model is built anew
and whole in any case; only then the compiled models are read with sqlglot (some seconds), and the
result lies beside the manifest until a model, a reference table or the reading of SQL changes.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from orchestration.dbt_build import compile_models
from orchestration.home import PROJECT_ROOT, Home, engine
from orchestration.transformation import load_manifest, project_fingerprint_of

if TYPE_CHECKING:
    from expectations.project_lineage import ProjectLineage

_CACHE = "column_lineage.json"
# Of a whole build this model reads no table of what was touched.
_VISITS = "int_sessions_built"
_TOUCHED = "int_touched_"
_READERS = ("lineage.py", "project_lineage.py")


def project_lineage(home: Home) -> ProjectLineage:
    """What metrics and checks come from, by the models as they stand.

    Raises:
        TransformationError: dbt cannot compile the models.
    """
    from expectations.project_lineage import ProjectLineage, lineage_of, models_read

    project = project_fingerprint_of()
    state = hashlib.sha256(project.encode())
    for name in _READERS:
        state.update((PROJECT_ROOT / "expectations" / name).read_bytes())
    cache = home.dbt_target / _CACHE
    if cache.exists():
        stamp, _, text = cache.read_text(encoding="utf-8").partition("\n")
        if stamp == state.hexdigest():
            return ProjectLineage.from_json(text)
    manifest = load_manifest(home)
    needed = models_read(manifest)
    files = [compiled_file(home, manifest, name) for name in needed]
    if not all(file.exists() for file in files) or _is_of_part(
        compiled_file(home, manifest, _VISITS)
    ):
        os.environ.update(home.environment())
        compile_models(home.dbt_target, project, sorted(needed))
    found = lineage_of(
        {name: compiled_file(home, manifest, name).read_text(encoding="utf-8") for name in needed},
        manifest,
        engine(),
        PROJECT_ROOT / "seeds" / "reference",
    )
    temporary = cache.with_suffix(".tmp")
    temporary.write_text(f"{state.hexdigest()}\n{found.to_json()}", encoding="utf-8")
    temporary.replace(cache)
    return found


def _is_of_part(visits: Path) -> bool:
    """Whether models were last compiled to compute again what a run touched, and no more.

    What chooses those rows says nothing of what they come from.
    """
    lines = visits.read_text(encoding="utf-8").splitlines()
    return any(_TOUCHED in line and not line.startswith("--") for line in lines)


def compiled_file(home: Home, manifest: Mapping[str, Any], model: str) -> Path:
    """Return where dbt writes a model's compiled SQL whenever it builds the model."""
    node = manifest["nodes"][f"model.{manifest['metadata']['project_name']}.{model}"]
    return home.dbt_target / "compiled" / node["package_name"] / node["original_file_path"]
