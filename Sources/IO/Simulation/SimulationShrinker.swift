/// Finds a smaller run that fails too: leaves out one class of faults after the other, then halves
/// the steps.
///
/// It keeps what fails in any way, which need not be the same way. A run that traps cannot be
/// shrunk here, as it ends the process.
public enum SimulationShrinker {
  public static func shrink(_ result: SimulationResult) -> SimulationResult {
    var best = result
    for fault in SimulationFault.allCases where best.options.faults.contains(fault) {
      var options = best.options
      options.faults.remove(fault)
      let smaller = SimulationRun(options).run()
      if smaller.violation != nil { best = smaller }
    }
    while best.options.steps > 200 {
      var options = best.options
      options.steps /= 2
      let smaller = SimulationRun(options).run()
      if smaller.violation == nil { break }
      best = smaller
    }
    return best
  }
}
