public import Bounded
import CSystem
import Glibc
import Machine

/// A file descriptor that closes with its owner.
public struct File: ~Copyable {
  public let descriptor: Int32
  public let path: String

  /// Opens `path` with `flags` of open(2); `mode` applies when it is created.
  public init(_ path: String, _ flags: Int32, mode: Int32 = 0o644) throws(DiskFault) {
    self.path = path
    descriptor = Self.opened(path, flags, mode)
    if descriptor < 0 { throw DiskFault("open", path, errno: -descriptor) }
  }

  /// A descriptor, or the negated errno.
  private static func opened(_ path: String, _ flags: Int32, _ mode: Int32) -> Int32 {
    if let machine = ThisMachine.simulated { return Int32(machine.open(path, OpenMode(flags))) }
    let descriptor = unsafe vx_open(path, flags, mode)
    return descriptor < 0 ? -vx_errno() : descriptor
  }

  /// Opens `path` for reading. For as long as the file is held its bytes are not taken for another
  /// file: see `init(filling:spare:)`. Whoever opens what may become a spare opens it so.
  ///
  /// - Throws: `ENOENT` also when the name went to another file meanwhile.
  public init(reading path: String) throws(DiskFault) {
    self.path = path
    descriptor = Self.openedToRead(path)
    if descriptor < 0 { throw DiskFault("open", path, errno: -descriptor) }
  }

  /// A descriptor, or the negated errno.
  private static func openedToRead(_ path: String) -> Int32 {
    if let machine = ThisMachine.simulated { return Int32(machine.open(path, .held)) }
    let opened = unsafe vx_open(path, O_RDONLY, 0)
    if opened < 0 { return -vx_errno() }
    // Where the file system has no locks, none is found free either, and spares are not used.
    _ = flock(opened, LOCK_SH)
    if unsafe vx_is_named(opened, path) != 0 { return opened }
    _ = close(opened)
    return -ENOENT
  }

  /// Makes `path` anew, to be filled with whole blocks past the page cache.
  ///
  /// - Parameter spare: A file that nobody needs any more; where it exists, and nobody still reads
  ///   it, it becomes this one, and all its bytes must be written over. Freeing the blocks of one
  ///   file and finding others for the next makes every durable write beside it wait.
  public init(filling path: String, spare: String? = nil) throws(DiskFault) {
    self.path = path
    descriptor = Self.openedToFill(path, spare)
    if descriptor < 0 { throw DiskFault("open", path, errno: -descriptor) }
  }

  /// A descriptor, or the negated errno.
  private static func openedToFill(_ path: String, _ spare: String?) -> Int32 {
    // Whoever took it meanwhile leaves us a file of our own.
    if let machine = ThisMachine.simulated {
      var isSpare = spare.map { machine.rename($0, path) == 0 } ?? false
      if isSpare && machine.isHeld(path) {
        _ = machine.remove(path)
        isSpare = false
      }
      return Int32(machine.open(path, .making(truncates: !isSpare)))
    }
    let isSpare = spare.map { unsafe rename($0, path) == 0 } ?? false
    var opened = unsafe vx_open_filling(path, isSpare ? 1 : 0)
    if isSpare, opened >= 0 {
      if flock(opened, LOCK_EX | LOCK_NB) == 0 {
        // Who opened it under its old name and has not locked it yet will find the name gone.
        _ = flock(opened, LOCK_UN)
      } else {
        // A backup or a fork reads it: theirs it stays.
        _ = close(opened)
        _ = unsafe unlink(path)
        opened = unsafe vx_open_filling(path, 0)
      }
    }
    return opened < 0 ? -vx_errno() : opened
  }

  /// Takes the disk space of the first `byteCount` bytes now.
  public func reserve(_ byteCount: Int) throws(DiskFault) {
    if let machine = ThisMachine.simulated {
      _ = try checked(machine.reserve(Int(descriptor), byteCount), "posix_fallocate", path)
      return
    }
    let failed = vx_fallocate(descriptor, 0, Int64(byteCount))
    if failed != 0 { throw DiskFault("posix_fallocate", path, errno: failed) }
  }

  /// Opens `path` for direct, synchronous writing; nil where the file system refuses that.
  public init?(direct path: String, create: Bool) throws(DiskFault) {
    self.path = path
    descriptor = Self.openedDirect(path, create)
    if descriptor < 0 {
      if -descriptor == EINVAL || -descriptor == EOPNOTSUPP { return nil }
      throw DiskFault("open", path, errno: -descriptor)
    }
  }

  /// A descriptor, or the negated errno.
  private static func openedDirect(_ path: String, _ create: Bool) -> Int32 {
    if let machine = ThisMachine.simulated {
      return Int32(machine.open(path, .direct(creates: create)))
    }
    let descriptor = unsafe vx_open_direct(path, create ? 1 : 0)
    return descriptor < 0 ? -vx_errno() : descriptor
  }

  deinit {
    if descriptor < 0 { return }
    if let machine = ThisMachine.simulated {
      machine.close(Int(descriptor))
    } else {
      _ = close(descriptor)
    }
  }

  /// Length in bytes.
  public func size() throws(DiskFault) -> Int {
    if let machine = ThisMachine.simulated {
      return try checked(machine.size(Int(descriptor)), "lseek", path)
    }
    let end = lseek(descriptor, 0, SEEK_END)
    if end < 0 { throw DiskFault("lseek", path) }
    return Int(end)
  }

  /// Writes all `count` bytes of `slab` from `from` at file offset `at`.
  public func write(_ slab: Slab, from: Int, count: Int, at: Int) throws(DiskFault) {
    precondition(from >= 0 && from + count <= slab.byteCount)
    var done = 0
    let machine = ThisMachine.simulated
    while done < count {
      if let machine {
        let wrote = machine.write(
          Int(descriptor), slab, from: from + done, count: count - done, at: at + done)
        if wrote == 0 { throw DiskFault("pwrite", path, errno: EIO) }
        done += try checked(wrote, "pwrite", path)
        continue
      }
      let wrote = unsafe slab.withMemory { memory in
        unsafe pwrite(
          descriptor, memory.baseAddress!.advanced(by: from + done), count - done,
          off_t(at + done))
      }
      if wrote < 0 && vx_errno() == EINTR { continue }
      if wrote <= 0 { throw DiskFault("pwrite", path) }
      done += wrote
    }
  }

  /// Reads up to `count` bytes into `slab` from file offset `at`; fewer only at the file's end.
  public func read(_ slab: Slab, to: Int, count: Int, at: Int) throws(DiskFault) -> Int {
    precondition(to >= 0 && to + count <= slab.byteCount)
    var done = 0
    if let machine = ThisMachine.simulated {
      return try checked(
        machine.read(Int(descriptor), slab, to: to, count: count, at: at), "pread", path)
    }
    while done < count {
      let got = unsafe slab.withMemory { memory in
        unsafe pread(
          descriptor, memory.baseAddress!.advanced(by: to + done), count - done,
          off_t(at + done))
      }
      if got < 0 && vx_errno() == EINTR { continue }
      if got < 0 { throw DiskFault("pread", path) }
      if got == 0 { break }
      done += got
    }
    return done
  }

  public func flushData() throws(DiskFault) {
    if let machine = ThisMachine.simulated {
      _ = try checked(machine.flush(Int(descriptor)), "fdatasync", path)
      return
    }
    if fdatasync(descriptor) != 0 { throw DiskFault("fdatasync", path) }
  }

  public func flush() throws(DiskFault) {
    if let machine = ThisMachine.simulated {
      _ = try checked(machine.flush(Int(descriptor)), "fsync", path)
      return
    }
    if fsync(descriptor) != 0 { throw DiskFault("fsync", path) }
  }

  /// Cuts the file off behind `byteCount` bytes.
  func truncate(_ byteCount: Int) throws(DiskFault) {
    if let machine = ThisMachine.simulated {
      _ = try checked(machine.truncate(Int(descriptor), byteCount), "ftruncate", path)
      return
    }
    if ftruncate(descriptor, off_t(byteCount)) != 0 { throw DiskFault("ftruncate", path) }
  }
}

/// The answer of a simulated machine, or the fault that it stands for.
private func checked(
  _ answer: Int, _ call: String, _ path: String
) throws(DiskFault) -> Int {
  if answer < 0 { throw DiskFault(call, path, errno: Int32(-answer)) }
  return answer
}

extension OpenMode {
  /// What flags of open(2) ask for.
  fileprivate init(_ flags: Int32) {
    if flags & O_DIRECTORY != 0 {
      self = .folder
    } else if flags & O_CREAT != 0 {
      self = .making(truncates: flags & O_TRUNC != 0)
    } else {
      self = flags & (O_WRONLY | O_RDWR) != 0 ? .writing : .reading
    }
  }
}

/// Folders and whole files.
public enum Files {
  /// Makes the directory entries of `folder` durable.
  public static func flushFolder(_ folder: String) throws(DiskFault) {
    let file = try File(folder, O_RDONLY | O_DIRECTORY)
    try file.flush()
  }

  /// Creates `folder` and its parents where missing, durably.
  public static func createFolder(_ folder: String) throws(DiskFault) {
    switch makeFolder(folder) {
    case 0: try flushFolder(parent(folder))
    case EEXIST: return
    case ENOENT:
      try createFolder(parent(folder))
      let failed = makeFolder(folder)
      if failed != 0 && failed != EEXIST { throw DiskFault("mkdir", folder, errno: failed) }
      try flushFolder(parent(folder))
    case let failed: throw DiskFault("mkdir", folder, errno: failed)
    }
  }

  /// 0, or the errno of mkdir(2).
  private static func makeFolder(_ folder: String) -> Int32 {
    if let machine = ThisMachine.simulated { return Int32(-machine.makeFolder(folder)) }
    return unsafe mkdir(folder, 0o755) == 0 ? 0 : vx_errno()
  }

  /// The folder that holds `path`.
  public static func parent(_ path: String) -> String {
    var trimmed = path[...]
    while trimmed.count > 1 && trimmed.last == "/" { trimmed.removeLast() }
    guard let slash = trimmed.lastIndex(of: "/") else { return "." }
    return slash == trimmed.startIndex ? "/" : String(trimmed[..<slash])
  }

  public static func exists(_ path: String) -> Bool {
    if let machine = ThisMachine.simulated { return machine.exists(path) }
    return unsafe access(path, F_OK) == 0
  }

  /// Names in `folder`, sorted, without `.` and `..`.
  public static func list(_ folder: String) throws(DiskFault) -> [String] {
    if let machine = ThisMachine.simulated {
      guard let names = machine.list(folder) else {
        throw DiskFault("opendir", folder, errno: ENOENT)
      }
      return names.sorted()
    }
    guard let stream = unsafe opendir(folder) else { throw DiskFault("opendir", folder) }
    defer { unsafe closedir(stream) }
    var names: [String] = []
    while let entry = unsafe readdir(stream) {
      let name = unsafe withUnsafePointer(to: &entry.pointee.d_name) { pointer in
        unsafe pointer.withMemoryRebound(to: CChar.self, capacity: 256) {
          unsafe String(cString: $0)
        }
      }
      if name != "." && name != ".." { names.append(name) }
    }
    return names.sorted()
  }

  /// Reads a whole file of at most `byteCountMax` bytes.
  public static func read(_ path: String, byteCountMax: Int = 1 << 28) throws(DiskFault) -> [UInt8]
  {
    let file = try File(path, O_RDONLY)
    let size = try file.size()
    if size > byteCountMax {
      // A folder in a file's place says so itself.
      _ = try file.read(Slab(byteCount: 8), to: 0, count: 1, at: 0)
      throw DiskFault("read", path, errno: EFBIG)
    }
    if size == 0 { return [] }
    let slab = Slab(byteCount: size, zeroed: false)
    let got = try file.read(slab, to: 0, count: size, at: 0)
    return unsafe slab.withMemory { unsafe Array($0[0..<got]) }
  }

  /// Replaces `path` by `bytes`, durably and in one step: readers see the old file or the new one.
  public static func replace(_ path: String, _ bytes: [UInt8]) throws(DiskFault) {
    let slab = Slab(byteCount: max(1, bytes.count), zeroed: false)
    slab.copy(from: unsafe bytes.span.bytes, to: 0)
    try replace(path, slab, count: bytes.count)
  }

  /// Replaces `path` by the first `count` bytes of `slab`, likewise. What was written is removed
  /// again when the disk fails.
  public static func replace(_ path: String, _ slab: Slab, count: Int) throws(DiskFault) {
    let temporary = path + ".new"
    do throws(DiskFault) {
      let file = try File(temporary, O_WRONLY | O_CREAT | O_TRUNC)
      if count > 0 { try file.write(slab, from: 0, count: count, at: 0) }
      try file.flush()
    } catch {
      _ = unlinked(temporary)
      throw error
    }
    try rename(temporary, path)
  }

  /// Renames durably.
  public static func rename(_ from: String, _ to: String) throws(DiskFault) {
    if let machine = ThisMachine.simulated {
      _ = try checked(machine.rename(from, to), "rename", from)
    } else if unsafe Glibc.rename(from, to) != 0 {
      throw DiskFault("rename", from)
    }
    try flushFolder(parent(to))
  }

  public static func remove(_ path: String) throws(DiskFault) {
    let failed = unlinked(path)
    if failed != 0 { throw DiskFault("unlink", path, errno: failed) }
  }

  /// 0, or the errno of unlink(2).
  private static func unlinked(_ path: String) -> Int32 {
    if let machine = ThisMachine.simulated { return Int32(-machine.remove(path)) }
    return unsafe unlink(path) == 0 ? 0 : vx_errno()
  }

  /// Removes a folder with everything in it.
  public static func removeTree(_ folder: String) throws(DiskFault) {
    for name in try list(folder) {
      let path = folder + "/" + name
      let failed = unlinked(path)
      if failed == 0 { continue }
      guard failed == EISDIR || failed == EPERM else {
        throw DiskFault("unlink", path, errno: failed)
      }
      try removeTree(path)
    }
    if let machine = ThisMachine.simulated {
      _ = try checked(machine.removeFolder(folder), "rmdir", folder)
    } else if unsafe rmdir(folder) != 0 {
      throw DiskFault("rmdir", folder)
    }
  }

  /// Bytes that an unprivileged process could still write on the file system of `path`.
  public static func freeBytes(_ path: String) throws(DiskFault) -> Int {
    if let machine = ThisMachine.simulated {
      return try checked(machine.freeBytes(path), "statvfs", path)
    }
    var stats = statvfs()
    if unsafe statvfs(path, &stats) != 0 { throw DiskFault("statvfs", path) }
    return Int(clamping: UInt64(stats.f_bavail) &* UInt64(stats.f_frsize))
  }

  /// Takes the exclusive lock of `path` (created when missing) for as long as the file is held; nil
  /// when another process has it.
  ///
  /// - Parameter isThere: Whether the file must be there, and is only read.
  public static func lock(_ path: String, isThere: Bool = false) throws(DiskFault) -> File? {
    let file = try File(path, isThere ? O_RDONLY : O_RDWR | O_CREAT)
    if let machine = ThisMachine.simulated {
      let answer = machine.lock(Int(file.descriptor))
      if answer == -Int(EWOULDBLOCK) { return nil }
      _ = try checked(answer, "flock", path)
      return file
    }
    if flock(file.descriptor, LOCK_EX | LOCK_NB) == 0 { return file }
    if vx_errno() == EWOULDBLOCK { return nil }
    throw DiskFault("flock", path)
  }
}
