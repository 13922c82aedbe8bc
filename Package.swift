// swift-tools-version: 6.2
import PackageDescription

// Two floors. Core: same bytes in, same bytes out. IO: the only code that meets the kernel, a clock
// or a second thread. A target depends only on targets above it in this file.

let plain: [SwiftSetting] = [
  .treatAllWarnings(as: .error),
  .enableUpcomingFeature("ExistentialAny"),
  .enableUpcomingFeature("InternalImportsByDefault"),
  .enableUpcomingFeature("MemberImportVisibility"),
]

let strict = plain + [.strictMemorySafety()]

func core(_ name: String, _ dependencies: [Target.Dependency] = []) -> Target {
  .target(
    name: name, dependencies: dependencies, path: "Sources/Core/\(name)", swiftSettings: strict)
}

func io(_ name: String, _ dependencies: [Target.Dependency] = []) -> Target {
  .target(
    name: name, dependencies: dependencies, path: "Sources/IO/\(name)", swiftSettings: strict)
}

func tests(_ name: String, _ dependencies: [Target.Dependency] = []) -> Target {
  .testTarget(
    name: "\(name)Tests", dependencies: [.target(name: name), "Testkit"] + dependencies,
    path: "Tests/\(name)Tests", swiftSettings: plain)
}

/// The parsers under Fuzz: tests that replay their corpora, or with VELTRIX_FUZZ set (`Fuzz/run` does)
/// the program that libFuzzer drives.
let fuzzing: [Target] = {
  let parsers = [
    "Frames", "Events", "Bodies", "Hunts", "Settings", "Paths", "Requests", "Sockets", "Journals",
    "Snapshots", "Branches", "Maps", "Definitions", "Forks", "Backups", "Python", "Replays",
    "Worlds", "Sources",
  ]
  let dependencies: [Target.Dependency] = [
    "Bounded", "Pages", "Events", "Journal", "World", "Hunt", "Partitions", "Disk", "Net",
    "Authoring", "Engine", "Gateway",
  ]
  let others = parsers.map { "\($0)/corpus" } + ["run", "Python/peer.py", "CFuzzer"]
  guard Context.environment["VELTRIX_FUZZ"] != nil else {
    return [
      .testTarget(
        name: "CorpusTests", dependencies: dependencies + ["Testkit"], path: "Fuzz",
        exclude: others + ["Driver"], swiftSettings: plain)
    ]
  }
  return [
    .target(name: "CFuzzer", path: "Fuzz/CFuzzer"),
    .executableTarget(
      name: "fuzz", dependencies: dependencies + ["CFuzzer"], path: "Fuzz",
      exclude: others + ["Replay"], swiftSettings: plain),
  ]
}()

let package = Package(
  name: "veltrix",
  products: [.executable(name: "veltrix", targets: ["veltrix"])],
  targets: [
    // Core
    .target(name: "CIntrinsics", path: "Sources/Core/CIntrinsics"),
    core("Bounded", ["CIntrinsics"]),
    core("Pages", ["Bounded"]),
    core("Events", ["Bounded"]),
    core("Journal", ["Bounded", "Events"]),
    core("World", ["Bounded", "Pages"]),
    core("Scoring", ["Bounded", "Pages"]),
    core("Hunt", ["Bounded", "Pages", "Events", "World", "Scoring"]),
    core("Partitions", ["Bounded", "Pages", "Events", "Journal", "Hunt", "World", "Scoring"]),

    // IO
    .target(name: "CSystem", path: "Sources/IO/CSystem"),
    .target(name: "CLlhttp", path: "Sources/IO/CLlhttp"),
    .systemLibrary(
      name: "CWslay", path: "Sources/IO/CWslay",
      providers: [.apt(["libwslay-dev"])]),
    .systemLibrary(
      name: "CYaml", path: "Sources/IO/CYaml", pkgConfig: "yaml-0.1",
      providers: [.apt(["libyaml-dev"])]),
    .systemLibrary(
      name: "CZstd", path: "Sources/IO/CZstd", pkgConfig: "libzstd",
      providers: [.apt(["libzstd-dev"])]),
    .target(
      name: "CConsole", path: "Sources/IO/CConsole",
      exclude: ["index.html", "console.js", "console", "console.css", "openapi.json"]),
    io("Console", ["CConsole"]),
    io("Machine", ["Bounded", "CSystem"]),
    io("Bus", ["Bounded", "CSystem", "Machine"]),
    io("Disk", ["Bounded", "Events", "Journal", "Machine", "Bus", "CSystem", "CZstd"]),
    io("Net", ["Bounded", "CSystem", "CLlhttp", "CWslay"]),
    io("Authoring", ["Bounded", "Hunt", "CYaml"]),
    io("Client", ["Bounded", "Events", "World", "Hunt", "CSystem", "Net", "Authoring"]),
    io(
      "Engine",
      [
        "Bounded", "Pages", "Events", "Journal", "World", "Scoring", "Hunt", "Partitions",
        "CSystem", "Machine", "Bus", "Disk", "Authoring",
      ]),
    io(
      "Gateway",
      [
        "Bounded", "Events", "Hunt", "World", "Partitions", "CSystem", "Machine", "Bus", "Net",
        "Authoring", "Engine", "Console",
      ]),
    io(
      "Simulation",
      [
        "Bounded", "Pages", "Events", "Journal", "World", "Scoring", "Hunt", "Partitions",
        "CSystem", "Machine", "Bus", "Disk", "Net", "Authoring", "Engine", "Gateway",
      ]),

    .executableTarget(
      name: "veltrix",
      dependencies: [
        "Bounded", "Pages", "Events", "Journal", "World", "Scoring", "Hunt", "Partitions",
        "CSystem", "CMallocCount", "Machine", "Bus", "Disk", "Net", "Authoring", "Engine",
        "Gateway", "Simulation", "Client",
      ],
      path: "Sources/veltrix", swiftSettings: strict),

    // Tests
    .target(name: "CMallocCount", path: "Sources/IO/CMallocCount"),
    .target(name: "Testkit", path: "Tests/Testkit", swiftSettings: plain),
    tests("Bounded", ["CIntrinsics"]),
    tests("Pages", ["Bounded", "CMallocCount"]),
    tests("Events", ["Bounded", "CMallocCount"]),
    tests("Scoring", ["Bounded", "Pages", "CMallocCount"]),
    tests("Authoring", ["Hunt", "Bounded"]),
    tests("World", ["Bounded", "Pages", "CMallocCount"]),
    tests("Net", ["CSystem"]),
    tests(
      "Client",
      [
        "Bounded", "Events", "World", "Hunt", "Net", "Authoring", "CSystem", "CMallocCount",
        "Engine", "Gateway",
      ]),
    tests("Journal", ["Bounded", "Events"]),
    tests("Bus", ["Bounded", "CSystem"]),
    tests("Disk", ["Bounded", "Bus", "Events", "Journal", "CSystem"]),
    // The model of the rules is the simulation's.
    tests("Hunt", ["Bounded", "Pages", "Events", "World", "Scoring", "Simulation"]),
    // Snapshots are tested here too, on the partitions that these tests make.
    tests(
      "Partitions",
      [
        "Bounded", "Pages", "Events", "Journal", "World", "Scoring", "Hunt", "CSystem", "Bus",
        "Disk", "Authoring", "Engine", "CMallocCount",
      ]),
    .testTarget(
      name: "SimTests", dependencies: ["Simulation", "Bounded", "Events", "Testkit"],
      path: "Tests/SimTests", swiftSettings: plain),
    .testTarget(
      name: "CommandTests", dependencies: ["veltrix", "Hunt", "Authoring", "Testkit"],
      path: "Tests/CommandTests", swiftSettings: plain),
    .testTarget(
      name: "TidyTests", dependencies: ["Testkit"], path: "Tests/TidyTests", swiftSettings: plain),
  ] + fuzzing,
  swiftLanguageModes: [.v6]
)
