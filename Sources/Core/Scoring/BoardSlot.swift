public import Pages

/// The members and the order of one window of a board.
@frozen @usableFromInline struct BoardSlot: BitwiseCopyable, Sendable {
  /// See `Board` for the layouts.
  @frozen @usableFromInline struct Row: BitwiseCopyable {
    @usableFromInline var window: Int64 = 0
    @usableFromInline var tag: UInt32 = 0
    @usableFromInline var sweep: UInt32 = 0
    @usableFromInline var zero0: UInt64 = 0
    @usableFromInline var zero1: UInt64 = 0
  }

  @frozen @usableFromInline struct MemberRow: BitwiseCopyable {
    @usableFromInline var score: Int64
    @usableFromInline var mark: UInt64

    @inline(__always) init(score: Int64, reached: UInt64, tag: UInt32) {
      self.score = score
      mark = reached &<< 24 | UInt64(tag)
    }
    @inline(__always) var reached: UInt64 { mark &>> 24 }
    @inline(__always) var tag: UInt32 { UInt32(truncatingIfNeeded: mark & 0xff_ffff) }
  }

  @usableFromInline static var tagMax: UInt32 { 1 << 24 - 1 }

  @usableFromInline let members: PagedArray<MemberRow>
  @usableFromInline let tree: PagedTree

  init(_ name: String, _ capacity: Int, in layout: inout PageLayout) {
    members = PagedArray("\(name).members", count: capacity, in: &layout)
    tree = PagedTree("\(name).tree", capacity: capacity, isDerived: true, in: &layout)
  }

  /// Adds points in the member's row: the new score, and what its order shall follow with, if
  /// anything. `member` is below the capacity, `reached` within 40 bits.
  @inline(__always)
  func addToRow(
    _ member: UInt32, _ points: Int64, _ reached: UInt64, _ tag: UInt32, _ space: inout PageSpace
  ) -> (score: Int64, change: TreeChange?) {
    let row = members.load(Int(member), space)
    if row.tag != tag {
      members.store(
        MemberRow(score: points, reached: reached, tag: tag), Int(member), &space)
      let key = Standing(score: points, reached: reached, member: member).key
      return (points, TreeChange(key, to: key))
    }
    let (sum, overflow) = row.score.addingReportingOverflow(points)
    let score = overflow ? (points < 0 ? Int64.min : Int64.max) : sum
    if score == row.score { return (score, nil) }
    members.store(MemberRow(score: score, reached: reached, tag: tag), Int(member), &space)
    let old = Standing(score: row.score, reached: row.reached, member: member)
    let new = Standing(score: score, reached: reached, member: member)
    return (score, TreeChange(old.key, to: new.key))
  }

  /// Brings the order to where the row is.
  func follow(_ change: TreeChange, _ space: inout PageSpace) {
    let made =
      change.old == change.new
      ? tree.insert(change.new, &space) == .inserted
      : tree.replace(change.old, change.new, &space)
    precondition(made, "row and place of member \(Standing(change.new).member) do not agree")
  }

  func remove(_ member: UInt32, _ tag: UInt32, _ space: inout PageSpace) -> Bool {
    guard let standing = removeRow(member, tag, &space) else { return false }
    let removed = tree.remove(standing.key, &space)
    precondition(removed, "member \(member) had a row without a place")
    return true
  }

  /// Zeroes the row of `member`; where it stood, or nil when it had no points in this opening.
  func removeRow(_ member: UInt32, _ tag: UInt32, _ space: inout PageSpace) -> Standing? {
    guard let standing = standing(member, tag, space) else { return nil }
    members.store(MemberRow(score: 0, reached: 0, tag: 0), Int(member), &space)
    return standing
  }

  /// Zeroes a member row of an earlier opening.
  func sweep(_ member: Int, _ space: inout PageSpace) {
    // A page that was never written stays so.
    if members.load(member, space).tag != 0 {
      members.store(MemberRow(score: 0, reached: 0, tag: 0), member, &space)
    }
  }

  /// Where `member` stands, or nil when it has no points in this opening.
  @inline(__always)
  func standing(_ member: UInt32, _ tag: UInt32, _ space: borrowing PageSpace) -> Standing? {
    if Int(member) >= members.count { return nil }
    let row = members.load(Int(member), space)
    if row.tag != tag { return nil }
    return Standing(score: row.score, reached: row.reached, member: member)
  }
}
