import CSystem
import Glibc

/// The machine failed a call; nothing that depends on the call may be claimed.
public struct DiskFault: Error, Equatable, Sendable, CustomStringConvertible {
  public let call: String
  public let path: String
  public let errno: Int32

  public init(_ call: String, _ path: String, errno: Int32) {
    self.call = call
    self.path = path
    self.errno = errno
  }

  /// With the calling thread's errno.
  public init(_ call: String, _ path: String) {
    self.init(call, path, errno: vx_errno())
  }

  public var description: String {
    "\(call) \(path): \(unsafe String(cString: strerror(errno))) (errno \(errno))"
  }
}

/// Why a journal could not be read back.
public enum JournalFault: Error, Equatable, Sendable, CustomStringConvertible {
  case disk(DiskFault)
  /// A segment's first block is not what its name says.
  case segmentHeader(path: String)
  /// A segment's file is not as long as its header says; lengths in bytes.
  case segmentLength(path: String, expected: Int, found: Int)
  /// Segment numbers must be consecutive, from 1.
  case missingSegment(path: String)
  /// The journal's first segments were removed, and what is wanted lies in them.
  case removed(path: String, before: UInt64, wanted: UInt64)
  /// A compressed segment that cannot be decompressed.
  case compressed(path: String, byte: Int, fault: String)
  /// Bytes that are not a frame, with frames after them: not a torn write.
  case damaged(path: String, byte: Int, offset: UInt64, fault: String)
  /// The bytes are whole, but what they say cannot have been written by the engine.
  case inconsistent(path: String, byte: Int, offset: UInt64, reason: String)

  /// Whether bytes of the journal are not to be had as they were written.
  public var isUnreadable: Bool {
    switch self {
    case .disk, .segmentHeader, .segmentLength, .missingSegment, .compressed, .damaged: true
    case .removed, .inconsistent: false
    }
  }

  public var description: String {
    switch self {
    case .disk(let fault): "\(fault)"
    case .segmentHeader(let path): "\(path): byte 0: not the segment its name says"
    case .segmentLength(let path, let expected, let found):
      "\(path): \(found) bytes long, made with \(expected)"
    case .missingSegment(let path): "\(path): missing, though a later segment exists"
    case .removed(let path, let before, let wanted):
      "\(path): the journal begins at offset \(before), what lies before was removed; offset "
        + "\(wanted) is wanted"
    case .compressed(let path, let byte, let fault): "\(path): byte \(byte): \(fault)"
    case .damaged(let path, let byte, let offset, let fault):
      "\(path): byte \(byte): damaged frame at journal offset \(offset): \(fault)"
    case .inconsistent(let path, let byte, let offset, let reason):
      "\(path): byte \(byte): journal offset \(offset): \(reason)"
    }
  }
}
