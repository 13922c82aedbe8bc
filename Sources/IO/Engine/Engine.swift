public import Authoring
import Bounded
import Bus
public import Disk
import Events
import Glibc
public import Hunt
import Journal
import Machine
import Pages
import Partitions
import Synchronization
public import World

/// Why the engine did not start.
public enum EngineFault: Error, Sendable, CustomStringConvertible {
  /// Another process works on the data folder.
  case locked(path: String)
  case disk(DiskFault)
  case hunt(name: String, HuntFolderFault)

  public var description: String {
    switch self {
    case .locked(let path): "\(path): another process works on this data folder"
    case .disk(let fault): "\(fault)"
    case .hunt(let name, let fault): "hunt \(name): \(fault)"
    }
  }
}

/// Why a hunt was not made.
public enum CreateRefusal: Error, Equatable, Sendable {
  case nameTaken
  case tooLarge(neededBytes: Int, availableBytes: Int)
  case tooMany(Int)
  /// The text is not a hunt.
  case findings([Finding])
  case disk(String)
  /// So many hunts wait to be made or deleted.
  case busy(Int)
  case stopping
}

/// Hunts, their threads and their files: the part of the program that gateways talk to.
///
/// `init` opens the data folder and recovers every hunt; `addPort` once for each gateway thread;
/// then `start`. Everything after that may be called from any thread.
public final class Engine: @unchecked Sendable {
  /// Takes a line for the operator, and how serious it is.
  public typealias Log = @Sendable (Settings.LogLevel, String) -> Void

  /// Most hunts at once: each has threads and files of its own.
  public static let huntCountMax = 256

  public let settings: Settings
  let log: Log
  public let clock = EngineClock()
  private let lock: File
  let threads: [PartitionThread]
  private var ports: [GatewayPort] = []
  let readers = Readers()
  /// Builds forks, promotes them and explains scores: whatever replays a journal.
  let forkThread: JobThread
  private let snapshotter: Snapshotter
  private let shadows: ShadowThread
  private let directory: Mutex<[HuntEntry]>
  private let reservedPageBytes = Mutex<Int>(0)
  /// Names of hunts whose files are still being removed.
  private let leaving = Mutex<Set<String>>([])
  /// For slow, rare work that touches the disk: making and deleting hunts.
  private let control = JobThread(name: "vx-control", waitingMax: 256, atStop: .done)
  private var recovered: [HostedHunt] = []
  private let nextNumber: Mutex<UInt32>
  private let slots: Mutex<[UInt32]>

  /// Opens `settings.data`, creating it when missing, and brings every hunt back.
  ///
  /// - Parameter log: Gets a line about each hunt recovered now, and about each journal that fails
  ///   later; called from any thread.
  /// - Complexity: O(journalled events).
  public init(_ settings: Settings, log: @escaping Log) throws(EngineFault) {
    self.settings = settings
    self.log = log
    do throws(DiskFault) {
      try Files.createFolder(settings.data + "/hunts")
      guard let lock = try Files.lock(settings.data + "/lock") else {
        throw DiskFault("flock", settings.data, errno: EWOULDBLOCK)
      }
      self.lock = lock
    } catch {
      control.stop()
      readers.stop()
      if error.call == "flock" { throw .locked(path: settings.data) }
      throw .disk(error)
    }
    let count =
      settings.threads > 0
      ? settings.threads : max(1, Int(sysconf(Int32(_SC_NPROCESSORS_ONLN))) - 1)
    let clock = clock
    let forkThread = JobThread(name: "vx-fork", waitingMax: 512, atStop: .dropped)
    self.forkThread = forkThread
    let snapshotter = Snapshotter(settings, clock: clock, log: log)
    self.snapshotter = snapshotter
    shadows = ShadowThread(settings, clock: clock, snapshotter: snapshotter, log: log)
    threads = (0..<count).map {
      PartitionThread(
        index: $0, settings: settings, clock: clock, forkThread: forkThread, log: log)
    }
    directory = Mutex([])
    nextNumber = Mutex(1)
    slots = Mutex([UInt32](repeating: 0, count: count))
    do throws(EngineFault) { try recoverHunts() } catch {
      endThreads()
      throw error
    }
  }

  /// Ends what runs already when the data folder cannot be opened.
  private func endThreads() {
    control.stop()
    forkThread.stop()
    readers.stop()
    snapshotter.stop([])
    for hunt in recovered { hunt.journal.stop() }
    recovered = []
  }

  private func recoverHunts() throws(EngineFault) {
    let names: [String]
    do throws(DiskFault) {
      names = try Files.list(settings.data + "/hunts")
      // What a crash left of a deletion whose rename had been made.
      for name in try Files.list(settings.data) where name.hasPrefix("deleted-") {
        try Files.removeTree(settings.data + "/" + name)
      }
      try WorldStore(data: settings.data).tidy()
      for folder in [settings.data, settings.data + "/hunts"] { try Files.flushFolder(folder) }
    } catch { throw .disk(error) }
    for name in names {
      let folder = HuntFolder(data: settings.data, name: name)
      guard folder.exists else { continue }
      do throws(HuntFolderFault) {
        let hunt = try recover(folder, name)
        recovered.append(hunt)
        directory.withLock { $0.append(hunt.entry) }
        nextNumber.withLock { $0 = max($0, hunt.entry.number + 1) }
      } catch {
        throw .hunt(name: name, error)
      }
    }
  }

  private func recover(
    _ folder: HuntFolder, _ name: String
  ) throws(HuntFolderFault) -> HostedHunt {
    let (definition, map, manifest) = try folder.open()
    do throws(DiskFault) { try folder.flushNames() } catch { throw .disk(error) }
    let start = ThisMachine.monotonicNs
    let pool = makePool(definition, map)
    var wish = HuntRecovery.Wish(digestEvery: UInt64(settings.digestEveryEvents))
    wish.heldLines = heldLines
    let found = try HuntRecovery.run(
      folder, definition, map, manifest, pool: pool, wish,
      warn: { log(.warning, "hunt \(name): \($0)") })
    let (journal, snapshot) = (found.journal, found.snapshot)
    let partition = found.takePartition()
    let ms = (ThisMachine.monotonicNs - start) / 1_000_000
    if journal.tornBytes > 0 {
      let events = journal.cutEvents > 0 ? " and \(journal.cutEvents) events after it" : ""
      log(.warning, "hunt \(name): a torn write\(events), never flushed, was cut from the journal")
    }
    let from = snapshot.map { " (a snapshot of \($0.offset), and the journal behind it)" } ?? ""
    log(
      .info,
      "recovered hunt \(name): \(partition.nextOffset) journal entries\(from) in \(ms) ms, books "
        + "\(partition.books.isBalanced ? "balance" : "DO NOT BALANCE")")
    guard partition.books.isBalanced else {
      throw .damaged(path: folder.path, reason: "the books do not balance after replay")
    }
    return try host(
      definition, map, manifest, partition: partition, journal: journal, snapshot, folder, pool)
  }

  /// The pages of a hunt. Those of a large one are touched now: the kernel zeroing memory for a
  /// fork while the hunt plays made p99 rise from 5 to 30 ms. A small one takes memory as it grows.
  private func makePool(_ definition: HuntDefinition, _ map: Topology) -> PagePool {
    let pool = PagePool(
      pageCount: Partition.pagesNeeded(definition, map, forkRoom: settings.forkRoom))
    adviseHugePages(pool.memory)
    if pool.memory.byteCount >= 64 << 20 { touchPages(pool.memory) }
    return pool
  }

  private var heldLines: Int { settings.queueEvents * 2 }

  /// Starts a hunt's journal and gives the hunt its place.
  private func host(
    _ definition: HuntDefinition, _ map: Topology, _ manifest: HuntFolder.Manifest,
    partition: consuming Partition, journal: RecoveredJournal, _ snapshot: SnapshotHeader?,
    _ folder: HuntFolder, _ pool: PagePool
  ) throws(HuntFolderFault) -> HostedHunt {
    let thread = slots.withLock { used in
      var best = 0
      for at in 0..<used.count where used[at] < used[best] { best = at }
      used[best] += 1
      return best
    }
    let slot = slots.withLock { $0[thread] } - 1
    let disk: JournalDisk
    let trail = SnapshotTrail(
      name: definition.name, files: SnapshotFiles(folder, definition, map, manifest),
      segments: folder.segments(manifest), last: snapshot, nowMs: clock.nowMs)
    do throws(DiskFault) {
      try trail.tidy()
      disk = try JournalDisk(
        folder.segments(manifest), from: journal, durability: durability,
        ringLines: settings.queueEvents * 2, groupNs: Int64(settings.groupCommitMaxMs) * 1_000_000,
        reserveBytes: settings.diskReserveBytes, priority: settings.priority(rank: 3),
        owner: threads[thread].bell)
    } catch { throw .disk(error) }
    let forks = HuntForks(
      segments: folder.segments(manifest), branches: folder.branches,
      history: partition.line.history)
    let entry = HuntEntry(
      name: definition.name, number: manifest.number, thread: thread, slot: slot,
      definition: definition, map: map, pageBytesMax: pool.pageCount * pageBytes,
      feed: EffectFeed(capacity: 32_768), journal: disk, pool: pool, snapshots: trail,
      retention: Retention(trail.files, trail.segments, forks), forks: forks)
    reservedPageBytes.withLock { $0 += entry.pageBytesMax }
    var partition = partition
    if partition.nextOffset == 0 {
      // Without room now it is made when a fork first begins there.
      if let genesis = try? partition.checkpoint() {
        entry.forks.keep(genesis: HeldCheckpoint(genesis))
      }
    }
    return HostedHunt(entry, partition)
  }

  private var durability: Disk.Durability {
    switch settings.durability {
    case .batch: .batch
    case .interval: .interval(ms: settings.flushIntervalMs)
    case .os: .os
    }
  }

  // MARK: Start and stop

  /// A way in for one gateway thread; before `start`.
  ///
  /// - Parameter wake: Called from partition threads when replies or answers have come.
  public func addPort(wake: @escaping @Sendable () -> Void) -> GatewayPort {
    let port = GatewayPort(
      number: UInt8(ports.count), bells: threads.map(\.bell), queueLines: settings.queueEvents,
      wake: wake)
    ports.append(port)
    return port
  }

  public func start() {
    for hunt in recovered {
      threads[hunt.entry.thread].post(.attach(hunt))
      snapshotter.tidy(hunt.entry)
      shadows.attach(hunt.entry)
    }
    recovered = []
    shadows.start()
    for thread in threads { thread.start(ports: ports, readers: readers) }
  }

  /// Stops every thread; what was admitted is flushed first, and each hunt leaves a snapshot.
  public func stop() {
    control.stop()
    forkThread.stop()
    readers.stop()
    shadows.stop()
    snapshotter.stop(hunts.map(\.snapshots))
    for thread in threads { thread.stop() }
    shadows.finish()
  }

  // MARK: Hunts

  public var hunts: [HuntEntry] { directory.withLock { $0 } }

  public func hunt(named name: String) -> HuntEntry? {
    directory.withLock { entries in entries.first { $0.name == name } }
  }

  /// The hunt on its own thread; nil until it is attached. Only for whoever knows that the thread
  /// rests, as a simulation does.
  package func hosted(_ entry: HuntEntry) -> HostedHunt? {
    threads[entry.thread].hunt(entry.slot)
  }

  /// Asks a hunt; the answer comes to the ticket's port.
  public func ask(_ entry: HuntEntry, _ query: Query, _ ticket: QueryTicket) {
    threads[entry.thread].post(.query(slot: entry.slot, query, ticket))
  }

  /// Makes a hunt, durably; `done` is called on another thread.
  public func create(
    _ definition: HuntDefinition, map: Topology,
    done: @escaping @Sendable (Result<HuntEntry, CreateRefusal>) -> Void
  ) {
    submit(orRefuse: done) { [self] in
      do throws(CreateRefusal) {
        done(.success(try createNow(definition, map)))
      } catch {
        done(.failure(error))
      }
    }
  }

  /// Makes the hunt that a client's text describes; reading it is left to the control thread too.
  public func create(
    text: [UInt8], done: @escaping @Sendable (Result<HuntEntry, CreateRefusal>) -> Void
  ) {
    submit(orRefuse: done) { [self] in
      let worlds = WorldStore(data: settings.data)
      let built = HuntBuilder.build(text, maps: .refused, worlds: worlds)
      guard let (definition, map) = built.value else {
        return done(.failure(.findings(built.findings)))
      }
      do throws(CreateRefusal) {
        done(.success(try createNow(definition, map)))
      } catch {
        done(.failure(error))
      }
    }
  }

  /// Has the control thread make a hunt, or tells why it does not.
  private func submit(
    orRefuse done: @Sendable (Result<HuntEntry, CreateRefusal>) -> Void,
    _ job: @escaping JobThread.Job
  ) {
    do throws(JobRefusal) { try control.submit(job) } catch {
      switch error {
      case .full(let waitingMax): done(.failure(.busy(waitingMax)))
      case .stopping: done(.failure(.stopping))
      }
    }
  }

  /// As `create`, on the calling thread; before `start` or on the control thread.
  private func createNow(
    _ definition: HuntDefinition, _ map: Topology
  ) throws(CreateRefusal) -> HuntEntry {
    let isTaken = directory.withLock { entries in
      entries.contains { $0.name == definition.name }
    }
    if isTaken || leaving.withLock({ $0.contains(definition.name) }) { throw .nameTaken }
    if hunts.count >= Self.huntCountMax { throw .tooMany(Self.huntCountMax) }
    let pages = Partition.pagesNeeded(definition, map, forkRoom: settings.forkRoom)
    let memory = Int(sysconf(Int32(_SC_PHYS_PAGES))) * Int(sysconf(Int32(_SC_PAGESIZE)))
    // All pages are reserved at once, though most are for forks and rarely touched.
    let used = reservedPageBytes.withLock { $0 }
    if used + pages * pageBytes > memory * 3 / 4 {
      throw .tooLarge(
        neededBytes: pages * pageBytes, availableBytes: max(0, memory * 3 / 4 - used))
    }
    let number = nextNumber.withLock { next in
      defer { next += 1 }
      return next
    }
    let folder = HuntFolder(data: settings.data, name: definition.name)
    // The memory first: a hunt that does not fit must not be found by the next start.
    let pool = makePool(definition, map)
    do throws(HuntFolderFault) {
      let manifest: HuntFolder.Manifest
      do throws(DiskFault) {
        // What a crash left behind before the manifest was written was never a hunt.
        if Files.exists(folder.path) { try Files.removeTree(folder.path) }
        manifest = try folder.create(
          definition, map: map, number: number, segmentBytes: settings.segmentBytes)
      } catch { throw .disk(error) }
      let partition = Partition(
        definition, map: map, number: number, digestEvery: UInt64(settings.digestEveryEvents),
        heldLines: heldLines, pool: pool)
      let hunt = try host(
        definition, map, manifest, partition: partition, journal: RecoveredJournal(), nil, folder,
        pool)
      threads[hunt.entry.thread].post(.attach(hunt))
      directory.withLock { $0.append(hunt.entry) }
      shadows.attach(hunt.entry)
      return hunt.entry
    } catch {
      throw .disk("\(error)")
    }
  }

  /// Removes a hunt and its files; `done` is called on another thread with what went wrong.
  public func delete(_ entry: HuntEntry, done: @escaping @Sendable (String?) -> Void) {
    let known = directory.withLock { entries in
      guard let at = entries.firstIndex(where: { $0.number == entry.number }) else { return false }
      entries.remove(at: at)
      leaving.withLock { _ = $0.insert(entry.name) }
      return true
    }
    guard known else { return done("the hunt is gone") }
    threads[entry.thread].post(
      .detach(slot: entry.slot) { [self] in
        reservedPageBytes.withLock { $0 -= entry.pageBytesMax }
        let folder = HuntFolder(data: settings.data, name: entry.name)
        do throws(JobRefusal) {
          try control.submit { [self] in
            shadows.detach(entry)
            entry.snapshots.cancelAndWait()
            done(remove(entry, folder))
          }
        } catch { done("nothing was removed: \(error)") }
      })
  }

  /// Removes a hunt's files; what went wrong.
  private func remove(_ entry: HuntEntry, _ folder: HuntFolder) -> String? {
    do throws(DiskFault) {
      // The rename is the moment of deletion; what remains of the trash is removed at leisure.
      let trash = settings.data + "/deleted-\(entry.number)"
      if Files.exists(trash) { try Files.removeTree(trash) }
      try Files.rename(folder.path, trash)
      leaving.withLock { _ = $0.remove(entry.name) }
      try Files.removeTree(trash)
      try WorldStore(data: settings.data).tidy()
      return nil
    } catch { return "\(error)" }
  }
}
