// Numbers as people write them. No floating point: thousandths, milliseconds and bytes are
// integers. A number too great for Int64 becomes the greatest (or least) one, so that the range
// check that follows says "above" rather than "not a number".

/// The value of decimal digits with an optional sign; single underscores may stand between digits.
/// Leading zeros are refused, because YAML 1.1 would read them as octal.
func parseWhole(_ text: some StringProtocol) -> Int64? {
  var digits = text.utf8[...]
  let isNegative = digits.first == UInt8(ascii: "-")
  if isNegative || digits.first == UInt8(ascii: "+") { digits.removeFirst() }
  if digits.count > 1 && digits.first == UInt8(ascii: "0") { return nil }
  return parseDigits(digits).map { isNegative ? ($0 == .max ? .min : -$0) : $0 }
}

private func parseDigits(_ digits: some Collection<UInt8>) -> Int64? {
  var value: Int64 = 0
  var afterDigit = false
  for byte in digits {
    if byte == UInt8(ascii: "_") && afterDigit {
      afterDigit = false
      continue
    }
    guard (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte) else { return nil }
    afterDigit = true
    value = saturating(value, times: 10, plus: Int64(byte - UInt8(ascii: "0")))
  }
  return afterDigit ? value : nil
}

/// Thousandths of the decimal number that `text` writes, with one to three places if any.
func parseDecimal(_ text: String) -> Int64? {
  let parts = text.split(separator: ".", maxSplits: 1, omittingEmptySubsequences: false)
  guard let whole = parseWhole(parts[0]) else { return nil }
  guard parts.count == 2 else { return saturating(whole, times: 1000, plus: 0) }
  let places = parts[1].utf8
  guard (1...3).contains(places.count), !places.contains(UInt8(ascii: "_")),
    var fraction = parseDigits(places)
  else { return nil }
  for _ in places.count..<3 { fraction *= 10 }
  let isNegative = text.hasPrefix("-")
  return saturating(whole, times: 1000, plus: isNegative ? -fraction : fraction)
}

/// A whole number and one of `units`, at most one space between them; a bare number counts in the
/// first unit.
func parseQuantity(_ text: String, _ units: [(name: String, size: Int64)]) -> Int64? {
  let isUnit: (Character) -> Bool = { $0.isASCII && $0.isLetter }
  let start = text.firstIndex(where: isUnit) ?? text.endIndex
  var number = text[..<start]
  let unit = text[start...]
  if !unit.isEmpty && number.last == " " { number.removeLast() }
  guard let count = parseWhole(number) else { return nil }
  if unit.isEmpty { return count }
  guard let size = units.first(where: { $0.name == unit })?.size else { return nil }
  return saturating(count, times: size, plus: 0)
}

private func saturating(_ value: Int64, times factor: Int64, plus addend: Int64) -> Int64 {
  let (product, tooGreat) = value.multipliedReportingOverflow(by: factor)
  let (sum, tooGreatStill) = product.addingReportingOverflow(addend)
  return tooGreat || tooGreatStill ? (value < 0 ? .min : .max) : sum
}

let durationUnits: [(name: String, size: Int64)] = [
  ("ms", 1), ("s", 1000), ("m", 60_000), ("h", 3_600_000), ("d", 86_400_000),
]
let byteUnits: [(name: String, size: Int64)] = [
  ("B", 1), ("KiB", 1 << 10), ("MiB", 1 << 20), ("GiB", 1 << 30), ("TiB", 1 << 40),
]

/// `90000` as `90s`: the largest unit that divides it.
func durationText(_ ms: Int64) -> String { quantityText(ms, durationUnits) }

/// `67108864` as `64MiB`: the largest unit that divides it.
func byteText(_ bytes: Int64) -> String { quantityText(bytes, byteUnits) }

private func quantityText(_ value: Int64, _ units: [(name: String, size: Int64)]) -> String {
  guard value != 0 else { return "0" }
  let unit = units.last { value % $0.size == 0 } ?? units[0]
  return "\(grouped(value / unit.size))\(unit.name)"
}

/// `10500` thousandths as `10.5`.
func decimalText(_ thousandths: Int64) -> String {
  var fraction = String(1000 + abs(thousandths % 1000)).dropFirst()
  while fraction.last == "0" { fraction.removeLast() }
  let sign = thousandths < 0 && thousandths > -1000 ? "-" : ""
  return sign + grouped(thousandths / 1000) + (fraction.isEmpty ? "" : "." + fraction)
}

/// `1234567` as `1,234,567`.
func grouped(_ number: some BinaryInteger) -> String {
  let digits = Array(String(number.magnitude))
  var result = number < 0 ? "-" : ""
  for (index, digit) in digits.enumerated() {
    if index > 0 && (digits.count - index) % 3 == 0 { result.append(",") }
    result.append(digit)
  }
  return result
}
