import Bounded
import World

/// Texts of voxels and networks; the first byte chooses the format.
let sources = Parser(
  name: "Sources", bytesMax: 2_048,
  seeds: {
    func seed(_ name: String, _ mode: UInt8, _ text: String) -> Seed {
      Seed(name, mode: mode, Array(text.utf8))
    }
    return [
      seed("gr", 0, "c x\np sp 3 4\na 1 2 7\na 2 3 9\r\na 3 3 1\na 1 2 2147483647\n"),
      seed("gr-zero", 0, "p sp 2 1\na 1 2 0\n"), seed("gr-count", 0, "p sp 2 2\na 1 2 1\n"),
      seed("gr-most", 0, "p sp 16777216 134217728\n"), seed("gr-end", 0, "p sp 2 1\na 1 3 1"),
      seed("csv", 1, "from,to,weight,both\n4,9,3,1\n9, 4294967295 ,8\n5,5,1,1\n"),
      seed("csv-plain", 1, "0,1,1\n1,0,1"), seed("csv-comma", 1, "1;2;3\n"),
      seed("co", 2, "p aux sp co 3\nv 1 -5 6\nv 3 -2147483648 2147483647\nv 2 0 0\n"),
      seed("co-twice", 2, "p aux sp co 3\nv 1 -5 6\nv 1 7 8\n"),
      seed("3dmap", 3, "voxel 2 3 2\r\n0 0 0\r\n1 2 1\n1 2 1\n"),
      seed("3dmap-outside", 3, "voxel 2 2 2\n1 2 0\n"),
      seed("3dmap-most", 3, "voxel 256 256 257\n"),
      seed("layers", 4, "layers 3 2 2\n.#.\n...\n\n###\n#.#\n"),
      seed("layers-short", 4, "layers 3 2 2\n.#\n"),
    ]
  },
  check: { input in
    guard let mode = input.first else { return }
    let text = Array(input.dropFirst())
    do throws(SourceRejection) {
      switch mode % 5 {
      case 0: check(network: try NetworkText(graph: text.span))
      case 1: check(network: try NetworkText(edgeList: text.span))
      case 2: _ = try NetworkText.coordinates(text.span, nodeCount: 3)
      case 3: check(voxels: try VoxelText(threeDMap: text.span))
      default: check(voxels: try VoxelText(layers: text.span))
      }
    } catch {
      let lines = text.count { $0 == 0x0a } + 1
      try require((1...lines).contains(error.line), "\(error) of \(lines) lines")
      try require((1...text.count + 1).contains(error.column), "\(error)")
      try require(!error.rule.sentence.isEmpty, "\(error)")
    }
  })

/// What is taken makes a world that opens again; worlds far larger than their text, which its first
/// line may ask for, are left out.
private func check(network: consuming NetworkText) {
  insist(network.nodeCount >= 1, "a network without a node")
  if network.nodeCount > 4_096 { return }
  check(
    Topology(network: network.edges, nodeCount: network.nodeCount, labels: network.labels))
}

private func check(voxels: VoxelText) {
  if voxels.width * voxels.height * voxels.depth > 4_096 { return }
  for neighbourhood in [Neighbourhood.walk, .six, .twentySix] {
    check(
      Topology(
        voxels: voxels.solid, width: voxels.width, height: voxels.height, depth: voxels.depth,
        neighbourhood: neighbourhood))
  }
}

private func check(_ world: Topology) {
  do throws(WorldFault) {
    let image = Slab(copying: world.image, byteCount: world.image.byteCount)
    let again = try Topology(image: image)
    insist(again.digest == world.digest, "the image opens as another world")
    do { try walkThrough(again) } catch { fatalError("\(error)") }
  } catch { fatalError("a world's own image is refused: \(error)") }
}
