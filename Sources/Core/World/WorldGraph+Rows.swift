internal import Bounded
internal import Pages

extension WorldGraph {
  /// Copies the rows of `count` nodes of a grid of four ways in a row: four bytes each, the
  /// multipliers of the edges that leave it.
  func copyEdges(
    from node: Int, count: Int, to target: SlabView, at place: Int, _ space: borrowing PageSpace
  ) {
    precondition(isGrid && rowShift == 2)
    space.copy(rowAddress + node << 2, count: count << 2, to: target, at: place)
    target.addMap(
      toEdges: place, count: count, first: node, weights: topology.rows, steps: topology.steps)
  }
}
