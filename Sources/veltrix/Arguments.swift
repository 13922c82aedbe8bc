import Disk
import Glibc

/// What the process ends with.
enum ExitCode {
  static let fine: Int32 = 0
  static let failedCheck: Int32 = 1
  static let usage: Int32 = 2
  static let damaged: Int32 = 3
  static let inUse: Int32 = 4
}

func leave(_ status: Int32) -> Never { exit(status) }

/// Flags and words of a command line: `--name value`, `--name=value`, and words without dashes.
struct Arguments {
  /// A line for the person who typed it, without the command's name.
  struct Fault: Error {
    let message: String
  }

  private(set) var flags: [(name: String, value: String)] = []
  private(set) var words: [String] = []

  /// - Parameter switches: Flags that take no value.
  init(_ arguments: [String], switches: Set<String> = []) throws(Fault) {
    var at = 0
    while at < arguments.count {
      let argument = arguments[at]
      at += 1
      guard argument.hasPrefix("--") else {
        words.append(argument)
        continue
      }
      if let equals = argument.firstIndex(of: "=") {
        flags.append(
          (String(argument[..<equals]), String(argument[argument.index(after: equals)...])))
      } else if switches.contains(argument) {
        flags.append((argument, "true"))
      } else if at < arguments.count {
        flags.append((argument, arguments[at]))
        at += 1
      } else {
        throw Fault(message: "\(argument): needs a value")
      }
    }
  }

  /// Removes a flag and returns its last value.
  mutating func take(_ name: String) -> String? {
    let value = flags.last { $0.name == name }?.value
    flags.removeAll { $0.name == name }
    return value
  }

  /// Removes all words and returns them.
  mutating func takeWords() -> [String] {
    defer { words = [] }
    return words
  }

  /// Removes a flag and returns the values of all its occurrences.
  mutating func takeAll(_ name: String) -> [String] {
    let values = flags.filter { $0.name == name }.map(\.value)
    flags.removeAll { $0.name == name }
    return values
  }

  mutating func takeInteger(
    _ name: String, _ range: ClosedRange<Int>, default value: Int
  ) throws(Fault) -> Int {
    guard let text = take(name) else { return value }
    guard let number = Int(text.filter { $0 != "_" }) else {
      throw Fault(message: "\(name) \(text): not a whole number")
    }
    guard range.contains(number) else {
      throw Fault(
        message: "\(name) \(text): \(number < range.lowerBound ? "below" : "above") "
          + "\(number < range.lowerBound ? range.lowerBound : range.upperBound)")
    }
    return number
  }

  /// Nothing may be left.
  func finish() throws(Fault) {
    if let flag = flags.first { throw Fault(message: "\(flag.name): unknown flag") }
    if let word = words.first { throw Fault(message: "\(word): unexpected") }
  }
}

/// Prints a fault of usage the way every command does; its exit status.
func usage(_ command: String, _ fault: Arguments.Fault) -> Int32 {
  Terminal.error("veltrix \(command): \(fault.message)")
  return ExitCode.usage
}
