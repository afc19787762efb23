"""Find the mutants of a module: one small change each, of the kind a person makes by mistake.

Left out is what no test should hold: docstrings, annotations, decorators, blocks for the type
checker, f-strings and what a `raise` says. A string is only changed where it is compared.
"""

from __future__ import annotations

import ast
import copy
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from collections.abc import Iterator

T = TypeVar("T")

COMPARISONS: dict[type[ast.cmpop], tuple[type[ast.cmpop], ...]] = {
    ast.Lt: (ast.LtE, ast.GtE),
    ast.LtE: (ast.Lt, ast.Gt),
    ast.Gt: (ast.GtE, ast.LtE),
    ast.GtE: (ast.Gt, ast.Lt),
    ast.Eq: (ast.NotEq,),
    ast.NotEq: (ast.Eq,),
    ast.Is: (ast.IsNot,),
    ast.IsNot: (ast.Is,),
    ast.In: (ast.NotIn,),
    ast.NotIn: (ast.In,),
}
ARITHMETIC: dict[type[ast.operator], type[ast.operator]] = {
    ast.Add: ast.Sub,
    ast.Sub: ast.Add,
    ast.Mult: ast.Div,
    ast.Div: ast.Mult,
    ast.FloorDiv: ast.Mult,
    ast.Mod: ast.Mult,
}
NO_NUMBERS = (ast.List, ast.Tuple, ast.Dict, ast.JoinedStr, ast.ListComp)
"""Operands that show that `+` joins, so that a mutant could only fail."""
UNSEEN = {"annotation", "returns", "decorator_list", "type_params"}
"""Fields of the tree whose contents are no behaviour."""
WIDTH = 90
"""Columns that each side of a change gets where it is printed."""


@dataclass(frozen=True)
class Mutant:
    """One change of one module."""

    path: str
    """The module, relative to the root of the repository."""
    line: int
    """Where the change begins, counted from 1."""
    function: int
    """The first line of the innermost function around it, decorators included; 0: outside."""
    start: int
    """The offset in bytes of what is replaced."""
    end: int
    """The offset in bytes after it."""
    before: str
    """What stands there, as code."""
    after: str
    """What stands there in the mutant, as code."""

    def applied(self, source: str) -> str:
        """Return the source of the module with this change."""
        data = source.encode()
        return (data[: self.start] + self.after.encode() + data[self.end :]).decode()

    @property
    def shown(self) -> str:
        """The change as a line to read: file:line, before -> after."""
        return f"{self.path}:{self.line}: {_short(self.before)} -> {_short(self.after)}"


def mutants_of(path: str, source: str) -> list[Mutant]:
    """Return every mutant of a module, in the order of its lines.

    Raises:
        SyntaxError: the source is no Python.
    """
    finder = _Finder(path, source)
    finder.visit(ast.parse(source))
    return sorted(finder.found, key=lambda one: (one.start, one.end, one.after))


class _Finder(ast.NodeVisitor):
    """Walks a module and notes the mutants of each node."""

    def __init__(self, path: str, source: str) -> None:
        self.found: list[Mutant] = []
        self._path = path
        self._data = source.encode()
        self._starts = [0]
        for line in self._data.splitlines(keepends=True):
            self._starts.append(self._starts[-1] + len(line))
        self._function = 0

    def generic_visit(self, node: ast.AST) -> None:
        for name, value in ast.iter_fields(node):
            if name not in UNSEEN:
                for child in value if isinstance(value, list) else [value]:
                    if isinstance(child, ast.AST):
                        self.visit(child)

    def visit(self, node: ast.AST) -> None:
        if isinstance(node, ast.JoinedStr):
            return
        if isinstance(node, ast.expr | ast.stmt):
            for after in _replaced(node):
                self._note(node, after)
        for condition in _conditions(node):
            for forced in ("True", "False"):
                self._note(condition, forced)
        match node:
            case ast.Raise():
                return
            case ast.If(test=ast.Name(id="TYPE_CHECKING")):
                for child in node.orelse:
                    self.visit(child)
                return
            case ast.FunctionDef() | ast.AsyncFunctionDef():
                outer = self._function
                self._function = min([node.lineno, *(d.lineno for d in node.decorator_list)])
                self.generic_visit(node)
                self._function = outer
                return
            case ast.Call(func=ast.Name(id="zip" | "cast" | "TypeVar")):
                for given in node.args:
                    self.visit(given)
                return
        self.generic_visit(node)

    def _note(self, node: ast.expr | ast.stmt, after: str) -> None:
        start = self._starts[node.lineno - 1] + node.col_offset
        end = self._starts[(node.end_lineno or 0) - 1] + (node.end_col_offset or 0)
        before = self._data[start:end].decode()
        self.found.append(
            Mutant(self._path, node.lineno, self._function, start, end, before, after)
        )


def _conditions(node: ast.AST) -> Iterator[ast.expr]:
    """Yield the conditions of a node that can be forced; not those that also name a value."""
    match node:
        case ast.If(test=test) | ast.While(test=test) | ast.IfExp(test=test):
            tests = [test]
        case ast.comprehension(ifs=ifs):
            tests = ifs
        case _:
            return
    for test in tests:
        named = any(isinstance(part, ast.NamedExpr) for part in ast.walk(test))
        if not named and not (isinstance(test, ast.Name) and test.id == "TYPE_CHECKING"):
            yield test


def _replaced(node: ast.expr | ast.stmt) -> Iterator[str]:
    """Yield what may stand in place of a node, as code."""
    match node:
        case ast.Compare():
            yield from _compared(node)
        case ast.BoolOp():
            other = ast.And() if isinstance(node.op, ast.Or) else ast.Or()
            yield _code(ast.BoolOp(op=other, values=node.values))
        case ast.UnaryOp(op=ast.Not()):
            yield _code(node.operand)
        case ast.Constant(value=bool(value)):
            yield str(not value)
        case ast.Constant(value=int(value) | float(value)):
            yield repr(value + 1)
        case ast.BinOp(op=op) if type(op) in ARITHMETIC and not _joins(node):
            other_op = ARITHMETIC[type(op)]()
            yield _code(ast.BinOp(left=node.left, op=other_op, right=node.right))
        case ast.AugAssign(op=op) if type(op) in ARITHMETIC:
            yield ast.unparse(ast.AugAssign(node.target, ARITHMETIC[type(op)](), node.value))
        case ast.Expr(value=ast.Call() | ast.Await()) | ast.Raise():
            yield "pass"
        case ast.Return(value=ast.expr() as value):
            yield from _returned(value)


def _compared(node: ast.Compare) -> Iterator[str]:
    for at, op in enumerate(node.ops):
        for other in COMPARISONS[type(op)]:
            yield _code(ast.Compare(node.left, _with(node.ops, at, other()), node.comparators))
    operands = [node.left, *node.comparators]
    for at, operand in enumerate(operands):
        changed = _other_text(operand)
        if changed is not None:
            left, *rest = _with(operands, at, changed)
            yield _code(ast.Compare(left, node.ops, rest))


def _other_text(operand: ast.expr) -> ast.expr | None:
    """Return a compared string, or a collection of them, with a string changed; None: no string."""
    match operand:
        case ast.Constant(value=str(value)):
            return ast.Constant(f"{value}~")
        case ast.Tuple(elts=[first, *rest]) | ast.Set(elts=[first, *rest]):
            changed = _other_text(first)
            if changed is not None:
                whole = copy.copy(operand)
                whole.elts = [changed, *rest]
                return whole
    return None


def _returned(value: ast.expr) -> Iterator[str]:
    if not (isinstance(value, ast.Constant) and value.value is None):
        yield "return None"
    if isinstance(value, ast.Compare | ast.BoolOp) or (
        isinstance(value, ast.Call)
        and isinstance(value.func, ast.Name)
        and value.func.id in {"any", "all", "bool", "isinstance"}
    ):
        yield f"return not {_code(value)}"


def _joins(node: ast.BinOp) -> bool:
    """Tell whether the operands show that this is no arithmetic."""
    return any(
        isinstance(one, NO_NUMBERS)
        or (isinstance(one, ast.Constant) and isinstance(one.value, str | bytes))
        for one in (node.left, node.right)
    )


def _with(values: list[T], at: int, value: T) -> list[T]:
    return [*values[:at], value, *values[at + 1 :]]


def _code(node: ast.expr) -> str:
    return f"({ast.unparse(node)})"


def _short(code: str) -> str:
    words = " ".join(code.split())
    return words if len(words) <= WIDTH else f"{words[: WIDTH - 3]}..."
