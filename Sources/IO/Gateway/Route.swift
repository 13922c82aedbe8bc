import Authoring
import Console
import Engine
import Events
import Hunt
import Net

/// What a method and a path ask for.
enum Route {
  case page, script, style, icon, openAPI
  /// A part of the page's script.
  case module(String)
  case alive, ready, metrics
  case liveSocket
  case listHunts, createHunt
  case hunt(String, HuntPart)
  /// The path exists for other methods.
  case notAllowed(String)
  case unknown

  enum HuntPart {
    case show, delete, events, world, drawing, live, books, treasures
    case search(GroundWord)
    case phase(HuntPhase)
    case board(String)
    case player(String)
    case hint(String)
    /// A fork of the kind that the word stands for.
    case makeFork(ForkText.Kind)
    case forks
    case fork(UInt32)
    case deleteFork(UInt32)
    case forkDifference(UInt32)
    case promoteFork(UInt32)
    case whyPlayer(String)
    case whyTreasure(UInt32)
  }

  init(method: HTTPMethod, path: [String]) {
    let isRead = method == .get || method == .head
    func get(_ route: Route) -> Route { isRead ? route : .notAllowed("GET, HEAD") }
    func post(_ route: Route) -> Route { method == .post ? route : .notAllowed("POST") }
    switch (path.first ?? "", path.count) {
    case ("", 0...1): self = get(.page)
    case ("console.js", 1): self = get(.script)
    case ("console", 2) where ConsoleBytes.modules[path[1]] != nil: self = get(.module(path[1]))
    case ("console.css", 1): self = get(.style)
    case ("favicon.ico", 1): self = get(.icon)
    case ("openapi.json", 1): self = get(.openAPI)
    case ("livez", 1): self = get(.alive)
    case ("readyz", 1): self = get(.ready)
    case ("metrics", 1): self = get(.metrics)
    case ("v1", 2) where path[1] == "live": self = get(.liveSocket)
    case ("v1", 2) where path[1] == "hunts":
      self = isRead ? .listHunts : method == .post ? .createHunt : .notAllowed("GET, HEAD, POST")
    case ("v1", 3...7) where path[1] == "hunts" && !path[2].isEmpty:
      self = Self.hunt(method, isRead, path[2], Array(path[3...]))
    default: self = .unknown
    }
  }

  private static func hunt(
    _ method: HTTPMethod, _ isRead: Bool, _ name: String, _ rest: [String]
  ) -> Route {
    func get(_ part: HuntPart) -> Route { isRead ? .hunt(name, part) : .notAllowed("GET, HEAD") }
    func post(_ part: HuntPart) -> Route {
      method == .post ? .hunt(name, part) : .notAllowed("POST")
    }
    switch (rest.first ?? "", rest.count) {
    case (_, 0):
      if method == .delete { return .hunt(name, .delete) }
      return isRead ? .hunt(name, .show) : .notAllowed("GET, HEAD, DELETE")
    case ("start", 1): return post(.phase(.live))
    case ("pause", 1): return post(.phase(.paused))
    case ("end", 1): return post(.phase(.ended))
    case ("events", 1): return post(.events)
    case ("world", 1): return get(.world)
    case ("world", 2) where rest[1] == "drawing": return get(.drawing)
    case ("live", 1): return get(.live)
    case ("books", 1): return get(.books)
    case ("treasures", 1): return get(.treasures)
    case ("path", 1): return get(.search(.path))
    case ("nearest", 1): return get(.search(.nearest))
    case ("reachable", 1): return get(.search(.reachable))
    case ("boards", 2): return get(.board(rest[1]))
    case ("players", 2): return get(.player(rest[1]))
    case ("players", 3) where rest[2] == "hint": return get(.hint(rest[1]))
    case ("players", 3) where rest[2] == "why": return get(.whyPlayer(rest[1]))
    case ("treasures", 3) where rest[2] == "why":
      return UInt32(rest[1]).map { get(.whyTreasure($0)) } ?? .unknown
    case ("unplay", 1): return post(.makeFork(.unplay))
    case ("rollback", 1): return post(.makeFork(.rollback))
    case ("forks", 1):
      if method == .post { return .hunt(name, .makeFork(.fork)) }
      return isRead ? .hunt(name, .forks) : .notAllowed("GET, HEAD, POST")
    case ("forks", 2...3):
      guard let id = UInt32(rest[1]) else { return .unknown }
      switch rest.count == 3 ? rest[2] : "" {
      case "diff": return get(.forkDifference(id))
      case "promote": return post(.promoteFork(id))
      case "" where rest.count == 2:
        if method == .delete { return .hunt(name, .deleteFork(id)) }
        return isRead ? .hunt(name, .fork(id)) : .notAllowed("GET, HEAD, DELETE")
      default: return .unknown
      }
    default: return .unknown
    }
  }
}
