/// A node of a space's page tree: the physical pages of 64 logical pages that follow one another,
/// a `UInt32` each; 0: never written, all zero.
///
/// Nothing but numbers, so that a read goes from root to node to page and takes nothing apart.
/// A root names a node by an eighth of its place in the memory of nodes: 32 times its number.
@usableFromInline enum PageNode {
  /// Base-2 logarithm of pages a node.
  @usableFromInline static var shift: Int { 6 }
  @usableFromInline static var pageCount: Int { 1 &<< shift }
  @usableFromInline static var byteCount: Int { pageCount &* 4 }

  /// What a root holds for a node.
  static func name(_ node: Int) -> UInt32 { UInt32(node) << 5 }
  static func number(_ name: UInt32) -> Int { Int(name >> 5) }

  /// Where the entry of page `slot` of a node lies in the memory of nodes.
  static func at(_ node: Int, _ slot: Int) -> Int { node &* byteCount &+ slot &* 4 }
}
