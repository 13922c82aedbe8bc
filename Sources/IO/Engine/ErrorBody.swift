import Events

/// The body of every answer that says no: `{"error":{"code":...,"message":...,"field":...}}`.
///
/// - Parameter field: The field of the request that is wrong, where one is.
public func errorBody(_ code: String, _ message: String, field: String? = nil) -> [UInt8] {
  var json = JSONWriter(capacity: 128)
  json.beginObject()
  json.key("error")
  json.beginObject()
  json.key("code")
  json.string(code)
  json.key("message")
  json.string(message)
  if let field {
    json.key("field")
    json.string(field)
  }
  json.endObject()
  json.endObject()
  return json.bytes
}
