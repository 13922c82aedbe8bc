/// How busy a loop's stream connections are, and until when their bytes may gather.
///
/// Woken for each frame, a busy engine spends its time on waking: at 320,000 events/s it made
/// 27,000 context switches a million events. Looking at the streams once in a while instead costs
/// their events that while at most, and nothing when little comes.
struct StreamTraffic {
  /// Streams are not read before this time; 0 when they are not busy.
  private(set) var gatherUntilNs: Int64 = 0
  private var startNs: Int64 = 0
  private var bytes = 0
  private var hasMuch = false
  private var windowStartNs: Int64 = 0
  private var windowBytes = 0
  private var isBusy = false

  /// A reading of whatever is ready begins.
  mutating func begin(_ nowNs: Int64) {
    startNs = nowNs
    bytes = 0
    hasMuch = false
  }

  /// A stream connection had bytes; whether so many that it may run out of room if it waits.
  mutating func received(_ count: Int, isMuch: Bool) {
    bytes += count
    hasMuch = hasMuch || isMuch
  }

  /// What was ready has been read.
  mutating func end(_ nowNs: Int64, gatherNs: Int64) {
    guard bytes > 0, gatherNs > 0 else { return }
    windowBytes += bytes
    bytes = 0
    let elapsedNs = nowNs - windowStartNs
    if elapsedNs >= NetLimits.busyWindowNs {
      let windows = elapsedNs / NetLimits.busyWindowNs
      isBusy = windowBytes / NetLimits.busyBytes >= windows
      windowStartNs = nowNs
      windowBytes = 0
    }
    // Much at once means that the peer stops, or soon will, until the kernel's buffer is emptied.
    gatherUntilNs = isBusy && !hasMuch ? startNs + gatherNs : 0
  }
}
