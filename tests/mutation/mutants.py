"""Small defects: one place of a module changed, as a mistake of somebody's would."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

FLIPPED: dict[type[ast.cmpop], str] = {
    ast.Lt: "<=",
    ast.LtE: "<",
    ast.Gt: ">=",
    ast.GtE: ">",
    ast.Eq: "!=",
    ast.NotEq: "==",
    ast.Is: "is not",
    ast.IsNot: "is",
    ast.In: "not in",
    ast.NotIn: "in",
}
ARITHMETIC: dict[type[ast.operator], str] = {ast.Add: "-", ast.Sub: "+", ast.Mult: "/", ast.Div: "*"}
PAIRS = {"min": "max", "max": "min", "any": "all", "all": "any"}
# Texts for people and logs: another word in them is not a defect of what the program does.
LOGGED = {"debug", "info", "warning", "error", "exception", "critical", "log"}
# Their first argument is a sentence, for the log and the timeline.
SAID = {"warn", "fault"}
FOR_PEOPLE = {"description", "help", "title", "summary", "epilog"}
SENTENCE_SPACES = 3
# From here on nobody is wrong by one, but by a zero.
ROUND = 1000
NOT_BEHAVIOUR = {"__repr__", "__str__"}
TYPES = {"tuple", "list", "dict", "Callable", "Literal", "Annotated"}


class Mutant(NamedTuple):
    """`text` in the place of what stands from `begin` to `end`, in bytes of the module."""

    path: Path
    line: int
    begin: int
    end: int
    text: str
    function: str

    def of(self, code: bytes) -> bytes:
        return code[: self.begin] + self.text.encode() + code[self.end :]

    def shown(self, code: bytes) -> str:
        """The place, the line as it is and as it becomes."""
        first = code.rfind(b"\n", 0, self.begin) + 1
        last = code.find(b"\n", self.end)
        before = " ".join(code[first:last].decode().split())
        after = " ".join(
            (code[first : self.begin] + self.text.encode() + code[self.end : last]).decode().split()
        )
        return f"{self.path}:{self.line} in {self.function}\n    {before}\n -> {after}"


def mutants(path: Path, code: bytes) -> list[Mutant]:
    """All that can be drawn from the module, in the order of its text; a few of them do not compile."""
    found = _Finder(path, code)
    found.visit(ast.parse(code))
    return sorted(found.found, key=lambda one: one.begin)


def compiles(code: bytes) -> bool:
    try:
        ast.parse(code)
    except SyntaxError:
        return False
    return True


class _Finder(ast.NodeVisitor):
    def __init__(self, path: Path, code: bytes) -> None:
        self.path = path
        self.code = code
        self.found: list[Mutant] = []
        self.function: list[str] = []
        self.starts = [0]
        for line in code.split(b"\n"):
            self.starts.append(self.starts[-1] + len(line) + 1)

    def visit(self, node: ast.AST) -> None:
        for text in self._texts(node):
            self._add(node, text)
        self._step(node)

    # Nodes that are walked through

    def _step(self, node: ast.AST) -> None:
        match node:
            case ast.FunctionDef() if node.name not in NOT_BEHAVIOUR and not _is_declared(node):
                self.function.append(node.name)
                self._each([*node.args.defaults, *filter(None, node.args.kw_defaults), *_body(node.body)])
                self.function.pop()
            case ast.ClassDef():
                self.function.append(node.name)
                self._each(_body(node.body))
                self.function.pop()
            case ast.Module():
                self._each(_body(node.body))
            case ast.AnnAssign(annotation=ast.Name(id="TypeAlias")):
                pass
            case ast.AnnAssign():
                self._each([node.value] if node.value else [])
            case ast.If(test=ast.Name(id="TYPE_CHECKING")):
                self._each(node.orelse)
            case ast.keyword(arg=arg) if arg in FOR_PEOPLE:
                pass
            case ast.Subscript(value=ast.Name(id="Literal")):
                pass
            case ast.Assign(value=ast.Subscript(value=ast.Name(id=name))) if name in TYPES:
                pass
            case ast.Raise() | ast.Import() | ast.ImportFrom() | ast.FunctionDef() | ast.JoinedStr():
                pass
            case ast.Assign(targets=[ast.Name(id="__all__" | "log" | "LOG")]):
                pass
            case ast.Call() if _is_logged(node):
                pass
            case ast.Call(func=ast.Attribute(attr=attr)) if attr in SAID:
                for argument in (*node.args[1:], *node.keywords):
                    self.visit(argument)
            case _:
                self.generic_visit(node)

    def _each(self, nodes: list[ast.expr | ast.stmt]) -> None:
        for node in nodes:
            self.visit(node)

    # Replacements

    def _texts(self, node: ast.AST) -> Iterator[str]:
        match node:
            case ast.Compare(ops=[op]) if type(op) in FLIPPED:
                yield f"{self._of(node.left)} {FLIPPED[type(op)]} {self._of(node.comparators[0])}"
            case ast.BoolOp(values=[first, *rest]):
                # One of its conditions forgotten, or the wrong word between them.
                word = " or " if isinstance(node.op, ast.And) else " and "
                yield "(" + word.join(f"({self._of(value)})" for value in node.values) + ")"
                if rest:
                    yield f"({self._of(first)})"
                    yield f"({self._of(rest[-1])})"
            case ast.UnaryOp(op=ast.Not()):
                yield f"({self._of(node.operand)})"
            case ast.BinOp(op=op) if type(op) in ARITHMETIC:
                yield f"({self._of(node.left)} {ARITHMETIC[type(op)]} {self._of(node.right)})"
            case ast.IfExp():
                yield f"({self._of(node.body)})"
                yield f"({self._of(node.orelse)})"
            case ast.Constant():
                yield from _other_constants(node.value)
            case ast.Name(id=name) if name in PAIRS:
                yield PAIRS[name]
            case ast.Set(elts=values) | ast.Tuple(elts=values, ctx=ast.Load()) if len(values) > 2:
                yield from self._without_one(node, values)
            case ast.Call() if len(node.keywords) > 1 and not _is_logged(node):
                yield from self._without_a_keyword(node)
            case ast.Expr(value=ast.Call() as call) if not _is_logged(call):
                yield "pass"
            case ast.Assign(targets=[ast.Attribute() | ast.Subscript()]) | ast.AugAssign():
                yield "pass"
            case ast.If(test=test) if not (isinstance(test, ast.Name) and test.id == "TYPE_CHECKING"):
                self._add(test, "True")
                self._add(test, "False")
            case ast.Return(value=ast.expr() as value) if not isinstance(value, ast.Constant):
                yield "return None"
            case ast.Break():
                yield "continue"
            case ast.Continue():
                yield "break"

    def _without_one(self, node: ast.expr, values: list[ast.expr]) -> Iterator[str]:
        opened, closed = "{}" if isinstance(node, ast.Set) else "()"
        for left_out in values:
            kept = [self._of(value) for value in values if value is not left_out]
            yield f"{opened}{', '.join(kept)}{closed}"

    def _without_a_keyword(self, node: ast.Call) -> Iterator[str]:
        for left_out in node.keywords:
            if left_out.arg in FOR_PEOPLE:
                continue
            kept = [
                self._of(argument) for argument in (*node.args, *node.keywords) if argument is not left_out
            ]
            yield f"{self._of(node.func)}({', '.join(kept)})"

    def _of(self, node: ast.expr | ast.keyword) -> str:
        begin, end = self._span(node)
        return self.code[begin:end].decode()

    def _span(self, node: ast.expr | ast.stmt | ast.keyword) -> tuple[int, int]:
        assert node.end_lineno is not None
        assert node.end_col_offset is not None
        return self.starts[node.lineno - 1] + node.col_offset, self.starts[
            node.end_lineno - 1
        ] + node.end_col_offset

    def _add(self, node: ast.AST, text: str) -> None:
        assert isinstance(node, ast.expr | ast.stmt)
        begin, end = self._span(node)
        name = ".".join(self.function) or "the module"
        self.found.append(Mutant(self.path, node.lineno, begin, end, text, name))


def _body(statements: list[ast.stmt]) -> list[ast.expr | ast.stmt]:
    """Without texts that stand alone: docstrings, of modules, functions and fields."""
    return [
        statement
        for statement in statements
        if not (isinstance(statement, ast.Expr) and isinstance(statement.value, ast.Constant))
    ]


def _is_declared(function: ast.FunctionDef) -> bool:
    """Of a Protocol: nothing of it is ever run."""
    *documented, last = function.body
    return not _body(documented) and isinstance(last, ast.Expr) and isinstance(last.value, ast.Constant)


def _is_logged(call: ast.Call) -> bool:
    return isinstance(call.func, ast.Attribute) and call.func.attr in LOGGED


def _other_constants(value: object) -> Iterator[str]:
    match value:
        case bool():
            yield str(not value)
        case int():
            yield str(value + 1 if value < ROUND else value * 10)
        case float():
            yield str(value * 2 or 1.0)
        case str() if value and value.isprintable() and value.count(" ") < SENTENCE_SPACES:
            yield repr(value + "x")
