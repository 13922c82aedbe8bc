/// What a world is made of.
@frozen public enum WorldForm: UInt8, Equatable, Sendable {
  /// Blocks on a plane.
  case grid = 1
  /// Blocks in space.
  case voxels = 2
  /// Nodes and directed edges between any two of them.
  case network = 3

  /// The neighbourhoods that a world of this form may have.
  public func allows(_ neighbourhood: Neighbourhood) -> Bool {
    switch self {
    case .grid: neighbourhood == .four || neighbourhood == .eight
    case .voxels: neighbourhood == .walk || neighbourhood == .six || neighbourhood == .twentySix
    case .network: neighbourhood == .network
    }
  }

  /// The form's name in answers and reports.
  public var word: String {
    switch self {
    case .grid: "grid"
    case .voxels: "voxels"
    case .network: "network"
    }
  }
}

/// A part of a world file behind its header.
public enum WorldSection: UInt32, CaseIterable, Equatable, Sendable {
  case cells = 1
  case directions, multipliers, solid, outStart, heads, weights, inStart, inEdges, tails, labels
  case coordinates
}

/// Why bytes are no world, and where; the file is damaged, or was never one.
public struct WorldFault: Error, Equatable, Sendable {
  /// Nil: the header.
  public let section: WorldSection?
  /// Offset of the first byte found wrong, in the whole file. For a digest, where the bytes start
  /// that it was made of.
  public let byte: Int
  public let rule: WorldRule

  init(_ section: WorldSection? = nil, byte: Int, _ rule: WorldRule) {
    self.section = section
    self.byte = byte
    self.rule = rule
  }
}

/// The rules of a world file.
public enum WorldRule: Equatable, Sendable {
  /// It starts with `VXWD`.
  case magic
  /// The version is one that this program knows.
  case version(UInt16)
  /// The file is as long as its header says; bytes.
  case length(expected: Int, got: Int)
  /// The bytes have the digest that the header tells.
  case digest
  /// Form, neighbourhood, sizes and counts are in their ranges and fit each other.
  case header
  /// Sections are those of the form, in order, each at its place.
  case sections
  /// What no rule gives a meaning is zero.
  case notZero
  /// A cell is a printable ASCII character.
  case cell
  /// Steps follow from the cells.
  case directions
  /// An open edge costs something, a closed one nothing; a weight of a network is
  /// `1...2,147,483,647`.
  case weight
  /// The header counts the edges.
  case edgeCount(expected: Int, got: Int)
  /// Starts ascend from 0 to the count of edges.
  case start
  /// An edge ends on a node, and not on its own.
  case head
  /// An edge is listed at its tail.
  case tail
  /// Edges are listed at their head, in order.
  case inEdge
  /// Labels ascend.
  case label
}

extension WorldSection {
  /// Its name in reports.
  public var name: String {
    switch self {
    case .cells: "cells"
    case .directions: "directions"
    case .multipliers: "multipliers"
    case .solid: "solid"
    case .outStart: "out-start"
    case .heads: "heads"
    case .weights: "weights"
    case .inStart: "in-start"
    case .inEdges: "in-edges"
    case .tails: "tails"
    case .labels: "labels"
    case .coordinates: "coordinates"
    }
  }
}

extension WorldRule {
  /// One clause for whoever has the file.
  public var sentence: String {
    switch self {
    case .magic: "not a world file: it does not start with VXWD"
    case .version(let version): "version \(version); this program reads version 1"
    case .length(let expected, let got): "\(got) bytes, the header says \(expected)"
    case .digest: "the bytes do not have the digest that the header tells"
    case .header: "the value is out of its range or does not fit the others"
    case .sections: "the section is not the one that belongs here, or not at its place"
    case .notZero: "bytes that mean nothing are not zero"
    case .cell: "a cell is not a printable ASCII character"
    case .directions: "the steps do not follow from the cells"
    case .weight: "the weight is out of its range, or an edge's and its weight disagree"
    case .edgeCount(let expected, let got): "\(got) edges, the header says \(expected)"
    case .start: "the starts do not ascend from 0 to the count of edges"
    case .head: "the edge ends on no node, or where it starts"
    case .tail: "the edge is not listed at its tail"
    case .inEdge: "the edges that lead to a node are not listed in order"
    case .label: "the labels do not ascend"
    }
  }
}
