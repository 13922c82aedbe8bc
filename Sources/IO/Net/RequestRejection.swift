/// Why the loop answers a request itself, and closes the connection after.
enum RequestRejection: Error, Equatable {
  case malformed(String)
  case hostMissing
  case hostInvalid
  case lengthInvalid
  case lengthAndEncoding
  case slow
  case bodyTooLarge(bytesMax: Int)
  case urlTooLong(bytesMax: Int)
  case expectationUnknown
  case headersTooLarge(bytesMax: Int)
  case headersTooMany(countMax: Int)
  case encodingUnknown
  case methodUnsupported
  case versionUnsupported
  case memoryFull
  case connectionsFull

  var status: Int {
    switch self {
    case .malformed, .hostMissing, .hostInvalid, .lengthInvalid, .lengthAndEncoding: 400
    case .slow: 408
    case .bodyTooLarge: 413
    case .urlTooLong: 414
    case .expectationUnknown: 417
    case .headersTooLarge, .headersTooMany: 431
    case .encodingUnknown, .methodUnsupported: 501
    case .memoryFull, .connectionsFull: 503
    case .versionUnsupported: 505
    }
  }

  var code: String {
    switch self {
    case .malformed: "malformed_request"
    case .hostMissing: "host_missing"
    case .hostInvalid: "host_invalid"
    case .lengthInvalid: "content_length_invalid"
    case .lengthAndEncoding: "content_length_with_transfer_encoding"
    case .slow: "request_timeout"
    case .bodyTooLarge: "body_too_large"
    case .urlTooLong: "url_too_long"
    case .expectationUnknown: "expectation_unknown"
    case .headersTooLarge: "headers_too_large"
    case .headersTooMany: "headers_too_many"
    case .encodingUnknown: "transfer_encoding_unknown"
    case .methodUnsupported: "method_unsupported"
    case .memoryFull: "memory_full"
    case .connectionsFull: "connections_full"
    case .versionUnsupported: "version_unsupported"
    }
  }

  var message: String {
    switch self {
    case .malformed(let reason): reason
    case .hostMissing: "HTTP/1.1 needs one Host header"
    case .hostInvalid: "the Host header is repeated or malformed"
    case .lengthInvalid: "Content-Length is repeated or not a number"
    case .lengthAndEncoding: "Content-Length and Transfer-Encoding exclude each other"
    case .slow: "the request took too long to arrive"
    case .bodyTooLarge(let bytesMax): "the body is larger than \(bytesMax) bytes"
    case .urlTooLong(let bytesMax): "the request target is longer than \(bytesMax) bytes"
    case .expectationUnknown: "the only expectation known is 100-continue"
    case .headersTooLarge(let bytesMax): "the header lines are larger than \(bytesMax) bytes"
    case .headersTooMany(let countMax): "there are more than \(countMax) header lines"
    case .encodingUnknown: "the only transfer coding known is chunked"
    case .methodUnsupported: "the method is not supported"
    case .versionUnsupported: "the versions known are HTTP/1.0 and HTTP/1.1"
    case .memoryFull: "the server's buffers are full"
    case .connectionsFull: "the server has as many connections as it takes"
    }
  }
}
