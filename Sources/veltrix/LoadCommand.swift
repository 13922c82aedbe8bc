import Client
import Disk

/// `veltrix load`.
enum LoadCommand {
  /// Runs with the arguments behind `load`; the exit code.
  static func run(_ arguments: [String]) -> Int32 {
    if arguments.contains("--help") || arguments.contains("-h") {
      Terminal.output(LoadOptions.help)
      return 0
    }
    let options: LoadOptions
    do throws(LoadOptions.Fault) { options = try LoadOptions(arguments) } catch {
      Terminal.error("veltrix load: \(error)")
      return 2
    }
    do throws(LoadFault) {
      let report = try Load(options, progress: Terminal.error).run()
      Terminal.output(report.summary)
      if let path = options.jsonPath {
        do throws(DiskFault) { try Files.replace(path, Array(report.json.utf8)) } catch {
          Terminal.error("veltrix load: \(error)")
          return 1
        }
      }
      return report.isGood ? 0 : 1
    } catch {
      Terminal.error("veltrix load: \(error)")
      return 1
    }
  }
}
