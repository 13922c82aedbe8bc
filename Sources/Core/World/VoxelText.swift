public import Bounded

/// A world of voxels as its text tells it: which cells are solid.
public struct VoxelText: Sendable {
  public let width: Int
  public let height: Int
  public let depth: Int
  /// UInt64 words, cell 64 * i + k in bit k of word i, in order of nodes.
  public let solid: Slab

  private init(
    word: String, _ reader: inout SourceReader, _ text: Span<UInt8>
  ) throws(SourceRejection) {
    try reader.words(word, text)
    let sizes = 1...Topology.cellCountMax
    width = try reader.number(sizes, text)
    height = try reader.number(sizes, text)
    depth = try reader.number(sizes, text)
    // None of the products overflows.
    if width * height > Topology.cellCountMax || width * height * depth > Topology.cellCountMax {
      throw reader.rejection(.tooManyCells)
    }
    try reader.endOfLine(text)
    solid = Slab(byteCount: (width * height * depth + 63) / 64 * 8)
  }

  private func makeSolid(_ node: Int) {
    solid.update(node / 64 * 8, as: UInt64.self) { $0 |= 1 << UInt64(node & 63) }
  }

  /// Reads `.3dmap` (N. Sturtevant's voxel benchmarks): `voxel` and width, height, depth; then a
  /// line `x y z` for each solid cell, in any order, some perhaps twice.
  ///
  /// - Complexity: O(text + cells / 64).
  public init(threeDMap text: Span<UInt8>) throws(SourceRejection) {
    var reader = SourceReader()
    try self.init(word: "voxel", &reader, text)
    while reader.skipBlankLines(text) {
      let x = try reader.number(0...(width - 1), text)
      let y = try reader.number(0...(height - 1), text)
      let z = try reader.number(0...(depth - 1), text)
      try reader.endOfLine(text)
      makeSolid((z * height + y) * width + x)
    }
  }

  /// Reads layers: `layers` and width, height, depth; then for each level from the ground up
  /// `height` rows of `width` cells, `#` solid and `.` free, the first row at y = 0. Lines
  /// may be left blank between rows.
  ///
  /// - Complexity: O(text + cells / 64).
  public init(layers text: Span<UInt8>) throws(SourceRejection) {
    var reader = SourceReader()
    try self.init(word: "layers", &reader, text)
    for row in 0..<(depth * height) {
      guard reader.skipBlankLines(text) else {
        throw reader.rejection(.count(expected: depth * height, got: row))
      }
      var x = 0
      while let byte = reader.byte(text), byte > 0x20 {
        guard byte == UInt8(ascii: "#") || byte == UInt8(ascii: ".") else {
          throw reader.rejection(.notACell(byte))
        }
        if x == width { throw reader.rejection(.rowLength(expected: width, got: x + 1)) }
        if byte == UInt8(ascii: "#") { makeSolid(row * width + x) }
        _ = reader.take(byte, text)
        x += 1
      }
      if x < width { throw reader.rejection(.rowLength(expected: width, got: x)) }
      try reader.endOfLine(text)
    }
    if reader.skipBlankLines(text) { throw reader.rejection(.textAfter) }
  }
}
