/// Where a frame stands: enough to go on reading there, and to see that it is the right frame.
public struct JournalPlace: Equatable, Sendable {
  /// Segment, 1..., and byte in it.
  public var segment: UInt64
  public var fileOffset: Int
  /// Offset of the frame's first event, and hash of the frame before.
  public var position: JournalPosition

  public init(
    segment: UInt64 = 1, fileOffset: Int = SegmentHeader.blockBytes,
    position: JournalPosition = JournalPosition()
  ) {
    self.segment = segment
    self.fileOffset = fileOffset
    self.position = position
  }
}
