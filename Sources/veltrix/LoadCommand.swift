import Client
import Disk
import Engine

/// `veltrix load`.
enum LoadCommand {
  static let command = Command(
    name: "load", summary: "send events at a stated rate and check what became of every one",
    help: { LoadOptions.help }, run: run)

  static func run(_ arguments: [String]) -> Int32 {
    let options: LoadOptions
    do throws(LoadOptions.Fault) { options = try LoadOptions(arguments) } catch {
      return usage("load", Arguments.Fault(message: error.description))
    }
    guard let world = world(options) else { return ExitCode.usage }
    do throws(LoadFault) {
      let report = try Load(options, world: world, progress: Terminal.error).run()
      Terminal.out(report.summary)
      if let path = options.jsonPath {
        do throws(DiskFault) { try Files.replace(path, Array(report.json.utf8)) } catch {
          Terminal.error("veltrix load: \(error)")
          return ExitCode.failedCheck
        }
      }
      return report.isGood ? ExitCode.fine : ExitCode.failedCheck
    } catch {
      Terminal.error("veltrix load: \(error)")
      return ExitCode.failedCheck
    }
  }
  /// What is played in; nil when it has been said why that cannot be.
  private static func world(_ options: LoadOptions) -> LoadWorld? {
    guard let path = options.worldPath else { return LoadWorld() }
    do throws(WorldFileFault) {
      if let world = LoadWorld(try WorldFile.open(path)) { return world }
      Terminal.error("veltrix load: --world \(path): not a grid with an open step")
    } catch {
      Terminal.error("veltrix load: --world \(error)")
    }
    return nil
  }
}
