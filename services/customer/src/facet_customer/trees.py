"""What departments, regions, groups and classification nodes share as trees: paths, moves, no rings.

What a node is and who may move it is the business of the features.
"""

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, TypeVar

from sqlalchemy.orm import Mapped, mapped_column

from facet_kit.errors import Conflict


class TreeNode:
    """Mixin of an aggregate that hangs in a tree. `ancestor_ids` runs from the root to the node itself."""

    if TYPE_CHECKING:  # the aggregate maps it
        id: Mapped[str]

    parent_id: Mapped[str] = mapped_column(default="", index=True)
    ancestor_ids: Mapped[list[str]]

    @property
    def root_id(self) -> str:
        """The top of the tree that the node hangs in; itself when it hangs under nothing."""
        return self.ancestor_ids[0]

    def hang_under(self, parent: "TreeNode | None") -> None:
        """Gives a new node its place."""
        self.parent_id = parent.id if parent else ""
        self.ancestor_ids = [*(parent.ancestor_ids if parent else ()), self.id]


Node = TypeVar("Node", bound=TreeNode)


def rehang(node: Node, parent: Node | None, below: Iterable[Node]) -> list[tuple[Node, list[str]]]:
    """Moves a node under another parent (None: to the top) and takes everything `below` it along.

    Returns the nodes whose place changed, each with its path before, the moved one first; none when it
    hangs there already.

    Raises:
        Conflict: the parent is the node itself or lies below it (CUS-14: a ring is refused).
    """
    if parent is not None and node.id in parent.ancestor_ids:
        raise Conflict(
            "TREE_RING",
            f"{parent.id!r} is {node.id!r} itself or lies below it, so that the move would close a ring. "
            "Choose another parent.",
            metadata={"id": node.id, "parent_id": parent.id},
        )
    path = [*(parent.ancestor_ids if parent else ()), node.id]
    if path == node.ancestor_ids:
        return []
    depth = len(node.ancestor_ids)
    moved: list[tuple[Node, list[str]]] = []
    for each in [node, *(other for other in below if other.id != node.id)]:
        moved.append((each, each.ancestor_ids))
        each.ancestor_ids = path + each.ancestor_ids[depth:]
    node.parent_id = parent.id if parent else ""
    return moved


def in_tree_order(paths: Sequence[Sequence[str]]) -> list[str]:
    """Ids of nodes, given by their paths, so that every parent stands before its children.

    Siblings keep the order in which they were given; steps of a path that were not given themselves are skipped.
    """
    rank = {path[-1]: place for place, path in enumerate(paths)}
    places = {path[-1]: [rank[step] for step in path if step in rank] for path in paths}
    return sorted(rank, key=lambda node_id: places[node_id])
