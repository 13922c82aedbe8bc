import Authoring
import CSystem
import Console
import Events

/// Files of the page, compiled in.
enum ConsoleFile {
  case html, script, style, openAPI
  /// A part of the script, by its name.
  case module(String)

  var type: String {
    switch self {
    case .html: "text/html; charset=utf-8"
    case .script, .module: "text/javascript; charset=utf-8"
    case .style: "text/css; charset=utf-8"
    case .openAPI: "application/json"
    }
  }

  var bytes: [UInt8] {
    switch self {
    case .html: ConsoleBytes.html
    case .script: ConsoleBytes.script
    case .style: ConsoleBytes.style
    case .openAPI: ConsoleBytes.openAPI
    case .module(let name): ConsoleBytes.modules[name] ?? []
    }
  }
}

/// What is wrong with a hunt's text: the first error as `error`, all findings as a list.
func findingsJSON(_ findings: [Finding], code: String = "bad_hunt") -> [UInt8] {
  var json = JSONWriter(capacity: 1_024)
  json.beginObject()
  json.key("error")
  json.beginObject()
  json.key("code")
  json.string(code)
  let first = findings.first { $0.severity == .error }
  json.key("message")
  json.string(first?.line(file: "body") ?? "not what it should be")
  if let path = first?.path, !path.isEmpty {
    json.key("field")
    json.string(path)
  }
  json.endObject()
  json.key("findings")
  json.beginArray()
  for finding in findings {
    json.beginObject()
    json.key("severity")
    json.string(finding.severity.rawValue)
    json.key("rule")
    json.string(finding.rule.rawValue)
    json.key("path")
    json.string(finding.path)
    json.key("message")
    json.string(finding.message)
    if let mark = finding.mark {
      json.field("line", UInt64(mark.line))
      json.field("column", UInt64(mark.column))
    }
    json.endObject()
  }
  json.endArray()
  json.endObject()
  return json.bytes
}

/// What the process itself has used.
enum ProcessMetrics {
  static func text(uptimeNs: Int64) -> String {
    let cpuMs = vx_process_cpu_ns() / 1_000_000
    return """
      veltrix_process_cpu_seconds_total \(cpuMs / 1_000).\(padded(cpuMs % 1_000))
      veltrix_process_resident_bytes \(vx_rss_bytes())
      veltrix_process_context_switches_total \(vx_context_switches())
      veltrix_process_uptime_seconds \(uptimeNs / 1_000_000_000)

      """
  }

  /// The lines of each metric together, behind a line with its type, as the text format asks.
  static func grouped(_ text: String) -> String {
    var order: [Substring] = []
    var lines: [Substring: [Substring]] = [:]
    for line in text.split(separator: "\n") {
      let name = line.prefix { $0 != "{" && $0 != " " }
      if lines[name] == nil { order.append(name) }
      lines[name, default: []].append(line)
    }
    var grouped = ""
    for name in order {
      grouped += "# TYPE \(name) \(name.hasSuffix("_total") ? "counter" : "gauge")\n"
      for line in lines[name] ?? [] { grouped += line + "\n" }
    }
    return grouped
  }

  private static func padded(_ thousandths: Int64) -> String {
    let digits = String(thousandths)
    return String(repeating: "0", count: 3 - digits.utf8.count) + digits
  }
}
