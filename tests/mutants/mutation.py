"""Small faults that can be put into a function's statements, each of them found again wherever its function moves.

A `Mutation` names the function, the statement and the piece of it that is replaced, as `ast.unparse` writes them; it
names no file, no line and no layout. `places` yields all mutations of a source, and where they lie in it.
"""

import ast
from collections import Counter
from collections.abc import Iterable, Iterator
from copy import copy
from dataclasses import dataclass, replace
from typing import TypeVar

Node = TypeVar("Node", bound=ast.AST)

# What a comparison becomes: its opposite, and, where it is one of order, the one that differs on equal values alone.
COMPARISONS: dict[type[ast.cmpop], tuple[type[ast.cmpop], ...]] = {
    ast.Eq: (ast.NotEq,),
    ast.NotEq: (ast.Eq,),
    ast.Is: (ast.IsNot,),
    ast.IsNot: (ast.Is,),
    ast.In: (ast.NotIn,),
    ast.NotIn: (ast.In,),
    ast.Lt: (ast.GtE, ast.LtE),
    ast.LtE: (ast.Gt, ast.Lt),
    ast.Gt: (ast.LtE, ast.GtE),
    ast.GtE: (ast.Lt, ast.Gt),
}
OPERATORS: dict[type[ast.operator], type[ast.operator]] = {
    ast.Add: ast.Sub,
    ast.Sub: ast.Add,
    ast.Mult: ast.FloorDiv,
    ast.Div: ast.Mult,
    ast.FloorDiv: ast.Mult,
    ast.Mod: ast.Mult,
    ast.BitOr: ast.BitAnd,
    ast.BitAnd: ast.BitOr,
}

# A fine fault leaves most of what a statement does, so that a test of just this fails. A blunt one leaves so little
# that whatever runs it may fail. The last changes a text that people read.
FINE, BLUNT, TEXT = range(3)

# How sure it is that a place is the one that was meant.
SURENESS = ("exact", "expression", "statement")

LOGGING = {"debug", "info", "warning", "error", "exception"}


@dataclass(frozen=True)
class Mutation:
    """A fault: in this statement of this function, ``before`` becomes ``after``.

    ``statement`` is a simple statement, or the head of a compound one. ``nth`` counts from 0 the places of a file
    that are equal in all else.
    """

    function: str
    statement: str
    before: str
    after: str
    nth: int = 0


@dataclass(frozen=True)
class Place:
    """Where a mutation lies in a source: the lines of its statement, and the bytes that it replaces; and its kind."""

    mutation: Mutation
    lines: range
    start: int
    end: int
    kind: int


def places(source: str) -> Iterator[Place]:
    """Yield all mutations of a source's functions that still compile, in the order of their statements."""
    starts = [0]
    for line in source.encode().splitlines(keepends=True):
        starts.append(starts[-1] + len(line))
    seen: Counter[Mutation] = Counter()
    for function, statement in _statements(ast.parse(source), ""):
        parts = _head(statement)
        name = type(statement).__name__.lower()
        text = ast.unparse(statement) if parts == [statement] else f"{name} {', '.join(map(ast.unparse, parts))}"
        for part in parts:
            lines = range(statement.lineno, (part.end_lineno or part.lineno) + 1)
            for node, after, kind in _changes(part, statement):
                start = starts[node.lineno - 1] + node.col_offset
                end = starts[(node.end_lineno or node.lineno) - 1] + (node.end_col_offset or 0)
                mutation = Mutation(function, text, ast.unparse(node), after)
                place = Place(replace(mutation, nth=seen[mutation]), lines, start, end, kind)
                if _compiles(apply(source, place)):
                    seen[mutation] += 1
                    yield place


def apply(source: str, place: Place) -> str:
    """Return the source with the fault in it."""
    raw = source.encode()
    return (raw[: place.start] + place.mutation.after.encode() + raw[place.end :]).decode()


def find(source: Iterable[Place], wanted: Mutation) -> list[tuple[str, Place]]:
    """Return which places of a source are this mutation's, and how sure that is; the less sure if none is surer.

    ``expression``: the function has the piece once, in a statement that is another. ``statement``: the statement
    lies in a function of another name.
    """
    found = []
    for place in source:
        at = place.mutation
        if at == wanted:
            found.append(("exact", place))
        elif at.function == wanted.function and (at.before, at.after, at.nth) == (wanted.before, wanted.after, 0):
            found.append(("expression", place))
        elif replace(at, function=wanted.function) == wanted:
            found.append(("statement", place))
    best = min((how for how, _ in found), key=SURENESS.index, default=None)
    return [(how, place) for how, place in found if how == best]


def _compiles(source: str) -> bool:
    try:
        compile(source, "mutated", "exec")
    except SyntaxError:
        return False
    return True


def _statements(node: ast.AST, inside: str) -> Iterator[tuple[str, ast.stmt]]:
    """Yield the statements of all functions in a node, each with its function's qualified name."""
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            qualified = f"{inside.rstrip('.:')}.{child.name}".lstrip(".")
            yield from _statements(child, qualified + (":" if isinstance(child, ast.ClassDef) else "."))
        elif isinstance(child, ast.stmt | ast.ExceptHandler | ast.match_case):
            # A name that ends in a colon is a class's, whose own statements are declarations.
            if isinstance(child, ast.stmt) and inside.endswith("."):
                yield inside[:-1], child
            yield from _statements(child, inside)


def _head(statement: ast.stmt) -> list[ast.expr | ast.stmt]:
    """Return the parts of a statement that may be changed: all of a simple one, what stands in the head of others."""
    match statement:
        case ast.If(test=test) | ast.While(test=test):
            return [] if ast.unparse(test).endswith("TYPE_CHECKING") else [test]
        case ast.For(iter=value) | ast.AsyncFor(iter=value) | ast.Match(subject=value):
            return [value]
        case ast.With(items=items) | ast.AsyncWith(items=items):
            return [item.context_expr for item in items]
        case ast.Expr(value=ast.Constant()) | ast.Expr(value=ast.Call(func=ast.Attribute(attr="setLevel"))):
            return []
        case ast.Expr(value=ast.Call(func=ast.Attribute(value=owner, attr=attr))) if attr in LOGGING:
            return [] if "log" in ast.unparse(owner).lower() else [statement]
        case ast.Expr() | ast.Return() | ast.Raise() | ast.Assign() | ast.AnnAssign(value=ast.expr()):
            return [statement]
        case ast.AugAssign() | ast.Delete() | ast.Continue() | ast.Break():
            return [statement]
    return []


def _changes(part: ast.expr | ast.stmt, statement: ast.stmt) -> Iterator[tuple[ast.expr | ast.stmt, str, int]]:
    """Yield what may be replaced in a part of a statement, what replaces it, and of what kind that is."""
    match part:
        case ast.Return(value=ast.expr() as value) if ast.unparse(value) != "None":
            yield part, "return None", BLUNT
        case ast.Raise() | ast.Delete() | ast.AugAssign() | ast.Expr(value=ast.Call() | ast.Await()):
            yield part, "pass", FINE
        case ast.Continue():
            yield part, "break", FINE
        case ast.Break():
            yield part, "continue", FINE
        case ast.Assign(value=value) | ast.AnnAssign(value=ast.expr() as value) if ast.unparse(value) != "None":
            yield value, "None", BLUNT
        case ast.expr() if isinstance(statement, ast.If | ast.While) and not isinstance(
            part, ast.Compare | ast.UnaryOp
        ):
            yield part, f"(not ({ast.unparse(part)}))", FINE
    # The message of an error is text, and what an error is made of is read by nothing but its message.
    if not isinstance(part, ast.Raise):
        yield from _in_expressions(part.value if isinstance(part, ast.AnnAssign) and part.value else part)


def _in_expressions(node: ast.AST) -> Iterator[tuple[ast.expr, str, int]]:
    if isinstance(node, ast.expr):
        pieces = node.values if isinstance(node, ast.JoinedStr) else [node]
        is_text = any(isinstance(piece, ast.Constant) and " " in str(piece.value) for piece in pieces)
        for changed in _changed(node):
            kind = TEXT if is_text else BLUNT if _lacks_an_argument(changed, node) else FINE
            yield node, f"({ast.unparse(ast.fix_missing_locations(changed))})", kind
    # Before Python 3.12, what stands in an f-string has no place of its own.
    if not isinstance(node, ast.JoinedStr):
        for child in ast.iter_child_nodes(node):
            yield from _in_expressions(child)


def _lacks_an_argument(changed: ast.expr, node: ast.expr) -> bool:
    return isinstance(node, ast.Call) and isinstance(changed, ast.Call) and len(changed.args) < len(node.args)


def _changed(node: ast.expr) -> Iterator[ast.expr]:
    match node:
        case ast.Compare(ops=[operator]):
            yield from (_with(node, ops=[other()]) for other in COMPARISONS[type(operator)])
        case ast.BoolOp(op=operator):
            yield _with(node, op=ast.Or() if isinstance(operator, ast.And) else ast.And())
        case ast.UnaryOp(op=ast.Not(), operand=operand):
            yield operand
        case ast.BinOp(op=operator) if type(operator) in OPERATORS:
            yield _with(node, op=OPERATORS[type(operator)]())
        case ast.IfExp(body=body, orelse=orelse):
            yield _with(node, body=orelse, orelse=body)
        case ast.Constant(value=bool() as value):
            yield ast.Constant(not value)
        case ast.Constant(value=int() | float() as value):
            yield ast.Constant(value + 1)
        case ast.Constant(value=str() as value):
            yield ast.Constant(value + "x")
        case ast.Constant(value=bytes() as value):
            yield ast.Constant(value + b"x")
        case ast.JoinedStr(values=values):
            yield ast.JoinedStr([*values, ast.Constant("x")])
        case ast.Call(args=arguments, keywords=keywords):
            yield from (_with(node, keywords=[k for k in keywords if k is not dropped]) for dropped in keywords)
            if len(arguments) > 1:
                yield _with(node, args=arguments[:-1])
        case ast.List(elts=[*most, _], ctx=ast.Load()) | ast.Set(elts=[*most, _]) if most:
            yield _with(node, elts=most)
        case ast.Tuple(elts=[*most, _], ctx=ast.Load()) if most:
            yield _with(node, elts=most)
        case ast.Dict(keys=[*keys, _], values=[*values, _]):
            yield _with(node, keys=keys, values=values)


def _with(node: Node, **fields: object) -> Node:
    changed = copy(node)
    for name, value in fields.items():
        setattr(changed, name, value)
    return changed
