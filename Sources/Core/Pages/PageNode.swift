/// A node of a space's page tree: the entries of 64 pages that follow one another.
///
/// An entry, of a root (then its number is a node's) or of a node (a page's), is a `UInt32`:
///
///     bits    field
///     0       open    the space may write below without asking
///     1       own     made or found to be the space's alone since it was last forked
///     2...31  number  of the node or page; 0: never written, all zero
///
/// A flag of a node's entry has meaning only below a root's entry with the same flag: a fork or a
/// digest clears those of the root alone, and what hangs below is put right when next written.
@usableFromInline enum PageNode {
  /// Base-2 logarithm of pages a node.
  @usableFromInline static var shift: Int { 6 }
  @usableFromInline static var pageCount: Int { 1 &<< shift }
  @usableFromInline static var byteCount: Int { pageCount &* 4 }

  @usableFromInline static var open: UInt32 { 1 }
  static var own: UInt32 { 2 }
  static var flags: UInt32 { 3 }

  @inlinable @inline(__always)
  static func number(_ entry: UInt32) -> Int { Int(entry &>> 2) }

  static func entry(_ number: Int, _ flags: UInt32) -> UInt32 { UInt32(number) << 2 | flags }

  /// Where the entry of page `slot` of a node lies in the memory of nodes.
  static func at(_ node: Int, _ slot: Int) -> Int { node &* byteCount &+ slot &* 4 }
}
