import Bounded

// What was written since the last image, so that the next one need hold no more.
//
// The pages are noted from one taking to the next. A fork carries on with what its parent had noted
// and not given away. Each taking has a number; where a branch takes over from a space whose pages
// were taken after the branch had left it, the numbers differ, and what the branch has written
// since that image is not known.
extension PageSpace {
  /// The pages written since this was last called, here or, before the space was forked from there,
  /// in the space that it was forked from; perhaps some that were not. Nil where that is not known,
  /// as after some promotions: then the next image is a whole one.
  ///
  /// For an image of what changed since the last image: fork, take the pages, and write those of
  /// the fork. Where that fails, the next image must be a whole one.
  ///
  /// - Complexity: O(pages / 64); allocates a bit a page.
  public mutating func takeWrittenPages() -> PageSet? {
    precondition(kind != .frozen, "nothing is written in a frozen fork")
    let taken = PageSet(copying: tree.written, pageCount: pageCount)
    let isKnown = tree.isWrittenKnown
    tree.written.zero(0, count: tree.written.byteCount)
    tree.isWrittenKnown = true
    tree.taking = tree.pool.nextTaking()
    tree.seal()
    return isKnown ? taken : nil
  }
}
