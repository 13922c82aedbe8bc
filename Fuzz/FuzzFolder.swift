import Disk
import Glibc

/// A folder of this process for decoders that read files; in memory where the machine has such a
/// file system, and removed at the process's end.
enum FuzzFolder {
  static let path: String = {
    let base = access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp"
    let path = "\(base)/veltrix-fuzz-\(getpid())"
    do { try Files.createFolder(path) } catch { preconditionFailure("\(error)") }
    atexit {
      // What is left is in a folder for temporary files.
      try? Files.removeTree(FuzzFolder.path)
    }
    return path
  }()

  /// Writes a file, neither flushed nor renamed.
  static func write(_ bytes: [UInt8], _ path: String) throws {
    let file = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0o644)
    guard file >= 0, Glibc.write(file, bytes, bytes.count) == bytes.count else {
      throw Broken("\(path): cannot be written")
    }
    close(file)
  }
}

/// Changes to files that were good: what fuzzing does to files that are too long to make up.
///
/// An input is a list of edits: a byte whose bits 0...2 say what and bits 3...4 in which file; the
/// place, two bytes, in units of `unit`, with an offset of a byte; a count; and bytes.
struct Edits {
  private var choices: Choices

  init(_ bytes: ArraySlice<UInt8>) { choices = Choices(Array(bytes)) }

  /// Applies the edits of an input to `files`; nil stands for a file that is removed.
  mutating func apply(to files: inout [[UInt8]?], unit: Int) {
    while !choices.rest.isEmpty {
      let what = choices.byte()
      let which = Int(what >> 3 & 3)
      let place = Int(choices.word()) * unit + Int(choices.byte())
      let count = Int(choices.byte())
      guard which < files.count, var file = files[which] else { continue }
      let at = min(place, file.count)
      switch what & 7 {
      case 0...2:
        for offset in 0..<(count & 15) where at + offset < file.count {
          file[at + offset] = choices.byte()
        }
      case 3: file.removeSubrange(at...)
      case 4: file += [UInt8](repeating: choices.byte(), count: count)
      case 5:
        // Some bytes of the file once more, at another place.
        let from = min(Int(choices.word()) * unit, file.count)
        let piece = Array(file[from..<min(file.count, from + count * unit)])
        file.replaceSubrange(at..<min(file.count, at + piece.count), with: piece)
      case 6:
        for offset in at..<min(file.count, at + count * unit) { file[offset] = 0 }
      default:
        files[which] = nil
        continue
      }
      files[which] = file
    }
  }
}
