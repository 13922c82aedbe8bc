import CSystem

vx_block_signals()
leave(Program.main(Array(CommandLine.arguments.dropFirst())))
