"""What one cell of a lesson needs, so that it can be run without the rest of the lesson."""

from __future__ import annotations

import ast
from collections.abc import Mapping

import nbformat


def needed(notebook: nbformat.NotebookNode, cell: int, instead: Mapping[str, str]) -> str:
    """The earlier code that makes what this cell uses, whole cells in their order.

    ``instead``: name → code that makes it in some other way, in place of the cell that does, such
    as a network from a file in place of a minute's training. Of several cells that bind a name, the
    last one before its use counts; a list that other cells fill up would come without them.
    """
    cells = [_names(c.source) if c.cell_type == "code" else (set(), set()) for c in notebook.cells]
    open_, taken, replaced = [cell], set(), {}
    while open_:
        at = open_.pop()
        for name in cells[at][1]:
            if name in instead:
                replaced[name] = instead[name]
                continue
            made = [i for i in range(at) if name in cells[i][0]][-1:]
            open_ += set(made) - taken
            taken.update(made)
    return "\n".join([*replaced.values(), *(notebook.cells[i].source for i in sorted(taken))])


def _names(source: str) -> tuple[set[str], set[str]]:
    """What code binds, and what it reads before it has bound it itself."""
    cell = _Cell()
    cell.visit(ast.parse(source))
    return cell.binds, cell.reads


class _Cell(ast.NodeVisitor):
    """Visits names in the order of evaluation: a value before the name that it is bound to."""

    def __init__(self) -> None:
        self.binds: set[str] = set()
        self.reads: set[str] = set()

    def visit_Name(self, node: ast.Name) -> None:
        if isinstance(node.ctx, ast.Store):
            self.binds.add(node.id)
        elif node.id not in self.binds:
            self.reads.add(node.id)

    def visit_alias(self, node: ast.alias) -> None:
        self.binds.add((node.asname or node.name).split(".")[0])

    def visit_arg(self, node: ast.arg) -> None:
        self.binds.add(node.arg)

    def visit_Assign(self, node: ast.Assign) -> None:
        for part in (node.value, *node.targets):
            self.visit(part)

    def visit_AugAssign(self, node: ast.AugAssign) -> None:
        self.visit(node.value)
        if isinstance(node.target, ast.Name):
            self.visit(ast.Name(node.target.id, ast.Load()))
        self.visit(node.target)

    def visit_For(self, node: ast.For) -> None:
        for part in (node.iter, node.target, *node.body, *node.orelse):
            self.visit(part)

    def _comprehension(self, node: ast.ListComp | ast.SetComp | ast.GeneratorExp) -> None:
        for part in node.generators:
            for inner in (part.iter, part.target, *part.ifs):
                self.visit(inner)
        self.visit(node.elt)

    visit_ListComp = visit_SetComp = visit_GeneratorExp = _comprehension

    def visit_DictComp(self, node: ast.DictComp) -> None:
        self._comprehension(ast.ListComp(ast.Tuple([node.key, node.value]), node.generators))

    def visit_FunctionDef(self, node: ast.FunctionDef) -> None:
        self.binds.add(node.name)
        self._inside(node.args, *node.body)

    def visit_ClassDef(self, node: ast.ClassDef) -> None:
        self.binds.add(node.name)
        self._inside(*node.bases, *node.body)

    def visit_Lambda(self, node: ast.Lambda) -> None:
        self._inside(node.args, node.body)

    def _inside(self, *parts: ast.AST) -> None:
        """What is bound inside stays there."""
        inner = _Cell()
        for part in parts:
            inner.visit(part)
        self.reads |= inner.reads - self.binds
