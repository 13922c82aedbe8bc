public import Authoring
public import Bus

extension Settings {
  /// Of a thread that every event passes.
  ///
  /// - Parameter rank: Higher for what comes later on an event's way, so that work is brought to
  ///   its end before more is begun; 1...3.
  public func priority(rank: Int) -> ThreadPriority {
    realtime ? .realtime(rank: rank) : .prompt
  }
}
