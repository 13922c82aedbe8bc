public import Authoring
import Bus
public import Engine
public import Net

/// The whole program as one object: an engine, its HTTP and stream endpoints, and their threads.
public final class Server: @unchecked Sendable {
  public let engine: Engine
  public let httpHost: String
  public let streamHost: String
  /// The ports bound; those asked for, or picked by the system where 0 was asked for.
  public private(set) var httpPort: UInt16 = 0
  public private(set) var streamPort: UInt16 = 0

  private let httpLoop: Loop
  private let streamLoop: Loop
  private let http: HTTPGateway
  private let stream: StreamGateway
  private var threads: [OSThread] = []

  /// Why the server did not start.
  public enum Fault: Error, CustomStringConvertible {
    case engine(EngineFault)
    case net(NetFault)

    public var description: String {
      switch self {
      case .engine(let fault): "\(fault)"
      case .net(let fault): "\(fault)"
      }
    }
  }

  /// Opens the data folder, recovers its hunts, binds both endpoints and serves.
  ///
  /// - Parameter log: As `Engine.init`; lines less serious than the setting `log_level` are left
  ///   out.
  public init(settings: Settings, log: @escaping Engine.Log) throws(Fault) {
    let levels = Settings.LogLevel.allCases
    let leastIndex = levels.firstIndex(of: settings.logLevel) ?? 0
    httpHost = settings.http.host
    streamHost = settings.stream.host
    var limits = NetLimits()
    limits.connectionCountMax = settings.connections
    limits.bodyBytesMax = settings.bodyMaxBytes
    limits.idleMs = settings.idleTimeoutMs
    limits.headerMs = settings.headerTimeoutMs
    var streamLimits = limits
    streamLimits.connectionCountMax = min(settings.connections, limits.streamCountMax)
    streamLimits.gatherMs = settings.gatherMaxMs
    limits.streamCountMax = 0
    do throws(NetFault) {
      httpLoop = try Loop(limits: limits)
      streamLoop = try Loop(limits: streamLimits)
    } catch { throw .net(error) }
    do throws(EngineFault) {
      engine = try Engine(settings) { level, line in
        if levels.firstIndex(of: level) ?? 0 <= leastIndex { log(level, line) }
      }
    } catch { throw .engine(error) }
    let latencies = Latencies()
    let httpWaker = httpLoop.waker
    let streamWaker = streamLoop.waker
    http = HTTPGateway(
      loop: httpLoop, engine: engine, port: engine.addPort { httpWaker.wake() },
      latencies: latencies)
    stream = StreamGateway(
      loop: streamLoop, engine: engine, port: engine.addPort { streamWaker.wake() },
      latencies: latencies)
    do throws(NetFault) {
      httpPort = try httpLoop.listenHTTP(
        host: settings.http.host, port: settings.http.port, application: http)
      streamPort = try streamLoop.listenStream(
        host: settings.stream.host, port: settings.stream.port, application: stream)
    } catch {
      throw .net(error)
    }
    engine.start()
    threads = [
      OSThread(name: "vx-http") { [self] in httpLoop.run() },
      OSThread(name: "vx-stream", priority: settings.priority(rank: 1)) { [self] in
        streamLoop.run()
      },
    ]
  }

  /// Stops serving; what was admitted is flushed first.
  public func stop() {
    engine.stop()
    httpLoop.waker.stop()
    streamLoop.waker.stop()
    for thread in threads { thread.join() }
    threads = []
  }
}
