/// Why a flag of the command line was refused; `description` is what to print, without the name of
/// the command.
public enum FlagFault: Error, Equatable, Sendable, CustomStringConvertible {
  /// No setting has this name; the nearest one that is, if one is near.
  case unknown(flag: String, nearest: String?)
  /// The value is not one that the flag takes; `range` is what it takes.
  case badValue(flag: String, value: String, fault: ValueFault, range: String)

  public var description: String {
    switch self {
    case .unknown(let flag, let nearest):
      "\(printable(flag)): unknown flag" + (nearest.map { "; did you mean \($0)?" } ?? "")
    case .badValue(let flag, let value, .malformed(let expected), _):
      "\(flag) \(printable(value)): expected \(expected)"
    case .badValue(let flag, let value, let fault, _):
      "\(flag) \(fault.message(value))"
    }
  }
}

extension Settings {
  /// Sets what `flag` names, `--flush-interval` for the key `flush_interval`, to `value`.
  ///
  /// - Throws: ``FlagFault``, and nothing is changed.
  public mutating func apply(flag: String, value: String) throws(FlagFault) {
    guard let field = Self.fields.first(where: { $0.spec.flag == flag }) else {
      let nearest = nearestName(to: flag, among: Self.keys.map(\.flag))
      throw .unknown(flag: flag, nearest: nearest)
    }
    do throws(ValueFault) {
      field.store(&self, try field.spec.form.value(of: value))
    } catch {
      throw .badValue(flag: flag, value: value, fault: error, range: field.spec.form.range)
    }
  }

  /// The options part of a help page: for every key what it does, its range where the placeholder
  /// does not show it, and its default; lines of at most `width` columns.
  public static func help(width: Int = 96) -> String {
    let heads = keys.map { "  \($0.flag) \($0.placeholder)" }
    let indent = (heads.map(\.count).max() ?? 0) + 2
    return zip(keys, heads).map { key, head in
      var words = "\(key.effect);".split(separator: " ").map(String.init)
      if !key.isShownByPlaceholder {
        words += "\(key.form.range);".split(separator: " ").map(String.init)
      }
      words.append("default \(key.fallback ?? "none")")
      let lines = wrapped(words, width: width - indent)
      let padding = String(repeating: " ", count: indent)
      return head + padding.dropFirst(head.count) + lines.joined(separator: "\n" + padding)
    }.joined(separator: "\n")
  }
}

extension KeySpec {
  /// `--flush-interval` for `flush_interval`.
  var flag: String { "--" + key.split(separator: "_").joined(separator: "-") }

  /// Whether `placeholder` says all that `form.range` would.
  fileprivate var isShownByPlaceholder: Bool {
    switch form {
    case .choice, .toggle, .path, .text, .hosts: true
    default: false
    }
  }

  /// What stands for the value in a help page.
  fileprivate var placeholder: String {
    switch form {
    case .whole, .powerOfTwo, .span, .decimal: "<n>"
    case .duration, .window: "<time>"
    case .bytes: "<bytes>"
    case .choice(let words): words.joined(separator: "|")
    case .toggle: "true|false"
    case .name: "<name>"
    case .path: "<path>"
    case .text: "<text>"
    case .loopback: "<host:port>"
    case .hosts: "<host,...>"
    }
  }
}

/// `words` in lines of at most `width` characters; a longer word has its own line.
private func wrapped(_ words: [String], width: Int) -> [String] {
  var lines: [String] = []
  var line = ""
  for word in words {
    if !line.isEmpty && line.count + 1 + word.count > width {
      lines.append(line)
      line = ""
    }
    line += (line.isEmpty ? "" : " ") + word
  }
  return lines + [line]
}
