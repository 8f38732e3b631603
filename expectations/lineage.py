"""Column lineage of the compiled models: from which columns of the conformed records a value comes.

dbt knows which model reads which; a trust grade needs to know which *column* of which *rows*. Here
compiled SQL is read with sqlglot, model by model, and followed from a value back to the conformed
records, the first place where no vendor is left (`web_events.session_ref`, `orders.total_amount`).
Nothing here knows a metric or a check: `guards` says which lineage each of them has.

What is followed of a value:

* the columns of its expression;
* the rows that it is counted over (`web_events.*`), and what they are chosen by (filters, inner
  joins, grouping), which the value reads but does not show: these are *soft*;
* of rows told apart by a name (events by `event_name`, readings by `kind`), the names that are
  asked for: a figure of searches is not touched by a defect of purchases.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import NamedTuple

import sqlglot
from sqlglot import exp

#: The pseudo-column that stands for the rows themselves: that they are there, and only once.
ROWS = "*"

#: Columns whose values tell kinds of rows apart.
KINDS = frozenset({"event_name", "kind", "metric_id"})

#: Names of rows of which any one will do: a visit is there whichever of its events came.
ANY = frozenset({"*any"})

#: Begins the name of a reference table's column that lists names (`$metric_tasks.end_event_name`).
LISTED = "$"

#: Stands for the parameters of web events, where a staging model looks one up by its name.
PARAMETERS = "parameters"
_LOOKED_UP = {"list_position", "array_position"}

# A table that is read from a file: no model and no record.
_FILE = "file"

_RANKS = (exp.RowNumber, exp.Rank, exp.DenseRank)


class Dep(NamedTuple):
    """A column of a table, of the rows with these names (None: of all), shown or only read."""

    table: str
    column: str
    names: frozenset[str] | None = None
    is_soft: bool = False


Deps = frozenset[Dep]
_NONE: Deps = frozenset()


def met(outer: frozenset[str] | None, inner: frozenset[str] | None) -> frozenset[str] | None:
    """Names of rows that both leave; an empty set where none are left."""
    if outer is None or outer == inner:
        return inner
    if inner is None:
        return outer
    if outer == ANY:
        return inner
    if inner == ANY:
        return outer
    # what a reference table lists is not known here: what is known is kept
    listed = [any(name.startswith(LISTED) for name in names) for names in (outer, inner)]
    if listed[0] or listed[1]:
        return outer | inner if all(listed) else inner if listed[0] else outer
    return outer & inner


def _named(deps: Iterable[Dep], tables: Iterable[str], names: frozenset[str] | None) -> Deps:
    """The same, of the rows of these tables with these names."""
    if names is None:
        return frozenset(deps)
    tables = set(tables)
    found = (
        dep._replace(names=met(names, dep.names)) if dep.table in tables else dep for dep in deps
    )
    return frozenset(dep for dep in found if dep.names is None or dep.names)


def _soft(deps: Iterable[Dep]) -> Deps:
    return frozenset(dep._replace(is_soft=True) for dep in deps)


def _any_of(deps: Iterable[Dep]) -> Deps:
    return frozenset(dep._replace(names=ANY) if dep.names is None else dep for dep in deps)


@dataclass(frozen=True)
class Relation:
    """What a table, a step of a query or a query yields.

    Attributes:
        columns: what each column comes from.
        rows: what its rows come from and are chosen by.
        table: of a table whose columns are not known here: its name.
        anything: what every column comes from, where they are not told apart.
        fields: of columns that are records: what each field comes from.
        literals: columns that are one text in every row.
        branches: the members of a union.
    """

    columns: Mapping[str, Deps] = field(default_factory=dict)
    rows: Deps = _NONE
    table: str | None = None
    anything: Deps | None = None
    fields: Mapping[str, Mapping[str, Deps]] = field(default_factory=dict)
    literals: Mapping[str, str] = field(default_factory=dict)
    branches: tuple[Relation, ...] = ()

    @cached_property
    def every_column(self) -> Deps:
        """What all columns together come from."""
        return frozenset().union(*self.columns.values(), self.anything or _NONE)

    def get(self, name: str) -> Deps | None:
        """What a column comes from; None where there is none of that name."""
        if name in self.columns:
            return self.columns[name]
        if self.table is not None:
            return frozenset({Dep(self.table, name)})
        return self.anything

    def changed(self, change: Callable[[Deps], Deps], rows: Deps | None = None) -> Relation:
        """The same with every column's origin changed."""
        columns = {name: change(deps) for name, deps in self.columns.items()}
        if self.table is not None:
            # whatever is asked of it later has to be changed too
            return _Changed(columns, self.rows if rows is None else rows, self.table, change=change)
        return replace(
            self,
            columns=columns,
            rows=self.rows if rows is None else rows,
            anything=None if self.anything is None else change(self.anything),
            fields={
                name: {key: change(deps) for key, deps in fields.items()}
                for name, fields in self.fields.items()
            },
        )


@dataclass(frozen=True)
class _Changed(Relation):
    change: Callable[[Deps], Deps] = lambda deps: deps

    def get(self, name: str) -> Deps | None:
        if name in self.columns:
            return self.columns[name]
        return self.change(frozenset({Dep(self.table or "", name)}))

    def changed(self, change: Callable[[Deps], Deps], rows: Deps | None = None) -> Relation:
        before = self.change
        return _Changed(
            {name: change(deps) for name, deps in self.columns.items()},
            self.rows if rows is None else rows,
            self.table,
            change=lambda deps: change(before(deps)),
        )


class _Query:
    """Lineage of one model's query, in terms of the tables that it reads."""

    def __init__(self, table: Callable[[str], Relation], references: Collection[str]) -> None:
        self._table = table
        self.references = references
        #: Every step of the query, named or a member of a union.
        self.steps: list[Relation] = []

    def relation(
        self, node: exp.Expr, steps: Mapping[str, Relation], outer: _Scope | None = None
    ) -> Relation:
        """Return what a query yields.

        Args:
            node: the query.
            steps: the named steps that it can read.
            outer: the query around it, whose columns it may name.
        """
        if isinstance(node, exp.Subquery):
            return self.relation(node.this, self._with(node, steps, outer), outer)
        steps = self._with(node, steps, outer)
        if isinstance(node, exp.SetOperation):
            return self._united(node, steps, outer)
        if isinstance(node, exp.Select):
            return self._selected(node, steps, outer)
        return Relation(anything=_NONE)  # values that are written there

    def _with(
        self, node: exp.Expr, steps: Mapping[str, Relation], outer: _Scope | None
    ) -> Mapping[str, Relation]:
        with_ = node.args.get("with_")
        if with_ is None:
            return steps
        known = dict(steps)
        for step in with_.expressions:
            # a step that reads itself: what it begins with says where it comes from
            known[step.alias] = Relation()
            known[step.alias] = self.relation(step.this, known, outer)
            self.steps.append(known[step.alias])
        return known

    def _united(
        self, node: exp.SetOperation, steps: Mapping[str, Relation], outer: _Scope | None
    ) -> Relation:
        members: list[Relation] = []
        pending: list[exp.Expr] = [node]
        while pending:  # long unions are deep trees
            part = pending.pop()
            if isinstance(part, exp.SetOperation) and (part is node or "with_" not in part.args):
                pending += [part.expression, part.this]
            else:
                members.append(self.relation(part, steps, outer))
        names = list(members[0].columns)
        members = [_renamed(member, names) for member in members]
        columns: dict[str, Deps] = dict.fromkeys(names, _NONE)
        for member in members:
            for name, deps in zip(names, member.columns.values(), strict=False):
                columns[name] |= deps
        return Relation(
            columns,
            rows=frozenset().union(*(member.rows for member in members)),
            branches=tuple(one for member in members for one in member.branches or (member,)),
        )

    def _selected(
        self, node: exp.Select, steps: Mapping[str, Relation], outer: _Scope | None
    ) -> Relation:
        from_ = node.args.get("from_")
        joins = node.args.get("joins") or []
        whole = self._source(from_.this, steps, outer) if from_ else (None, Relation())
        if whole[1].branches and not joins and not node.args.get("group"):
            # the members of a union stay apart through a plain selection
            parts = [
                self._of_sources(node, [(whole[0], branch)], steps, outer)
                for branch in whole[1].branches
            ]
            united = self._of_sources(node, [whole], steps, outer)
            return replace(united, branches=tuple(parts))
        return self._of_sources(node, [whole] if from_ else [], steps, outer)

    def _of_sources(
        self,
        node: exp.Select,
        first: list[tuple[str | None, Relation]],
        steps: Mapping[str, Relation],
        outer: _Scope | None,
    ) -> Relation:
        scope = _Scope(self, steps, outer)
        rows: set[Dep] = set()
        for alias, source in first:
            scope.add(alias, source)
            rows |= source.rows
        for join in node.args.get("joins") or []:
            rows |= self._joined(scope, join, steps)
            if join.args.get("on") is not None and not join.args.get("side"):
                for tables, names in scope.narrowed_by(join.args["on"]):
                    rows = set(_named(rows, tables, names))
        for lateral in node.args.get("laterals") or []:
            scope.add(lateral.alias or None, Relation(anything=scope.deps(lateral.this)))
        filters: set[Dep] = set()
        where = node.args.get("where")
        if where is not None:
            narrowed = scope.narrowed_by(where.this)
            for tables, names in narrowed:
                rows = set(_named(rows, tables, names))
            filters |= _soft(scope.deps(where.this))
        scope.rows = frozenset(rows) | frozenset(filters)

        columns: dict[str, Deps] = {}
        fields: dict[str, Mapping[str, Deps]] = {}
        literals: dict[str, str] = {}
        for item in node.expressions:
            if _is_star(item):
                for name, deps, parts in scope.starred(item):
                    columns[name] = deps
                    if parts:
                        fields[name] = parts
                literals |= scope.literals_of(item)
                continue
            name = item.alias_or_name
            inner = item.unalias()
            columns[name] = scope.deps(inner)
            scope.aliases[name] = columns[name]
            parts = scope.record(inner)
            if parts:
                fields[name] = parts
            text = _text(inner)
            if text is None and isinstance(inner, exp.Column):
                text = scope.literal_of(inner)
            if text is not None:
                literals[name] = text
        for clause in ("having", "qualify"):
            if node.args.get(clause) is not None:
                filters |= _soft(scope.deps(node.args[clause].this))
        group = node.args.get("group")
        is_grouped = group is not None or _has_aggregate(node)
        if group is not None:
            for key in group.expressions:
                filters |= _soft(_any_of(scope.deps(key)))
        if node.args.get("distinct"):
            for deps in columns.values():
                filters |= _soft(_any_of(deps))
        kept = frozenset(rows) | frozenset(filters)
        if is_grouped or node.args.get("distinct"):
            kept = _any_of(kept)
        open_table = None
        if len(first) == 1 and not node.args.get("joins") and not is_grouped:
            source = first[0][1]
            if source.table is not None and any(_is_star(item) for item in node.expressions):
                open_table = source.table
        return Relation(columns, kept, fields=fields, literals=literals, table=open_table)

    def _source(
        self, node: exp.Expr, steps: Mapping[str, Relation], outer: _Scope | None
    ) -> tuple[str | None, Relation]:
        alias = node.alias or None
        if isinstance(node, exp.Table):
            if isinstance(node.this, exp.Identifier):
                name = node.this.name
                found = steps[name] if not node.db and name in steps else self._table(name)
                return alias or name, found
            return alias, Relation(table=_FILE)
        if isinstance(node, exp.Unnest):
            deps: Deps = frozenset()
            if outer is not None:
                for value in node.expressions:
                    deps |= outer.deps(value)
            return alias, Relation(anything=deps)
        if isinstance(node, exp.Lateral):
            inner = node.this
            if isinstance(inner, exp.Subquery):
                return alias, self.relation(inner, steps, outer)
            return alias, Relation(anything=outer.deps(inner) if outer else _NONE)
        return alias, self.relation(node, steps, outer)

    def _joined(self, scope: _Scope, join: exp.Join, steps: Mapping[str, Relation]) -> set[Dep]:
        alias, source = self._source(join.this, steps, scope)
        side = (join.args.get("side") or "").upper()
        scope.add(alias, source)
        on = join.args.get("on")
        using = join.args.get("using") or []
        deps = scope.deps(on) if on is not None else _NONE
        for name in using:
            deps |= scope.named(name.name)
        if side in ("LEFT", "FULL"):
            # which row is found depends on what it is looked up by, and on its being there
            found_by = deps | source.rows
            scope.sources[alias or f"?{len(scope.sources)}"] = source.changed(
                lambda own: own | found_by
            )
            return set()
        return set(source.rows) | set(_soft(deps))


class _Scope:
    """The relations that the expressions of one select can name."""

    def __init__(self, query: _Query, steps: Mapping[str, Relation], outer: _Scope | None) -> None:
        self._query = query
        self._steps = steps
        self._outer = outer
        self.sources: dict[str, Relation] = {}
        self.aliases: dict[str, Deps] = {}
        self.rows: Deps = _NONE

    def add(self, alias: str | None, source: Relation) -> None:
        """Let expressions name a relation."""
        self.sources[alias or f"?{len(self.sources)}"] = source

    def starred(self, item: exp.Expr) -> Iterator[tuple[str, Deps, Mapping[str, Deps] | None]]:
        """What `*` or `x.*` stands for."""
        table = item.table if isinstance(item, exp.Column) else ""
        for alias, source in self.sources.items():
            if not table or alias == table:
                for name, deps in source.columns.items():
                    yield name, deps, source.fields.get(name)

    def literals_of(self, item: exp.Expr) -> dict[str, str]:
        """Texts that are the same in every row, among what `*` stands for."""
        table = item.table if isinstance(item, exp.Column) else ""
        return {
            name: text
            for alias, source in self.sources.items()
            if not table or alias == table
            for name, text in source.literals.items()
        }

    def literal_of(self, column: exp.Column) -> str | None:
        """The text that a column is in every row."""
        for alias, source in self.sources.items():
            if column.table in ("", alias) and column.name in source.literals:
                return source.literals[column.name]
        return None

    def named(self, name: str, table: str = "") -> Deps:
        """What a column comes from."""
        if table:
            if table in self.sources:
                return self.sources[table].get(name) or _NONE
            # a field of a record
            for source in self.sources.values():
                if table in source.fields:
                    return source.fields[table].get(name, _NONE)
                if table in source.columns:
                    return source.columns[table]
            if table in self.aliases:
                return self.aliases[table]
        else:
            for source in self.sources.values():
                if name in source.columns:
                    return source.columns[name]
            if name in self.aliases:
                return self.aliases[name]
            # a table whose columns are not known, rather than values that come from nowhere
            for source in sorted(self.sources.values(), key=lambda one: one.table is None):
                found = source.get(name)
                if found is not None:
                    return found
        return self._outer.named(name, table) if self._outer else _NONE

    def narrowed_by(self, condition: exp.Expr) -> list[tuple[frozenset[str], frozenset[str]]]:
        """Keep of each relation what a condition leaves; return tables and names that it leaves."""
        found = [
            ({dep.table for dep in self.deps(column)}, names)
            for column, names in self._kinds_in(condition)
        ]
        narrowed = [(frozenset(tables), names) for tables, names in found if tables]
        for tables, names in narrowed:
            for alias, source in self.sources.items():
                self.sources[alias] = source.changed(
                    lambda deps, t=tables, n=names: _named(deps, t, n),  # type: ignore[misc]
                    _named(source.rows, tables, names),
                )
        return narrowed

    def _kinds_in(self, condition: exp.Expr) -> Iterator[tuple[exp.Column, frozenset[str]]]:
        """Which names of rows a condition asks for, where all of it must hold."""
        if isinstance(condition, exp.And):
            yield from self._kinds_in(condition.left)
            yield from self._kinds_in(condition.right)
        elif isinstance(condition, exp.Or):
            # one of both holds: names of either, if both ask for names of the same rows
            left, right = (list(self._kinds_in(one)) for one in (condition.left, condition.right))
            for column, names in left:
                others = [more for other, more in right if other == column]
                if others:
                    yield column, names | others[0]
        elif isinstance(condition, exp.Paren):
            yield from self._kinds_in(condition.this)
        elif isinstance(condition, exp.EQ):
            for one, other in (
                (condition.left, condition.right),
                (condition.right, condition.left),
            ):
                if isinstance(one, exp.Column) and one.name in KINDS:
                    text = _text(other)
                    names = frozenset({text}) if text is not None else self._listed(other)
                    if names:
                        yield one, names
        elif isinstance(condition, exp.In) and isinstance(condition.this, exp.Column):
            if condition.this.name not in KINDS:
                return
            query = condition.args.get("query")
            if query is not None:
                names = self._listed(query)
                if names:
                    yield condition.this, names
                return
            texts = [_text(one) for one in condition.expressions]
            if texts and all(text is not None for text in texts):
                yield condition.this, frozenset(text for text in texts if text is not None)

    def _listed(self, node: exp.Expr) -> frozenset[str]:
        """The column of a reference table that an expression is, if it is one."""
        shown = {dep for dep in self.deps(node) if not dep.is_soft and dep.column != ROWS}
        if not shown or not {dep.table for dep in shown} <= set(self._query.references):
            return frozenset()
        return frozenset(f"{LISTED}{dep.table}.{dep.column}" for dep in shown)

    def record(self, node: exp.Expr) -> Mapping[str, Deps] | None:
        """Of an expression that makes a record: what each field comes from."""
        rest: Deps = _NONE
        if isinstance(node, exp.Filter):
            rest |= _soft(self.deps(node.expression.this))
            node = node.this
        if isinstance(node, (exp.ArgMin, exp.ArgMax)):
            rest |= _soft(self.deps(node.expression)) | _soft(self.rows)
            node = node.this
        if not isinstance(node, exp.Struct):
            return None
        fields: dict[str, Deps] = {}
        for part in node.expressions:
            if isinstance(part, (exp.PropertyEQ, exp.Alias)):
                name = part.this.name if isinstance(part, exp.PropertyEQ) else part.alias
                value = part.expression if isinstance(part, exp.PropertyEQ) else part.this
                fields[name] = self.deps(value) | rest
        return fields or None

    def deps(self, node: exp.Expr) -> Deps:
        """What an expression comes from."""
        match node:
            case exp.Column():
                if isinstance(node.this, exp.Star):
                    return _NONE
                return self.named(node.name, node.table)
            case exp.Literal() | exp.Null() | exp.Boolean() | exp.DataType():
                return _NONE
            case exp.Subquery() | exp.Select() | exp.SetOperation():
                asked = self._query.relation(node, self._steps, self)
                return asked.every_column | asked.rows
            case exp.Case():
                return self._case(node)
            case exp.If():
                return self._chosen([(node.this, node.args["true"])], node.args.get("false"))
            case exp.Filter():
                return self._filtered(node)
            case exp.Count() if isinstance(node.this, exp.Star) or node.this is None:
                return self.rows
            case exp.Window():
                return self._window(node)
            case exp.ArgMin() | exp.ArgMax():
                return self.deps(node.this) | _soft(self.deps(node.expression)) | _soft(self.rows)
            case exp.AggFunc():
                return self._children(node) | _soft(self.rows)
            case exp.EQ() | exp.In():
                return self._compared(node)
            case exp.Dot() if isinstance(node.this, exp.Column):
                return self.deps(node.this)
            case exp.Lambda():
                return self.deps(node.this)
            case exp.Func() if _function(node) in _LOOKED_UP:
                texts = [_text(one) for one in node.iter_expressions()]
                return self._children(node) | frozenset(
                    Dep(PARAMETERS, text) for text in texts if text is not None
                )
        return self._children(node)

    def _children(self, node: exp.Expr) -> Deps:
        found: set[Dep] = set()
        for child in node.iter_expressions():
            found |= self.deps(child)
        return frozenset(found)

    def _compared(self, node: exp.Expr) -> Deps:
        """A comparison of a name asks for rows of that name."""
        found = self._children(node)
        for column, names in self._kinds_in(node):
            found = _named(found, {dep.table for dep in self.deps(column)}, names)
        return found

    def _where_true(self, condition: exp.Expr, value: exp.Expr) -> Deps:
        """What a value comes from where a condition holds."""
        found = self.deps(value)
        for column, names in self._kinds_in(condition):
            found = _named(found, {dep.table for dep in self.deps(column)}, names)
        return found

    def _case(self, node: exp.Case) -> Deps:
        operand = node.this
        choices = [
            (exp.EQ(this=operand.copy(), expression=one.this) if operand else one.this,
             one.args["true"])
            for one in node.args["ifs"]
        ]  # fmt: skip
        return self._chosen(choices, node.args.get("default"))

    def _chosen(
        self,
        choices: list[tuple[exp.Expr, exp.Expr]],
        otherwise: exp.Expr | None,
    ) -> Deps:
        """Of a choice among values, conditions are soft; among constants they are the value."""
        shown: set[Dep] = set()
        asked: set[Dep] = set()
        for condition, value in choices:
            asked |= self.deps(condition)
            shown |= self._where_true(condition, value)
        if otherwise is not None:
            shown |= self.deps(otherwise)
        return frozenset(shown) | (_soft(asked) if shown else frozenset(asked))

    def _filtered(self, node: exp.Filter) -> Deps:
        condition = node.expression.this
        asked = self.deps(condition)
        found = self._where_true(condition, node.this)
        if isinstance(node.this, exp.Count):
            return found | asked
        return found | _soft(asked)

    def _window(self, node: exp.Window) -> Deps:
        beside: set[Dep] = set()
        for part in (*(node.args.get("partition_by") or []), node.args.get("order")):
            if part is not None:
                beside |= self.deps(part)
        function = node.this
        if isinstance(function, _RANKS):
            return frozenset(beside) | _soft(self.rows)
        return self.deps(function) | _soft(beside)


def _renamed(relation: Relation, names: list[str]) -> Relation:
    """A member of a union by the names of the first: it is the place that counts."""
    given = list(relation.columns)
    if given == names or len(given) != len(names):
        return relation
    new = dict(zip(given, names, strict=True))
    return replace(
        relation,
        columns={new[name]: deps for name, deps in relation.columns.items()},
        fields={new[name]: fields for name, fields in relation.fields.items()},
        literals={new[name]: text for name, text in relation.literals.items()},
        branches=tuple(_renamed(branch, names) for branch in relation.branches),
    )


def _is_star(item: exp.Expr) -> bool:
    return isinstance(item, exp.Star) or (
        isinstance(item, exp.Column) and isinstance(item.this, exp.Star)
    )


def _function(node: exp.Func) -> str:
    return (node.name if isinstance(node, exp.Anonymous) else node.sql_name()).lower()


def _text(node: exp.Expr) -> str | None:
    """The text of a constant, typed or not."""
    while isinstance(node, (exp.Cast, exp.Paren)):
        node = node.this
    return node.this if isinstance(node, exp.Literal) and node.is_string else None


def _has_aggregate(node: exp.Select) -> bool:
    """Whether a select without grouping comes to one row."""
    pending = list(node.expressions)
    while pending:
        one = pending.pop()
        if isinstance(one, exp.AggFunc):
            return True
        if not isinstance(one, (exp.Window, exp.Subquery, exp.Select)):
            pending += one.iter_expressions()
    return False


class Lineage:
    """Where the columns of a project's models come from.

    Args:
        compiled: a model's compiled SQL, by its name.
        dialect: sqlglot's name of the engine's dialect.
        records: models to stop at, and the name that their records go by.
        references: the reference tables.
        pooled: models whose columns all come from the same: those columns.
    """

    def __init__(
        self,
        compiled: Mapping[str, str],
        dialect: str,
        records: Mapping[str, str],
        references: Collection[str] = (),
        pooled: Mapping[str, Deps] | None = None,
    ) -> None:
        self._compiled = compiled
        self._dialect = dialect
        self._records = records
        self._references = frozenset(references)
        self._pooled = pooled or {}
        self._models: dict[str, Relation] = {}
        self._reading: set[str] = set()
        self._steps_of: dict[str, list[Relation]] = {}
        self._followed: dict[tuple[str, str], Deps] = {}

    def model(self, name: str) -> Relation:
        """What a model's columns come from, in terms of the tables that it reads itself."""
        if name not in self._models:
            query = _Query(self._known, self._references)
            self._reading.add(name)
            tree = sqlglot.parse_one(self._compiled[name], dialect=self._dialect)
            self._models[name] = query.relation(tree, {})
            self._steps_of[name] = query.steps
            self._reading.remove(name)
        return self._models[name]

    def where(self, model: str, column: str, text: str) -> Relation | None:
        """The part of a model whose rows have a text in a column: of a union, or a step."""
        whole = self.model(model)
        for part in (*whole.branches, whole, *self._steps_of[model]):
            if part.literals.get(column) == text:
                return part
        return None

    def _known(self, table: str) -> Relation:
        """A table as the queries that read it see it: by its own columns, one step back."""
        columns: Mapping[str, Deps] = {}
        # an incremental model reads itself while its columns are not known yet
        is_read = table in self._compiled and table not in {*self._pooled, *self._reading}
        if is_read:
            columns = {name: frozenset({Dep(table, name)}) for name in self.model(table).columns}
        return Relation(columns, frozenset({Dep(table, ROWS)}), table=table)

    def followed(self, deps: Iterable[Dep]) -> Deps:
        """The columns of the conformed records that these come from."""
        found: set[Dep] = set()
        for dep in deps:
            for origin in self._origins(dep.table, dep.column):
                names = met(dep.names, origin.names)
                if names is None or names:
                    is_soft = dep.is_soft or origin.is_soft
                    found.add(Dep(origin.table, origin.column, names, is_soft))
        return frozenset(found)

    def _back(self, table: str, column: str) -> Deps:
        """What a column comes from, one model back."""
        if table in self._pooled:
            return self._pooled[table]
        relation = self.model(table)
        return relation.rows if column == ROWS else (relation.get(column) or _NONE)

    def _origins(self, table: str, column: str) -> Deps:
        if table in self._records:
            return frozenset({Dep(self._records[table], column)})
        if table not in self._compiled:
            return frozenset({Dep(table, column)})  # a reference table, the plan: no record
        key = (table, column)
        if key not in self._followed:
            self._followed[key] = _NONE  # an incremental model may read itself
            found = self.followed(dep for dep in self._back(table, column) if dep.table != table)
            if table in self._pooled:
                found = frozenset(dep for dep in found if not dep.is_soft)
            self._followed[key] = found
        return self._followed[key]

    def paths(self, start: Iterable[Dep]) -> dict[tuple[str, str], tuple[str, ...]]:
        """By column of the records: the models that a value comes through, its own first.

        The shortest way is told, and one that shows the column rather than chooses rows by it.
        """
        found: dict[tuple[str, str], tuple[str, ...]] = {}
        seen: set[tuple[str, str]] = set()
        pending: deque[tuple[Dep, tuple[str, ...]]] = deque((dep, ()) for dep in _in_order(start))
        while pending:
            dep, path = pending.popleft()
            if (dep.table, dep.column) in seen:
                continue
            seen.add((dep.table, dep.column))
            if dep.table in self._records:
                found.setdefault((self._records[dep.table], dep.column), (*path, dep.table))
            elif dep.table in self._compiled:
                steps = self._back(dep.table, dep.column)
                pending += [
                    (one, (*path, dep.table)) for one in _in_order(steps) if one.table != dep.table
                ]
        return found


def _in_order(deps: Iterable[Dep]) -> list[Dep]:
    return sorted(deps, key=lambda dep: (dep.is_soft, dep.table, dep.column))
