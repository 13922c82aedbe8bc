extension Hello {
  /// Checks a hello as it came: every field in its range, the unused bytes zero, the name UTF-8.
  ///
  /// Positions are bytes of the payload; its frame starts `FrameHeader.byteCount` before. Whether
  /// the hunt exists and the rights are granted is the gateway's to judge.
  public func validate() throws(Rejection) {
    guard producer >= 1, producer <= UInt64(Int64.max) else {
      throw Rejection(.outOfRange, .producer, position: 0)
    }
    guard AckLevel(rawValue: ack) != nil else { throw Rejection(.outOfRange, position: 8) }
    guard rights & ~(Self.rightIngest | Self.rightOperate) == 0 else {
      throw Rejection(.reservedFlag, .flags, position: 9)
    }
    guard nameSize >= 1, nameSize <= 48 else { throw Rejection(.outOfRange, .hunt, position: 10) }
    guard options & ~Self.optionAckOnly == 0 else {
      throw Rejection(.reservedFlag, .flags, position: 11)
    }
    guard reserved == 0 else { throw Rejection(.outOfRange, position: 12) }
    for at in Int(nameSize)..<48 where name[at] != 0 {
      throw Rejection(.outOfRange, .hunt, position: 16 + at)
    }
    guard hunt != nil else { throw Rejection(.malformed, .hunt, position: 16) }
  }
}
