/// A key of a section, bound to the place its value goes.
struct Field<Target>: Sendable {
  let spec: KeySpec
  /// Stores a value of `spec.form`, already inside its range, so conversions cannot trap.
  let store: @Sendable (inout Target, ValueForm.Value) -> Void

  init(
    _ key: String, _ form: ValueForm, default fallback: String?, _ effect: String,
    _ store: @escaping @Sendable (inout Target, ValueForm.Value) -> Void
  ) {
    spec = KeySpec(key: key, form: form, fallback: fallback, effect: effect)
    self.store = store
  }
}

extension ValueForm.Value {
  // What a field takes out of a value of its own form; another form is a mistake in the table.

  var number: Int64 {
    guard case .number(let number) = self else { preconditionFailure("\(self) is no number") }
    return number
  }

  var span: ClosedRange<Int64> {
    switch self {
    case .span(let span): return span
    case .number(let number): return number...number
    default: preconditionFailure("\(self) is no span")
    }
  }

  var text: String {
    guard case .text(let text) = self else { preconditionFailure("\(self) is no text") }
    return text
  }

  var toggle: Bool {
    guard case .toggle(let toggle) = self else { preconditionFailure("\(self) is no toggle") }
    return toggle
  }

  var address: ListenAddress {
    guard case .address(let address) = self else { preconditionFailure("\(self) is no address") }
    return address
  }
}

/// Turns sections of a tree into values by their fields, and collects what is wrong with them.
struct SectionReader {
  var findings = FindingList()

  /// Stores the fields that `node` gives into `target`.
  ///
  /// - Parameters:
  ///   - path: Where `node` is in the schema; empty for the root.
  ///   - sections: Keys whose values are mappings or lists, left to the caller.
  /// - Returns: The section keys that are there and not empty, and the mark of every key given.
  mutating func read<Target>(
    _ node: YamlNode, _ path: String, fields: [Field<Target>], sections: [String] = [],
    into target: inout Target
  ) -> Section {
    var section = Section(mark: node.mark)
    guard case .mapping(let pairs) = node.content else {
      findings.error(.wrongKind, node.mark, path, "expected a mapping of keys; got \(node.kind)")
      return section
    }
    let names = fields.map(\.spec.name)
    for pair in pairs {
      let keyPath = path.isEmpty ? printable(pair.key) : "\(path).\(printable(pair.key))"
      if let index = names.firstIndex(of: pair.key) {
        section.keys[pair.key] = pair.keyMark
        if let value = value(pair.value, keyPath, fields[index].spec.form) {
          fields[index].store(&target, value)
        }
      } else if sections.contains(pair.key) {
        section.keys[pair.key] = pair.keyMark
        if !pair.value.isAbsent { section.nodes[pair.key] = pair.value }
      } else {
        let known = names + sections
        let hint = findings.isFull ? nil : nearestName(to: pair.key, among: known)
        findings.error(
          .unknownKey, pair.keyMark, keyPath,
          hint.map { "unknown key; did you mean \"\($0)\"?" }
            ?? "unknown key; known are \(known.joined(separator: ", "))")
      }
    }
    for field in fields where field.spec.fallback == nil && section.keys[field.spec.name] == nil {
      let keyPath = path.isEmpty ? field.spec.name : "\(path).\(field.spec.name)"
      findings.error(.missing, node.mark, keyPath, "missing; \(field.spec.form.range)")
    }
    return section
  }

  /// The items of a list; a finding and none when it is no list.
  mutating func items(_ node: YamlNode, _ path: String) -> [YamlNode] {
    guard case .sequence(let items) = node.content else {
      findings.error(.wrongKind, node.mark, path, "expected a list; got \(node.kind)")
      return []
    }
    return items
  }

  /// The value of one key, or nil after a finding.
  private mutating func value(
    _ node: YamlNode, _ path: String, _ form: ValueForm
  ) -> ValueForm.Value? {
    if case .span = form, case .sequence(let items) = node.content {
      return span(items, node.mark, path, form)
    }
    guard case .scalar(let text, _) = node.content, !node.isAbsent else {
      findings.error(.wrongKind, node.mark, path, "expected \(form.range); got \(node.kind)")
      return nil
    }
    do throws(ValueFault) {
      return try form.value(of: text)
    } catch {
      let rule = if case .name = form { Finding.Rule.badName } else { error.rule }
      findings.error(rule, node.mark, path, error.message(text))
      return nil
    }
  }

  private mutating func span(
    _ items: [YamlNode], _ mark: Mark, _ path: String, _ form: ValueForm
  ) -> ValueForm.Value? {
    guard items.count == 2 else {
      findings.error(.wrongKind, mark, path, "expected [least, most]; got \(items.count) values")
      return nil
    }
    guard let least = value(items[0], path, form), let most = value(items[1], path, form),
      case .number(let least) = least, case .number(let most) = most
    else { return nil }
    guard least <= most else {
      findings.error(.malformed, mark, path, "[\(least), \(most)]: the least value comes first")
      return nil
    }
    return .span(least...most)
  }
}

/// What a mapping held beside its fields.
struct Section {
  let mark: Mark
  /// Every known key that was given, and where.
  var keys: [String: Mark] = [:]
  /// The values of section keys.
  var nodes: [String: YamlNode] = [:]
}
