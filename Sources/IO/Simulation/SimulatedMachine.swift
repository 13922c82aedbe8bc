import Bounded
import Machine

/// The machine that a simulated engine runs on: one clock, one disk, and threads of which one runs
/// at a time, until it waits or calls the machine.
///
/// Who runs next is drawn from the seed, so two runs of a seed switch at the same places.
final class SimulatedMachine: Machine {
  /// A thread of the engine.
  final class Strand {
    let name: String
    var fiber: Fiber?
    var isOver: (() -> Bool)?
    var deadlineNs: Int64 = 0
    var isDone = false

    init(_ name: String) { self.name = name }
  }

  private final class OpenFile {
    let node: SimulatedDisk.Node?
    let path: String
    let isDirect: Bool
    let isHeld: Bool
    init(_ node: SimulatedDisk.Node?, _ path: String, isDirect: Bool, isHeld: Bool) {
      self.isHeld = isHeld
      self.node = node
      self.path = path
      self.isDirect = isDirect
    }
  }

  /// What happens at the next call that changes the disk.
  enum Doom { case kill, power }

  let disk: SimulatedDisk
  let options: SimulationOptions
  let coverage: SimulationCoverage
  let journals: JournalWatch
  private(set) var monotonicNs: Int64 = 1_000_000_000
  /// Wall clock at monotonic 0, ms since 1970; faults move it.
  var wallBaseMs: Int64 = 1_700_000_000_000
  var wallMs: Int64 { wallBaseMs + monotonicNs / 1_000_000 }

  private var strands: [Strand] = []
  private var current: Strand?
  private var files: [Int: OpenFile] = [:]
  private var nextFile = 3
  private var schedule: SimulationRandom
  private var streams: [SimulationRandom]
  /// Disk calls until the process ends in the middle of one; nil for never.
  var doomIn: Int?
  var doom = Doom.kill
  /// The process is gone: every call fails.
  private(set) var isOff = false
  /// Direct writing is refused, as some file systems do.
  let refusesDirect: Bool
  /// Faults are injected only while this holds.
  var isCalm = false
  /// Everything that happened, folded into one number.
  private(set) var trace: UInt64 = 0
  /// A disk that is full until then.
  private var fullUntilNs: Int64 = 0
  /// A call failed since the process began, and in its whole life before.
  private(set) var diskHasFailed = false
  private(set) var diskHadFailed = false
  /// The disk held something else than it was told, at some time since the process began.
  private(set) var diskHasLied = false

  init(_ options: SimulationOptions, coverage: SimulationCoverage) {
    self.options = options
    self.coverage = coverage
    disk = SimulatedDisk()
    journals = JournalWatch()
    schedule = SimulationRandom(seed: options.seed, stream: 100)
    streams = SimulationFault.allCases.map {
      SimulationRandom(seed: options.seed, stream: UInt64($0.rawValue))
    }
    refusesDirect = schedule.chance(25)
  }

  // MARK: Chance

  func note(_ value: UInt64) {
    trace = (trace ^ value) &* 0x9e37_79b9_7f4a_7c15
    trace ^= trace >> 29
  }

  /// Whether a fault of a class happens now; counted when it does.
  func happens(_ fault: SimulationFault, oneIn times: Int) -> Bool {
    guard options.faults.contains(fault), !isCalm else { return false }
    guard streams[index(fault)].once(in: times) else { return false }
    coverage.count(fault)
    return true
  }

  func draw(_ fault: SimulationFault, below bound: Int) -> Int {
    streams[index(fault)].below(bound)
  }

  private func index(_ fault: SimulationFault) -> Int {
    SimulationFault.allCases.firstIndex(of: fault) ?? 0
  }

  // MARK: Threads

  func spawn(_ name: String, _ body: @escaping () -> Void) -> Int {
    let strand = Strand(name)
    strand.fiber = Fiber(stackBytes: 512 << 10) { body() }
    strands.append(strand)
    return strands.count - 1
  }

  func join(_ thread: Int) {
    let strand = strands[thread]
    wait(timeoutNs: -1) { strand.isDone }
  }

  func wait(timeoutNs: Int64, until isOver: @escaping () -> Bool) {
    guard let strand = current else {
      preconditionFailure("the simulation itself must not wait")
    }
    strand.isOver = isOver
    strand.deadlineNs = timeoutNs < 0 ? .max : monotonicNs &+ timeoutNs
    strand.fiber?.pause()
  }

  /// Lets another thread run, now and then.
  private func mayYield() {
    if current != nil && schedule.once(in: 3) { wait(timeoutNs: 0, until: { true }) }
  }

  private func isReady(_ strand: Strand) -> Bool {
    if strand.isDone { return false }
    guard let isOver = strand.isOver else { return true }
    return strand.deadlineNs <= monotonicNs || isOver()
  }

  /// Runs one thread that can run, until it waits; false when there is none.
  func runOne() -> Bool {
    var ready = 0
    var picked: Strand?
    for strand in strands where isReady(strand) {
      ready += 1
      // Each of them as likely as any other.
      if schedule.once(in: ready) { picked = strand }
    }
    guard let strand = picked, let fiber = strand.fiber else { return false }
    strand.isOver = nil
    current = strand
    fiber.resume()
    current = nil
    if fiber.isDone {
      strand.isDone = true
      strand.fiber = nil
    }
    note(UInt64(strand.name.utf8.count) &+ UInt64(bitPattern: monotonicNs))
    return true
  }

  /// The first moment at which a waiting thread wakes by itself.
  var nextWakeNs: Int64? {
    var next = Int64.max
    for strand in strands where !strand.isDone && strand.isOver != nil {
      next = min(next, strand.deadlineNs)
    }
    return next == .max ? nil : next
  }

  var areAllDone: Bool { strands.allSatisfy(\.isDone) }
  /// Threads and how long each waits yet, ms.
  var waiting: [String] {
    strands.filter { !$0.isDone }.map { strand in
      let rest = strand.deadlineNs == .max ? -1 : (strand.deadlineNs - monotonicNs) / 1_000_000
      return "\(strand.name) \(rest)"
    }
  }
  var waitingNames: [String] { strands.filter { !$0.isDone }.map(\.name) }
  func forgetThreads() { strands = [] }

  func advance(to ns: Int64) { monotonicNs = max(monotonicNs, ns) }
  func pass(_ ns: Int64) { monotonicNs += ns }

  // MARK: The process

  /// Ends the process if it runs; what it met is remembered until the next.
  func endNow() {
    diskHadFailed = diskHasFailed
    switchOff()
  }

  /// The process ends here and now: nothing that it does from now on has any effect.
  func switchOff() {
    isOff = true
    files = [:]
  }

  func switchOn() {
    precondition(areAllDone, "threads of the old process run: \(waitingNames)")
    forgetThreads()
    isOff = false
    diskHasFailed = false
    diskHasLied = disk.isLying
    doomIn = nil
  }

  func cutPower() {
    let faults = options.faults
    let cut = SimulatedDisk.Cut(
      tears: faults.contains(.torn), loses: faults.contains(.lost),
      reorders: faults.contains(.reordered))
    var random = streams[index(.power)]
    disk.cutPower(cut, &random) { coverage.count($0) }
    streams[index(.power)] = random
  }

  // MARK: Files

  private static let eio = -5
  private static let enoent = -2
  private static let enospc = -28
  private static let einval = -22

  func open(_ path: String, _ mode: OpenMode) -> Int {
    if isOff { return Self.eio }
    mayYield()
    if isOff { return Self.eio }
    var isDirect = false
    var node = disk.node(path)
    switch mode {
    case .folder:
      guard disk.exists(path), node == nil else { return Self.enoent }
    case .reading, .held, .writing: if node == nil { return Self.enoent }
    case .direct(let creates):
      if refusesDirect {
        return Self.einval
      }
      isDirect = true
      if node == nil && !creates { return Self.enoent }
      if node == nil { node = disk.make(path) }
    case .making(let truncates):
      if isDoomed(nil) { return Self.eio }
      if node == nil {
        node = disk.make(path)
      } else if truncates, let node {
        disk.truncate(node, 0)
      }
      if node == nil { return Self.enoent }
    }
    nextFile += 1
    files[nextFile] = OpenFile(node, path, isDirect: isDirect, isHeld: mode == .held)
    return nextFile
  }

  func close(_ file: Int) { files[file] = nil }

  func size(_ file: Int) -> Int {
    if isOff { return Self.eio }
    return files[file]?.node?.size ?? Self.einval
  }

  func write(_ file: Int, _ slab: Slab, from: Int, count: Int, at: Int) -> Int {
    if isOff { return Self.eio }
    slowDown()
    guard !isOff, let open = files[file], let node = open.node else { return Self.eio }
    // What has its blocks can be written over on a full disk too.
    if at + count > node.size, isFull { return Self.enospc }
    if happens(.writeFails, oneIn: 4_000) { return failWrite(open, node, slab, from, count, at) }
    let isJournal = open.path.hasSuffix(".vj")
    if isJournal { journals.written(open.path, node, slab, from: from, count: count, at: at) }
    if isDoomed((node, slab, from, count, at)) {
      return Self.eio
    }
    let isDurable = open.isDirect && options.canary != .earlyDurable
    if !lie(open, node, slab, from, count, at) {
      disk.write(node, slab, from: from, count: count, at: at, isDurable: isDurable)
    }
    pass(2_000 + Int64(count / 4))
    if open.isDirect { journals.flushed(node, disk) }
    note(UInt64(count) &+ UInt64(at) &* 31 &+ UInt64(node.id) &* 1_009)
    mayYield()
    return isOff ? Self.eio : count
  }

  func read(_ file: Int, _ slab: Slab, to: Int, count: Int, at: Int) -> Int {
    if isOff { return Self.eio }
    mayYield()
    slowDown()
    guard !isOff, let node = files[file]?.node else { return Self.eio }
    pass(1_000)
    if isDoomed(nil) { return Self.eio }
    return disk.read(node, slab, to: to, count: count, at: at)
  }

  func flush(_ file: Int) -> Int {
    if isOff { return Self.eio }
    slowDown()
    guard !isOff, let open = files[file] else { return Self.eio }
    if isDoomed(nil) { return Self.eio }
    pass(20_000)
    guard let node = open.node else {
      disk.flushNames(of: open.path)
      mayYield()
      return isOff ? Self.eio : 0
    }
    if !node.changes.isEmpty, happens(.flushFails, oneIn: 600) {
      disk.failFlush(node)
      diskHasFailed = true
      return Self.eio
    }
    if options.canary != .hollowFlush { disk.flush(node) }
    if open.path.hasSuffix(".vj") { journals.flushed(node, disk) }
    mayYield()
    return isOff ? Self.eio : 0
  }

  func reserve(_ file: Int, _ byteCount: Int) -> Int {
    if isOff { return Self.eio }
    return isFull ? Self.enospc : 0
  }

  func truncate(_ file: Int, _ byteCount: Int) -> Int {
    if isOff { return Self.eio }
    guard let node = files[file]?.node else { return Self.eio }
    disk.truncate(node, byteCount)
    return 0
  }

  func lock(_ file: Int) -> Int { isOff ? Self.eio : 0 }

  func rename(_ from: String, _ to: String) -> Int {
    if isOff || isDoomed(nil) { return Self.eio }
    mayYield()
    if isOff { return Self.eio }
    return disk.rename(from, to) ? 0 : Self.enoent
  }

  func remove(_ path: String) -> Int {
    if isOff || isDoomed(nil) { return Self.eio }
    mayYield()
    if isOff { return Self.eio }
    if disk.remove(path) { return 0 }
    return disk.exists(path) ? -21 : Self.enoent
  }

  func makeFolder(_ path: String) -> Int {
    if isOff { return Self.eio }
    if disk.exists(path) { return -17 }
    return disk.makeFolder(path) ? 0 : Self.enoent
  }

  func removeFolder(_ path: String) -> Int {
    if isOff { return Self.eio }
    disk.removeFolder(path)
    return 0
  }

  func isHeld(_ path: String) -> Bool {
    guard let node = disk.node(path) else { return false }
    return files.values.contains { $0.isHeld && $0.node === node }
  }

  func exists(_ path: String) -> Bool { !isOff && disk.exists(path) }
  func list(_ path: String) -> [String]? { isOff ? nil : disk.list(path) }
  func freeBytes(_ path: String) -> Int {
    if isOff { return Self.eio }
    return isFull ? 0 : disk.freeBytes
  }

  // MARK: Faults

  /// The process ends in this call: what it was writing is there, or not, or in part.
  private func isDoomed(
    _ writing: (SimulatedDisk.Node, Slab, Int, Int, Int)?
  ) -> Bool {
    guard let left = doomIn else { return false }
    doomIn = left - 1
    if left > 0 { return false }
    doomIn = nil
    if let (node, slab, from, count, at) = writing {
      // A killed process leaves the whole write or none of it, a power cut any part.
      if doom == .power || schedule.chance(50) {
        disk.write(node, slab, from: from, count: count, at: at, isDurable: false)
      }
      journals.wasBroken(node)
    }
    switchOff()
    return true
  }

  private func slowDown() {
    guard happens(.slow, oneIn: 400) else { return }
    wait(timeoutNs: Int64(1 + draw(.slow, below: 500)) * 1_000_000, until: { false })
  }

  private var isFull: Bool {
    if fullUntilNs > monotonicNs && !isCalm {
      diskHasFailed = true
      return true
    }
    guard happens(.full, oneIn: 200) else { return false }
    fullUntilNs = monotonicNs + Int64(1 + draw(.full, below: 2_000)) * 1_000_000
    diskHasFailed = true
    return true
  }

  /// Part of it may be there.
  private func failWrite(
    _ open: OpenFile, _ node: SimulatedDisk.Node, _ slab: Slab, _ from: Int, _ count: Int, _ at: Int
  ) -> Int {
    diskHasFailed = true
    if open.path.hasSuffix(".vj") {
      journals.written(open.path, node, slab, from: from, count: count, at: at)
    }
    journals.wasBroken(node)
    let part = draw(.writeFails, below: count / 512 + 1) * 512
    if part > 0 { disk.write(node, slab, from: from, count: part, at: at, isDurable: false) }
    return Self.eio
  }

  /// The disk does something else than it says: nothing, or the right thing at the wrong place.
  private func lie(
    _ open: OpenFile, _ node: SimulatedDisk.Node, _ slab: Slab, _ from: Int, _ count: Int, _ at: Int
  ) -> Bool {
    guard open.path.hasSuffix(".vj") || open.path.contains("/snapshots/") else { return false }
    // One lie at a time: of what is lost then, the checkers know what may be.
    if disk.isLying { return false }
    if at + count <= node.size, happens(.dropped, oneIn: 4_000) {
      promise(node, slab, from, count, at)
      return true
    }
    guard at + count <= node.size, happens(.misdirected, oneIn: 4_000) else { return false }
    let places = (node.size - count) / 4_096
    let wrong = draw(.misdirected, below: places + 1) * 4_096
    promise(node, slab, from, count, at)
    if wrong + count <= node.size, wrong != at {
      disk.meant(node, at: wrong, count: count)
      let kept = node.lies
      disk.write(node, slab, from: from, count: count, at: wrong, isDurable: true)
      node.lies = kept
    }
    return true
  }

  /// Remembers that these bytes should stand there.
  private func promise(
    _ node: SimulatedDisk.Node, _ slab: Slab, _ from: Int, _ count: Int, _ at: Int
  ) {
    diskHasLied = true
    let held = Slab(byteCount: count, zeroed: false)
    held.copy(from: node.bytes, at: at, to: 0, count: count)
    disk.write(node, slab, from: from, count: count, at: at, isDurable: true)
    disk.meant(node, at: at, count: count)
    let kept = node.lies
    disk.write(node, held, from: 0, count: count, at: at, isDurable: true)
    node.lies = kept
  }

  /// Turns one bit over, somewhere.
  func rotOneBit() {
    guard !disk.isLying, happens(.rot, oneIn: 1) else { return }
    let paths = disk.nodes.keys.sorted().filter { disk.nodes[$0]?.size ?? 0 > 0 }
    guard !paths.isEmpty, let node = disk.node(paths[draw(.rot, below: paths.count)]) else {
      return
    }
    if draw(.rot, below: 3) == 0, let frame = journals.lastFrame(draw(.rot, below: 8)) {
      return rot(frame.node, frame.at + draw(.rot, below: frame.bytes))
    }
    // Where something stands, most of the time.
    var at = draw(.rot, below: node.size)
    for _ in 0..<64 where node.bytes.load(at, as: UInt8.self) == 0 {
      at = draw(.rot, below: node.size)
    }
    rot(node, at)
  }

  private func rot(_ node: SimulatedDisk.Node, _ at: Int) {
    if at >= node.size { return }
    diskHasLied = true
    disk.meant(node, at: at, count: 1)
    let bit = UInt8(1) << UInt8(draw(.rot, below: 8))
    node.bytes.store(node.bytes.load(at, as: UInt8.self) ^ bit, at)
  }
}
