package import Bounded

/// Where things lie in a world file. All numbers are little-endian. The first page is the header:
///
///     offset  bytes  field
///          0      4  magic, `VXWD`
///          4      2  version, 1
///          6      1  form: 1 grid, 2 voxels, 3 network
///          7      1  neighbourhood: 4, 8 (grid), 5 walk, 6, 26 (voxels), 0 (network)
///          8      4  width: columns; of a network, nodes
///         12      4  height: rows; of a network, 1
///         16      4  depth: levels; 1 but for voxels
///         20      4  nodes: width x height x depth
///         24      4  directed edges open as built
///         28      4  unit: cost of walking one block
///         32      1  walk: headroom; 0 but for `walk`, like the next two
///         33      1  walk: climb
///         34      1  walk: fall
///         35      5  zero
///         40      4  label of the first node; 0 but for networks without a table of labels
///         44      4  sections
///         48     16  digest: XXH3-128 of this page with these 16 bytes zero; low half first
///         64    480  12 sections of 40 bytes, those that are not there zero:
///                      0  4  kind
///                      4  4  zero
///                      8  8  offset in the file, a multiple of 4,096
///                     16  8  bytes
///                     24 16  XXH3-128 of these bytes, low half first
///        544    480  zero
///       1024    256  grid: cost of a step onto each character, 0 a wall; else zero
///       1280   2816  zero
///
/// Sections follow in order of their kinds, each on a page of its own; what is left of a section's
/// last page is zero. So the digest stands for every byte of the file.
enum WorldLayout {
  static let pageBytes = 4096
  static let magic: UInt32 = 0x4457_5856
  static let version: UInt16 = 1
  static let digestOffset = 48
  static let tableOffset = 64
  static let tableEntryBytes = 40
  static let tableEntryCount = 12
  static let tableEnd = tableOffset + tableEntryCount * tableEntryBytes
  static let terrainOffset = 1024

  static func pagesUp(_ byteCount: Int) -> Int {
    (byteCount + pageBytes - 1) / pageBytes * pageBytes
  }

  /// The digest that the header page of `image` should tell.
  static func digest(_ image: Slab) -> Hash128 {
    let page = Slab(copying: image, byteCount: pageBytes)
    page.zero(digestOffset, count: 16)
    return page.hash(0, count: pageBytes)
  }

  static func hash(_ image: Slab, at offset: Int) -> Hash128 {
    let low = image.load(offset, as: UInt64.self)
    return Hash128(high: image.load(offset + 8, as: UInt64.self), low: low)
  }
}

/// The numbers of a world's header.
struct WorldHeader {
  var form: WorldForm
  var neighbourhood: Neighbourhood
  var width: Int
  var height = 1
  var depth = 1
  var edgeCount = 0
  var unit: UInt32
  var walk: WalkRules?
  var firstLabel: UInt32 = 0
  var terrain: Terrain?

  var nodeCount: Int { width * height * depth }

  /// The sections of a world of these sizes and their bytes, in order.
  func sections(
    hasMultipliers: Bool = false, hasLabels: Bool = false, hasCoordinates: Bool = false
  ) -> [(kind: WorldSection, byteCount: Int)] {
    let nodes = nodeCount
    switch form {
    case .grid:
      let row = neighbourhood == .eight ? 8 : 4
      return [(.cells, nodes), (.directions, nodes * 2)]
        + (hasMultipliers ? [(.multipliers, nodes * row)] : [])
    case .voxels: return [(.solid, (nodes + 63) / 64 * 8)]
    case .network:
      let (starts, edges) = ((nodes + 1) * 4, edgeCount * 4)
      return [
        (.outStart, starts), (.heads, edges), (.weights, edges), (.inStart, starts),
        (.inEdges, edges), (.tails, edges),
      ] + (hasLabels ? [(.labels, nodes * 4)] : [])
        + (hasCoordinates ? [(.coordinates, nodes * 8)] : [])
    }
  }
}

/// An image while it is built: sections are written into it, and then it is sealed.
struct WorldDraft {
  var header: WorldHeader
  let image: Slab
  private let sections: [(kind: WorldSection, byteCount: Int)]

  /// Takes zeroed memory for the image; `header.edgeCount` may still change where no section
  /// depends on it.
  init(_ header: WorldHeader, _ sections: [(kind: WorldSection, byteCount: Int)]) {
    self.header = header
    self.sections = sections
    let bytes = sections.reduce(WorldLayout.pageBytes) {
      $0 + WorldLayout.pagesUp($1.byteCount)
    }
    image = Slab(byteCount: bytes)
  }

  /// Where a section starts in the image; it must be one of them.
  func offset(_ kind: WorldSection) -> Int {
    var at = WorldLayout.pageBytes
    for section in sections {
      if section.kind == kind { return at }
      at += WorldLayout.pagesUp(section.byteCount)
    }
    preconditionFailure("no section of \(kind)")
  }

  /// Writes the header and all digests.
  func seal() {
    image.store(WorldLayout.magic, 0)
    image.store(WorldLayout.version, 4)
    image.store(header.form.rawValue, 6)
    image.store(header.neighbourhood.rawValue, 7)
    image.store(UInt32(header.width), 8)
    image.store(UInt32(header.height), 12)
    image.store(UInt32(header.depth), 16)
    image.store(UInt32(header.nodeCount), 20)
    image.store(UInt32(header.edgeCount), 24)
    image.store(header.unit, 28)
    if let walk = header.walk {
      image.store(walk.headroom, 32)
      image.store(walk.climb, 33)
      image.store(walk.fall, 34)
    }
    image.store(header.firstLabel, 40)
    image.store(UInt32(sections.count), 44)
    var at = WorldLayout.pageBytes
    for (index, section) in sections.enumerated() {
      let entry = WorldLayout.tableOffset + index * WorldLayout.tableEntryBytes
      image.store(section.kind.rawValue, entry)
      image.store(UInt64(at), entry + 8)
      image.store(UInt64(section.byteCount), entry + 16)
      at += WorldLayout.pagesUp(section.byteCount)
    }
    if let terrain = header.terrain {
      image.copy(from: terrain.costs.span, to: WorldLayout.terrainOffset)
    }
    Topology.setDigests(of: image)
  }
}

extension Topology {
  /// Writes the digests that the sections of an image have, and the header's over them: the last
  /// step of a draft, and what somebody does who forges a file. Sections that do not lie inside the
  /// image are left alone; it is a page long at least.
  package static func setDigests(of image: Slab) {
    for index in 0..<WorldLayout.tableEntryCount {
      let entry = WorldLayout.tableOffset + index * WorldLayout.tableEntryBytes
      let offset = Int(clamping: image.load(entry + 8, as: UInt64.self))
      let count = Int(clamping: image.load(entry + 16, as: UInt64.self))
      guard image.load(entry, as: UInt32.self) != 0, offset <= image.byteCount,
        count <= image.byteCount - offset
      else { continue }
      let hash = image.hash(offset, count: count)
      image.store(hash.low, entry + 24)
      image.store(hash.high, entry + 32)
    }
    let digest = WorldLayout.digest(image)
    image.store(digest.low, WorldLayout.digestOffset)
    image.store(digest.high, WorldLayout.digestOffset + 8)
  }
}
