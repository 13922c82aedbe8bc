import Bounded
import Disk
import Events
import Journal
import Partitions

/// The lineages that were promoted, a file each: `branches/1.vb`, `branches/2.vb`, ...
///
/// A file is durable before the journal holds the mark that names it; one that no mark names is of
/// a promotion that a crash cut short, and is overwritten by the next. Once the mark is durable,
/// `branches/1.at` says where it stands, so that a restart from a later snapshot need not look for
/// it; where a crash came before that, the journal is searched, once. A place is of the promotion
/// whose lineage was stored last under its number, or there is none.
public struct BranchFiles: Sendable {
  public let folder: String

  public init(folder: String) { self.folder = folder }

  func path(_ number: UInt32) -> String { "\(folder)/\(number).vb" }

  /// Stores a lineage durably; the hash that its mark names.
  func write(_ lineage: Lineage, _ number: UInt32) throws(DiskFault) -> Hash128 {
    try Files.createFolder(folder)
    let bytes = lineage.encoded()
    // A promotion of this number may have been lost with the journal's end, and its place may not.
    // What comes next makes the removal durable with it.
    let place = placePath(number)
    if Files.exists(place) { try Files.remove(place) }
    try Files.replace(path(number), bytes)
    return Lineage.hash(ofEncoded: bytes) ?? .zero
  }

  /// The lineage of a promotion that the journal names.
  ///
  /// - Throws: When the file is missing, damaged, or not the one named.
  func read(_ number: UInt32, hash: Hash128) throws(HuntFolderFault) -> Lineage {
    let path = path(number)
    guard Files.exists(path) else {
      throw .damaged(path: path, reason: "missing, though the journal names it")
    }
    let bytes: [UInt8]
    do throws(DiskFault) { bytes = try Files.read(path) } catch { throw .disk(error) }
    guard Lineage.hash(ofEncoded: bytes) == hash else {
      throw .damaged(path: path, reason: "not the lineage that the journal names")
    }
    do throws(LineageFault) {
      return try Lineage(decoding: bytes)
    } catch {
      throw .damaged(path: path, reason: "\(error)")
    }
  }

  // MARK: Where the marks stand

  private func placePath(_ number: UInt32) -> String { "\(folder)/\(number).at" }

  /// Notes the offset of a promotion's mark, which is durable.
  func write(offset: UInt64, _ number: UInt32, hash: Hash128) throws(DiskFault) {
    try Files.replace(placePath(number), Array(Self.text(offset, hash).utf8))
  }

  /// What such a file says. Its sum covers the lines before: another offset is another history.
  private static func text(_ offset: UInt64, _ hash: Hash128) -> String {
    let said = "veltrix promotion 2\noffset \(offset)\nlineage \(hash.hex)\n"
    let slab = Slab(byteCount: said.utf8.count, zeroed: false)
    for (at, byte) in said.utf8.enumerated() { slab.store(byte, at) }
    return said + "sum \(slab.hash(0, count: said.utf8.count).hex)\n"
  }

  /// The first `count` promotions of a hunt.
  func history(_ count: UInt32, _ segments: Segments) throws(HuntFolderFault) -> History {
    var history = History()
    while history.count < count {
      let number = history.count + 1
      let from = history.promotions.last.map { $0.offset + 1 } ?? 0
      let (offset, hash) = try placed(number, segments, from: from)
      let lineage = try read(number, hash: hash)
      history.append(History.Promotion(offset: offset, lineage: lineage))
    }
    return history
  }

  /// The promotion behind those of a history, as the journal tells; nil where it holds no other.
  ///
  /// - Complexity: O(events behind the last promotion).
  func next(
    _ history: History, _ segments: Segments
  ) throws(HuntFolderFault) -> History.Promotion? {
    let number = history.count + 1
    let mark: (UInt64, Hash128)
    do throws(JournalFault) {
      let from = history.promotions.last.map { $0.offset + 1 } ?? 0
      // What is wrong with the journal's end, or behind it, is for the recovery to say.
      guard let found = try find(number, segments, from: from) else { return nil }
      mark = found
    } catch { return nil }
    return History.Promotion(offset: mark.0, lineage: try read(number, hash: mark.1))
  }

  /// Notes the places below `offset` of promotions for which that was never done, or whose file is
  /// gone or damaged. Their marks must be flushed.
  func notePlaces(of history: History, below offset: UInt64 = .max) throws(DiskFault) {
    for (at, promotion) in history.promotions.enumerated() where promotion.offset < offset {
      let number = UInt32(at + 1)
      if isNoted(number, promotion.offset) { continue }
      guard let hash = Lineage.hash(ofEncoded: try Files.read(path(number))) else { continue }
      try write(offset: promotion.offset, number, hash: hash)
    }
  }

  private func isNoted(_ number: UInt32, _ offset: UInt64) -> Bool {
    do throws(HuntFolderFault) { return try place(number)?.0 == offset } catch { return false }
  }

  /// Where a promotion's mark stands: as was noted, or else as the journal says.
  private func placed(
    _ number: UInt32, _ segments: Segments, from: UInt64
  ) throws(HuntFolderFault) -> (UInt64, Hash128) {
    do throws(HuntFolderFault) {
      if let place = try place(number) { return place }
    } catch {
      do throws(HuntFolderFault) { return try search(number, segments, from: from) } catch _ {
        throw error  // The journal's beginning was removed: the note is all there was.
      }
    }
    return try search(number, segments, from: from)
  }

  private func place(_ number: UInt32) throws(HuntFolderFault) -> (UInt64, Hash128)? {
    let path = placePath(number)
    guard Files.exists(path) else { return nil }
    let bytes: [UInt8]
    do throws(DiskFault) { bytes = try Files.read(path) } catch { throw .disk(error) }
    let text = String(decoding: bytes, as: UTF8.self)
    let words = text.split { $0 == " " || $0 == "\n" }
    guard words.count == 9, let offset = UInt64(words[4]), words[6].utf8.count == 32,
      let high = UInt64(words[6].prefix(16), radix: 16),
      let low = UInt64(words[6].suffix(16), radix: 16),
      text == Self.text(offset, Hash128(high: high, low: low))
    else { throw .damaged(path: path, reason: "not the place of a promotion") }
    return (offset, Hash128(high: high, low: low))
  }

  /// Looks for a promotion's mark in the journal.
  private func search(
    _ number: UInt32, _ segments: Segments, from: UInt64
  ) throws(HuntFolderFault) -> (UInt64, Hash128) {
    do throws(JournalFault) {
      if let found = try find(number, segments, from: from) { return found }
    } catch { throw .journal(error) }
    throw .damaged(
      path: placePath(number), reason: "missing, and the journal holds no mark of the promotion")
  }

  private func find(
    _ number: UInt32, _ segments: Segments, from: UInt64
  ) throws(JournalFault) -> (UInt64, Hash128)? {
    // What was removed had its marks noted.
    let begin = try segments.begin().position.offset
    var reader = try JournalReader(segments, from: max(from, begin))
    while let frame = try reader.next() {
      for at in 0..<Int(frame.header.count) {
        let event = frame.bytes.load(frame.eventsAt + at * 64, as: Event.self)
        guard event.kind == .promote, PromotionMark(event).number == number else { continue }
        let mark = PromotionMark(event)
        return (frame.header.firstOffset + UInt64(at), Hash128(high: mark.high, low: mark.low))
      }
    }
    return nil
  }
}
