import CWslay

/// One WebSocket (RFC 6455, server side): wslay reads frames, checks the rules and answers pings
/// and closes; messages are put together here, in the loop's budget.
@safe final class WebSocketSession {
  private unowned let loop: Loop
  private unowned let connection: Connection
  private let application: any HTTPApplication
  private var context: OpaquePointer?
  private var message: ByteBuffer
  private var isText = false
  /// The frame being received is ping, pong or close.
  private var isControl = false
  /// What wslay may read next.
  private var input = unsafe UnsafeRawBufferPointer(start: nil, count: 0)
  /// Our close frame is queued or sent: nothing more is said or delivered.
  private(set) var isClosing = false
  private(set) var pingedNs: Int64 = 0

  /// nil when memory is short.
  init?(_ loop: Loop, _ connection: Connection, _ application: any HTTPApplication) {
    self.loop = loop
    self.connection = connection
    self.application = application
    message = ByteBuffer(byteCountMax: loop.limits.messageBytesMax, budget: loop.budget)
    var callbacks = Self.callbacks
    let me = unsafe Unmanaged.passUnretained(self).toOpaque()
    guard unsafe wslay_event_context_server_init(&context, &callbacks, me) == 0 else { return nil }
    unsafe wslay_event_config_set_no_buffering(context, 1)
    unsafe wslay_event_config_set_max_recv_msg_length(
      context, UInt64(loop.limits.messageBytesMax))
  }

  deinit { if unsafe context != nil { unsafe wslay_event_context_free(context) } }

  /// Reads frames from `bytes` and answers what the protocol answers by itself.
  ///
  /// - Returns: What was not taken because the application paused reading.
  func receive(_ bytes: UnsafeRawBufferPointer) -> UnsafeRawBufferPointer {
    unsafe input = bytes
    let code = unsafe wslay_event_recv(context)
    let rest = unsafe input
    unsafe input = UnsafeRawBufferPointer(start: nil, count: 0)
    switch code {
    case 0: flushControls()
    case Int32(WSLAY_ERR_CALLBACK_FAILURE.rawValue): endBrokenFraming()
    default: loop.drop(connection.id)  // out of memory
    }
    return unsafe rest
  }

  /// Queues a data frame.
  func send(_ bytes: RawSpan, opcode: UInt8) -> Bool {
    guard !isClosing else { return false }
    let count = bytes.byteCount
    let headCount = count < 126 ? 2 : count <= 0xFFFF ? 4 : 10
    guard let room = unsafe loop.room(headCount + count, on: connection) else { return false }
    // FIN and the opcode; then the length in 7, 16 or 64 bits, most significant byte first.
    unsafe room.storeBytes(of: 0x80 | opcode, as: UInt8.self)
    switch headCount {
    case 2: unsafe room.storeBytes(of: UInt8(count), toByteOffset: 1, as: UInt8.self)
    case 4:
      unsafe room.storeBytes(of: 126, toByteOffset: 1, as: UInt8.self)
      unsafe room.storeBytes(of: UInt16(count).bigEndian, toByteOffset: 2, as: UInt16.self)
    default:
      unsafe room.storeBytes(of: 127, toByteOffset: 1, as: UInt8.self)
      unsafe room.storeBytes(of: UInt64(count).bigEndian, toByteOffset: 2, as: UInt64.self)
    }
    unsafe bytes.withUnsafeBytes { source in
      if let from = source.baseAddress {
        unsafe (room + headCount).copyMemory(from: from, byteCount: count)
      }
    }
    connection.out.commit(headCount + count)
    loop.settleLater(connection)
    return true
  }

  /// Begins the closing handshake; the connection ends when the peer answered or took too long.
  func close(code: UInt16, reason: String) {
    guard !isClosing else { return }
    isClosing = true
    connection.readDeadlineNs = loop.after(loop.limits.closeMs)
    var text = Array(reason.utf8.prefix(123))
    // A cut through a character would not be UTF-8.
    while String(validating: text, as: UTF8.self) == nil { text.removeLast() }
    if unsafe wslay_event_queue_close(context, code, text, text.count) != 0 {
      return loop.drop(connection.id)
    }
    // Inside `wslay_event_recv` this waits for its end; otherwise it leaves now.
    if unsafe input.baseAddress == nil { flushControls() }
  }

  /// Asks a quiet peer whether it is still there.
  func ping(nowNs: Int64) {
    guard !isClosing else { return }
    pingedNs = nowNs
    var frame = unsafe wslay_event_msg(opcode: UInt8(WSLAY_PING.rawValue), msg: nil, msg_length: 0)
    if unsafe wslay_event_queue_msg(context, &frame) != 0 { return loop.drop(connection.id) }
    flushControls()
  }

  /// Moves wslay's own frames to the out-buffer, whose reserve always has room for them, and ends
  /// the connection once both sides have said goodbye or the peer broke the rules.
  private func flushControls() {
    if unsafe wslay_event_send(context) != 0 { return loop.drop(connection.id) }
    loop.settleLater(connection)
    guard unsafe wslay_event_get_close_sent(context) != 0 else { return }
    isClosing = true
    // Reading ends with the peer's close frame, and with a breach of the rules.
    if unsafe wslay_event_get_read_enabled(context) == 0 { loop.close(connection.id) }
  }

  /// wslay lost the frame boundaries and has queued a close frame that names no code; ours says
  /// 1002 in its place.
  private func endBrokenFraming() {
    guard !isClosing else { return loop.close(connection.id) }
    isClosing = true
    guard let frame = unsafe connection.out.reserve(4) else { return loop.drop(connection.id) }
    unsafe frame.storeBytes(of: UInt32(0x8802_03EA).bigEndian, as: UInt32.self)
    connection.out.commit(4)
    loop.close(connection.id)
  }

  // MARK: what wslay calls

  fileprivate func began(opcode: UInt8, payloadBytes: UInt64) {
    isControl = opcode & 8 != 0
    if opcode == UInt8(WSLAY_CONNECTION_CLOSE.rawValue), payloadBytes == 1, !isClosing {
      return fail(WSLAY_CODE_PROTOCOL_ERROR)  // half a status code; wslay takes it for none
    }
    if isControl || isClosing { return }
    if opcode != UInt8(WSLAY_CONTINUATION_FRAME.rawValue) {
      isText = opcode == UInt8(WSLAY_TEXT_FRAME.rawValue)
      message.clear(keeping: 4_096)
    }
    // wslay has checked this frame alone.
    if payloadBytes > UInt64(loop.limits.messageBytesMax - message.count) {
      fail(WSLAY_CODE_MESSAGE_TOO_BIG)
    }
  }

  fileprivate func received(_ bytes: UnsafeRawBufferPointer) {
    if isControl || isClosing { return }
    if unsafe !message.append(bytes) { fail(WSLAY_CODE_INTERNAL_SERVER_ERROR) }
  }

  fileprivate func ended(opcode: UInt8) {
    // Pongs keep their place among the messages.
    if unsafe wslay_event_want_write(context) != 0, unsafe wslay_event_send(context) != 0 {
      return loop.drop(connection.id)
    }
    if opcode & 8 != 0 || isClosing || connection.phase != .open { return }
    loop.counts.messages += 1
    let bytes = unsafe RawSpan(_unsafeBytes: message.bytes)
    application.webSocketMessage(connection.id, bytes, isText: isText)
    message.clear(keeping: 4_096)
  }

  private func fail(_ code: wslay_status_code) {
    isClosing = true
    unsafe wslay_event_shutdown_read(context)
    if unsafe wslay_event_queue_close(context, UInt16(code.rawValue), nil, 0) != 0 {
      loop.drop(connection.id)
    }
  }

  fileprivate func take(_ target: UnsafeMutablePointer<UInt8>, _ count: Int) -> Int {
    let taken = unsafe min(count, input.count)
    if taken == 0 || connection.isReadingPaused {
      unsafe wslay_event_set_error(context, Int32(WSLAY_ERR_WOULDBLOCK.rawValue))
      return -1
    }
    unsafe UnsafeMutableRawPointer(target).copyMemory(from: input.baseAddress!, byteCount: taken)
    unsafe input = UnsafeRawBufferPointer(rebasing: input[taken...])
    return taken
  }

  fileprivate func give(_ bytes: UnsafeRawBufferPointer) -> Int {
    if unsafe connection.out.append(bytes) { return bytes.count }
    unsafe wslay_event_set_error(context, Int32(WSLAY_ERR_CALLBACK_FAILURE.rawValue))
    return -1
  }

  private static var callbacks: wslay_event_callbacks {
    var callbacks = wslay_event_callbacks()
    unsafe callbacks.recv_callback = { unsafe session($4).take($1!, $2) }
    unsafe callbacks.send_callback = {
      unsafe session($4).give(UnsafeRawBufferPointer(start: $1, count: $2))
    }
    unsafe callbacks.on_frame_recv_start_callback = {
      unsafe session($2).began(opcode: $1!.pointee.opcode, payloadBytes: $1!.pointee.payload_length)
    }
    unsafe callbacks.on_frame_recv_chunk_callback = {
      unsafe session($2).received(
        UnsafeRawBufferPointer(start: $1!.pointee.data, count: $1!.pointee.data_length))
    }
    unsafe callbacks.on_msg_recv_callback = { unsafe session($2).ended(opcode: $1!.pointee.opcode) }
    return callbacks
  }
}

/// The session behind wslay's user pointer.
private func session(_ pointer: UnsafeMutableRawPointer?) -> WebSocketSession {
  unsafe Unmanaged<WebSocketSession>.fromOpaque(pointer!).takeUnretainedValue()
}
