"""What dbt makes for nobody, or anew in every process, and need not: patches of it in this process.

What dbt does comes out the same.
"""

from __future__ import annotations

import contextlib
import importlib.util
import marshal
import os
import re
import tempfile
from collections import ChainMap
from collections.abc import Iterator, Mapping
from functools import cache
from importlib.metadata import version
from pathlib import Path
from types import CodeType
from typing import TYPE_CHECKING, Any, cast

if TYPE_CHECKING:
    from dbt.contracts.graph.manifest import Manifest
    from dbt.graph.graph import UniqueId
    from jinja2.runtime import Context

#: Templates as a process before compiled them, beside what dbt parsed.
COMPILED_TEMPLATES = "compiled_templates.marshal"

_Template = tuple[str, str]

# A selector that means nodes by one part of their names: no method, path or wildcard.
_PLAIN_NAME = re.compile(r"\w+")

_NodesByName = dict[str, set["UniqueId"]]

_compiled: dict[_Template, CodeType] = {}
_new: set[_Template] = set()
# Of the manifest that was last asked for, which is kept lest another take its place in memory.
_named: list[tuple[Manifest, _NodesByName]] = []


@cache
def spare_dbt_work_for_nobody() -> None:
    """Keep dbt from making what nobody looks at: an eighth of the processor time of a small run.

    Debug events, nine of ten, are put together, scrubbed of secrets and formatted before anybody
    asks for their level. And each argument of a test gets a context of its own, for which all
    macros of the project are wrapped, though at most one or two are called: dbt makes contexts that
    wrap a macro when it is asked for, but the templates of arguments copy them whole. And templates
    are compiled each time that they are rendered, those of tests and arguments hundreds of times,
    and cycles are looked for from every source of the graph. And each name that a selection leaves
    out is compared with all nodes. And each statement that returns nothing gets an empty table of
    its own.
    """
    from dbt.compilation import Linker
    from dbt.graph.selector_methods import QualifiedNameSelectorMethod
    from dbt_common.clients import agate_helper
    from dbt_common.clients.jinja import (
        MacroFuzzEnvironment,
        MacroFuzzTemplate,
        NativeSandboxEnvironment,
        NativeSandboxTemplate,
    )
    from dbt_common.events.base_types import BaseEvent, DebugLevel, EventLevel
    from dbt_common.events.event_manager import EventManager
    from dbt_common.events.event_manager_client import ctx_set_event_manager
    from networkx import DiGraph, is_directed_acyclic_graph

    class HeardEvents(EventManager):
        """Events from level info on, which is the lowest that file and callback are told."""

        def fire_event(
            self,
            e: BaseEvent,
            level: EventLevel | None = None,
            node: Any = None,
            force_warn_or_error_handling: bool = False,
        ) -> None:
            if (level or e.level_tag()) in (EventLevel.DEBUG, EventLevel.TEST):
                return
            super().fire_event(e, level, node, force_warn_or_error_handling)

    def kept_for_later(event: DebugLevel, *arguments: Any, **said: Any) -> None:
        object.__setattr__(event, "_said", (arguments, said))

    def made_when_looked_at(event: DebugLevel, name: str) -> Any:
        if name != "pb_msg":
            return getattr(event.pb_msg, name)
        arguments, said = object.__getattribute__(event, "_said")
        BaseEvent.__init__(event, *arguments, **said)
        return object.__getattribute__(event, "pb_msg")

    class Names(ChainMap[str, Any]):
        """Two mappings: asked a hundred thousand times a run whether a name is in one of them."""

        def __contains__(self, name: object) -> bool:
            own, others = self.maps
            return name in own or name in others

    def names_of_macro(
        self: MacroFuzzTemplate,
        vars: dict[str, Any] | None = None,
        shared: bool = False,
        locals: Mapping[str, Any] | None = None,
    ) -> Context:
        if shared or locals or not self.globals:
            return new_context(self, vars, shared, locals)
        names = Names({} if vars is None else vars, self.globals)
        return self.environment.context_class(
            self.environment, cast("dict[str, Any]", names), self.name, self.blocks
        )

    class Argument(NativeSandboxTemplate):
        """A template that looks names up where dbt keeps them, instead of copying all."""

        def new_context(
            self,
            vars: dict[str, Any] | None = None,
            shared: bool = False,
            locals: Mapping[str, Any] | None = None,
        ) -> Context:
            seen = vars if shared else cast("dict[str, Any]", Names(vars or {}, self.globals))
            return super().new_context(seen, True, locals)

    edges_of_tests = Linker._get_multi_test_edges

    def edges_of_all_tests(graph: DiGraph, manifest: Manifest, _: Any, *others: Any) -> Any:
        # dbt would begin at nodes of models alone, and never come to what reads a source.
        first = [node for node, parents in graph.in_degree() if parents == 0]
        return edges_of_tests(graph, manifest, first, *others)

    look_for_cycles = Linker.find_cycles

    def find_cycles(linker: Linker) -> str | None:
        # To be without cycles is proved in one pass; the search begins anew at every source.
        return None if is_directed_acyclic_graph(linker.graph) else look_for_cycles(linker)

    new_context = MacroFuzzTemplate.new_context
    search_all = QualifiedNameSelectorMethod.search

    def search(
        method: QualifiedNameSelectorMethod, included: set[UniqueId], selector: str
    ) -> Iterator[UniqueId]:
        # dbt still decides; who has the name nowhere in its path is not worth the question.
        if _PLAIN_NAME.fullmatch(selector):
            included = included & _nodes_by_name(method.manifest).get(selector, set())
        return search_all(method, included, selector)

    compile_anew = MacroFuzzEnvironment.compile

    def compile_once(
        self: MacroFuzzEnvironment, source: Any, *arguments: Any, **options: Any
    ) -> str | CodeType:
        if not isinstance(source, str) or arguments or options:
            return compile_anew(self, source, *arguments, **options)
        # Extensions, filters and generator are the class's.
        template = (type(self).__name__, source)
        if template not in _compiled:
            _compiled[template] = cast("CodeType", compile_anew(self, source))
            _new.add(template)
        return _compiled[template]

    ctx_set_event_manager(HeardEvents())
    # a table of agate never changes
    agate_helper.empty_table = cache(agate_helper.empty_table)
    Linker._get_multi_test_edges = staticmethod(edges_of_all_tests)  # type: ignore[assignment, method-assign]
    Linker.find_cycles = find_cycles  # type: ignore[method-assign]
    DebugLevel.__init__ = kept_for_later  # type: ignore[method-assign, assignment]
    DebugLevel.__getattr__ = made_when_looked_at  # type: ignore[method-assign, assignment]
    QualifiedNameSelectorMethod.search = search  # type: ignore[method-assign, assignment]
    MacroFuzzTemplate.new_context = names_of_macro  # type: ignore[method-assign]
    MacroFuzzEnvironment.compile = compile_once  # type: ignore[method-assign, assignment]
    NativeSandboxEnvironment.template_class = Argument


def _nodes_by_name(manifest: Manifest) -> _NodesByName:
    """Nodes by each part of their full names, and by what a version is called."""
    if not _named or _named[0][0] is not manifest:
        by_name: _NodesByName = {}
        for nodes in (
            *(manifest.nodes, manifest.exposures, manifest.metrics, manifest.unit_tests),
            *(manifest.semantic_models, manifest.saved_queries, manifest.functions),
        ):
            for unique_id, node in nodes.items():
                parts = [*node.fqn, *(part for each in node.fqn for part in each.split("."))]
                for name in (*parts, "_".join(node.fqn[-2:])):
                    by_name.setdefault(name, set()).add(cast("UniqueId", unique_id))
        _named[:] = [(manifest, by_name)]
    return _named[0][1]


def take_compiled_templates(target: Path) -> None:
    """Take the templates that a process before compiled, where it was of the same versions.

    Args:
        target: dbt's target folder.
    """
    # Code of another Python is not so much as looked at: it lies within, as bytes.
    with contextlib.suppress(OSError, EOFError, ValueError, TypeError):  # none, or one cut off
        made_by, compiled = marshal.loads((target / COMPILED_TEMPLATES).read_bytes())
        if made_by == _compiler():
            _compiled.update(marshal.loads(compiled))


def forget_compiled_templates(target: Path) -> None:
    """Begin anew, with the templates of a project that has changed.

    Args:
        target: dbt's target folder.
    """
    _compiled.clear()
    _new.clear()
    (target / COMPILED_TEMPLATES).unlink(missing_ok=True)


def keep_compiled_templates(target: Path) -> None:
    """Keep the templates that this process has for the next, if it compiled any.

    Args:
        target: dbt's target folder.
    """
    if not _new:
        return
    content = marshal.dumps((_compiler(), marshal.dumps(dict(_compiled))))
    # Where the disk is full there is worse to tell than that the next process compiles them anew.
    with contextlib.suppress(OSError):
        handle, draft = tempfile.mkstemp(dir=target)
        with os.fdopen(handle, "wb") as file:
            file.write(content)
        os.replace(draft, target / COMPILED_TEMPLATES)
    _new.clear()


def _compiler() -> tuple[bytes, str, str]:
    """What decides how a template's code looks, besides its text."""
    return importlib.util.MAGIC_NUMBER, version("jinja2"), version("dbt-common")
