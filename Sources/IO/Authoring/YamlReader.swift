// The only file of this room that speaks to C: libyaml's parser, and whole files from the kernel.

internal import CYaml
internal import Glibc

/// One step through a YAML text.
struct YamlEvent {
  enum Kind {
    case streamStart, documentStart, documentEnd, streamEnd
    case scalar(String, plain: Bool)
    case alias, sequenceStart, sequenceEnd, mappingStart, mappingEnd
  }

  var kind: Kind
  var mark: Mark
  var hasAnchor = false
  var hasTag = false
}

/// libyaml's pull parser over bytes that outlive it.
///
/// Memory is libyaml's own: a window on the input and the longest scalar, whatever the input holds.
@safe struct YamlReader: ~Copyable {
  private let parser: UnsafeMutablePointer<yaml_parser_t>
  /// Where the input starts, for the places of encoding errors, which libyaml gives as offsets.
  private let input: UnsafeBufferPointer<UInt8>

  /// Lends a reader of `bytes`, UTF-8 with or without a byte order mark, to `body`.
  static func read(
    _ bytes: [UInt8], _ body: (inout YamlReader) throws(Finding) -> Void
  ) throws(Finding) {
    try unsafe bytes.withUnsafeBufferPointer { (all) throws(Finding) in
      let marked = bytes.starts(with: [0xef, 0xbb, 0xbf])
      let text = unsafe UnsafeBufferPointer(rebasing: all.dropFirst(marked ? 3 : 0))
      var reader = unsafe YamlReader(text)
      try body(&reader)
    }
  }

  /// A parser of `input`, which must stay where it is for as long as the parser lives.
  private init(_ input: UnsafeBufferPointer<UInt8>) {
    unsafe self.input = input
    unsafe parser = .allocate(capacity: 1)
    unsafe parser.initialize(to: yaml_parser_t())
    guard unsafe yaml_parser_initialize(parser) == 1 else {
      preconditionFailure("out of memory for a YAML parser")
    }
    // A fixed encoding: nothing in the input may switch it to UTF-16.
    unsafe yaml_parser_set_encoding(parser, YAML_UTF8_ENCODING)
    unsafe yaml_parser_set_input_string(parser, input.baseAddress, input.count)
  }

  deinit {
    unsafe yaml_parser_delete(parser)
    unsafe parser.deinitialize(count: 1)
    unsafe parser.deallocate()
  }

  /// The next event; after `streamEnd` or an error there is none.
  mutating func next() throws(Finding) -> YamlEvent {
    var event = unsafe yaml_event_t()
    guard unsafe yaml_parser_parse(parser, &event) == 1 else { throw syntaxError() }
    defer { unsafe yaml_event_delete(&event) }
    let start = unsafe event.start_mark
    let mark = Self.mark(start)
    switch unsafe event.type {
    case YAML_STREAM_START_EVENT: return YamlEvent(kind: .streamStart, mark: mark)
    case YAML_DOCUMENT_START_EVENT: return YamlEvent(kind: .documentStart, mark: mark)
    case YAML_DOCUMENT_END_EVENT: return YamlEvent(kind: .documentEnd, mark: mark)
    case YAML_ALIAS_EVENT: return YamlEvent(kind: .alias, mark: mark)
    case YAML_SCALAR_EVENT:
      let scalar = unsafe event.data.scalar
      let bytes = unsafe UnsafeBufferPointer(start: scalar.value, count: scalar.length)
      let text = unsafe String(decoding: bytes, as: UTF8.self)
      return unsafe YamlEvent(
        kind: .scalar(text, plain: scalar.style == YAML_PLAIN_SCALAR_STYLE), mark: mark,
        hasAnchor: scalar.anchor != nil, hasTag: scalar.tag != nil)
    case YAML_SEQUENCE_START_EVENT:
      let sequence = unsafe event.data.sequence_start
      return unsafe YamlEvent(
        kind: .sequenceStart, mark: mark, hasAnchor: sequence.anchor != nil,
        hasTag: sequence.tag != nil)
    case YAML_SEQUENCE_END_EVENT: return YamlEvent(kind: .sequenceEnd, mark: mark)
    case YAML_MAPPING_START_EVENT:
      let mapping = unsafe event.data.mapping_start
      return unsafe YamlEvent(
        kind: .mappingStart, mark: mark, hasAnchor: mapping.anchor != nil,
        hasTag: mapping.tag != nil)
    case YAML_MAPPING_END_EVENT: return YamlEvent(kind: .mappingEnd, mark: mark)
    default: return YamlEvent(kind: .streamEnd, mark: mark)
    }
  }

  private static func mark(_ mark: yaml_mark_t) -> Mark {
    Mark(
      line: UInt32(clamping: mark.line) &+ 1, column: UInt32(clamping: mark.column) &+ 1)
  }

  /// What libyaml says stopped it.
  private func syntaxError() -> Finding {
    let problem = unsafe parser.pointee.problem.map { unsafe String(cString: $0) }
    let context = unsafe parser.pointee.context.map { unsafe String(cString: $0) + ": " }
    let isEncoding = unsafe parser.pointee.error == YAML_READER_ERROR
    let mark =
      if isEncoding { unsafe self.mark(offset: parser.pointee.problem_offset) } else {
        unsafe Self.mark(parser.pointee.problem_mark)
      }
    return Finding(
      severity: .error, mark: mark, path: "", rule: .syntax,
      message: (context ?? "") + (problem ?? "cannot be parsed"))
  }

  private func mark(offset: Int) -> Mark {
    var mark = Mark(line: 1, column: 1)
    for at in 0..<min(offset, unsafe input.count) {
      let byte = unsafe input[at]
      if byte == UInt8(ascii: "\n") {
        mark = Mark(line: mark.line + 1, column: 1)
      } else if byte & 0xc0 != 0x80 {
        mark.column += 1
      }
    }
    return mark
  }
}

/// The bytes of the file at `path`, at most `byteCountMax`; anything that can be read to its end
/// will do, a pipe too.
func fileBytes(_ path: String, byteCountMax: Int) throws(FileFault) -> [UInt8] {
  let descriptor = unsafe open(path, O_RDONLY | O_CLOEXEC)
  guard descriptor >= 0 else { throw .failed("open", errno) }
  defer { close(descriptor) }
  var bytes: [UInt8] = []
  var chunk = [UInt8](repeating: 0, count: 1 << 16)
  while true {
    let count = unsafe chunk.withUnsafeMutableBytes { free in
      unsafe Glibc.read(descriptor, free.baseAddress, free.count)
    }
    if count < 0 && errno == EINTR { continue }
    guard count >= 0 else { throw .failed("read", errno) }
    if count == 0 { return bytes }
    bytes.append(contentsOf: chunk[..<count])
    if bytes.count > byteCountMax { throw .tooLarge(byteCountMax) }
  }
}

/// Why a file's bytes are not to be had.
enum FileFault: Error, Equatable {
  /// The call and its errno.
  case failed(String, Int32)
  /// Longer than this many bytes.
  case tooLarge(Int)

  var finding: Finding {
    switch self {
    case .failed(let call, let code):
      let reason = unsafe strerror(code).map { unsafe String(cString: $0) } ?? "errno \(code)"
      return Finding(
        severity: .error, mark: nil, path: "", rule: .unreadable, message: "\(call): \(reason)")
    case .tooLarge(let byteCountMax):
      return Finding(
        severity: .error, mark: nil, path: "", rule: .tooLarge,
        message: "more than \(grouped(byteCountMax)) bytes")
    }
  }
}
