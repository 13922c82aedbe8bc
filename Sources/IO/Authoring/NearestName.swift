/// The name in `names` that `word` was probably meant to be: the nearest by edit distance, at most
/// a third of its length away (but always one edit), the first of equals; nil when none is near.
///
/// - Complexity: O(word * name) for each name; words above 64 bytes are near nothing.
public func nearestName(to word: String, among names: [String]) -> String? {
  let word = Array(word.utf8)
  guard word.count <= 64 else { return nil }
  var best: (name: String, distance: Int)?
  for name in names {
    let distance = editDistance(word, Array(name.utf8))
    let near = distance <= max(1, max(name.utf8.count, word.count) / 3)
    if near && distance < best?.distance ?? .max { best = (name, distance) }
  }
  return best?.name
}

/// Edits that turn `left` into `right`: a byte inserted, removed or replaced, or two neighbours
/// swapped (optimal string alignment).
func editDistance(_ left: [UInt8], _ right: [UInt8]) -> Int {
  var before: [Int] = []
  var above = Array(0...right.count)
  for row in 0..<left.count {
    var current = [row + 1]
    for column in 0..<right.count {
      let same = left[row] == right[column]
      var cost = min(above[column + 1] + 1, current[column] + 1, above[column] + (same ? 0 : 1))
      if row > 0, column > 0, left[row] == right[column - 1], left[row - 1] == right[column] {
        cost = min(cost, before[column - 1] + 1)
      }
      current.append(cost)
    }
    before = above
    above = current
  }
  return above[right.count]
}
