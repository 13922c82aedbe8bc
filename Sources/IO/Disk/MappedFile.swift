public import Bounded
import Glibc
import Machine

/// Files as memory.
public enum MappedFile {
  /// The bytes of a file, read-only and in the kernel's page cache: opening copies nothing, and
  /// programs share them. Where files cannot be mapped (a simulated machine, a pipe) they are read.
  ///
  /// The file must not be cut short while the slab lives, else a read past its end ends the
  /// program: `Files.replace` leaves the old file's bytes to those who have it open.
  ///
  /// - Parameter byteCountMax: Longer files are refused with EFBIG.
  /// - Returns: Nil for an empty file.
  public static func open(
    _ path: String, byteCountMax: Int = 1 << 36
  ) throws(DiskFault) -> Slab? {
    let file = try File(reading: path)
    let count = try file.size()
    // A folder, whose size means nothing, says so itself.
    _ = try file.read(Slab(byteCount: 8), to: 0, count: 1, at: 0)
    if count > byteCountMax { throw DiskFault("mmap", path, errno: EFBIG) }
    if count == 0 { return nil }
    if ThisMachine.simulated == nil {
      let memory = unsafe mmap(nil, count, PROT_READ, MAP_PRIVATE, file.descriptor, 0)
      if let memory = unsafe memory, unsafe memory != MAP_FAILED {
        // The address as a number: a pointer may not cross threads, and this is its one owner.
        let address = UInt(bitPattern: memory)
        return unsafe Slab(
          adopting: UnsafeMutableRawBufferPointer(start: memory, count: count)
        ) {
          _ = unsafe munmap(UnsafeMutableRawPointer(bitPattern: address), count)
        }
      }
    }
    let slab = Slab(byteCount: count, zeroed: false)
    if try file.read(slab, to: 0, count: count, at: 0) != count {
      throw DiskFault("read", path, errno: EIO)
    }
    return slab
  }
}
