import Glibc
import Machine

extension Files {
  /// Gives the file at `path` another name, durably; false where the file system does not do that.
  public static func link(_ path: String, as name: String) throws(DiskFault) -> Bool {
    if ThisMachine.simulated != nil { return false }
    if unsafe Glibc.link(path, name) != 0 { return false }
    try flushFolder(parent(name))
    return true
  }

  /// Names that the file at `path` has; nil where it cannot be told.
  public static func nameCount(_ path: String) -> Int? {
    if ThisMachine.simulated != nil { return nil }
    var status = stat()
    return unsafe stat(path, &status) == 0 ? Int(status.st_nlink) : nil
  }
}
