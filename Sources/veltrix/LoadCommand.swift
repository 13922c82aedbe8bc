import Client
import Disk

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
    do throws(LoadFault) {
      let report = try Load(options, progress: Terminal.error).run()
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
}
