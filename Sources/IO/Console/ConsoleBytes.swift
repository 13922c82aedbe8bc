import CConsole

/// The web page's files, compiled into the program; the binding to their C arrays.
public enum ConsoleBytes {
  public static let html = unsafe bytes(vx_console_html_start(), vx_console_html_size)
  public static let script = unsafe bytes(vx_console_js_start(), vx_console_js_size)
  public static let style = unsafe bytes(vx_console_css_start(), vx_console_css_size)
  /// The script's parts by their names, as in `/console/words.js`.
  public static let modules: [String: [UInt8]] = {
    var modules: [String: [UInt8]] = [:]
    for index in 0..<vx_console_module_count {
      let module = unsafe vx_console_module_at(index)
      unsafe modules[String(cString: module.name) + ".js"] = bytes(module.start, module.size)
    }
    return modules
  }()
  /// The description of the HTTP interface, OpenAPI 3.1.
  public static let openAPI = unsafe bytes(vx_openapi_start(), vx_openapi_size)

  private static func bytes(_ start: UnsafePointer<UInt8>, _ count: Int) -> [UInt8] {
    unsafe Array(UnsafeBufferPointer(start: start, count: count))
  }
}
