import type { StartResult, StopResult } from "../domain/Control.ts"
import { type Printed, printed } from "./printed.ts"
import { shellWord } from "./shell.ts"

/** Words the output of `d daemon start`, `stop` and `restart`. */

export const startText = ({ pid, socket, started }: StartResult): Printed =>
  printed([`${started ? "the daemon answers" : "a daemon already answers"} at ${shellWord(socket)}, pid ${pid}`])

export const stopText = ({ pid, socket }: StopResult): Printed =>
  printed([
    pid === null
      ? `no daemon of d was running at ${shellWord(socket)}`
      : `the daemon at ${shellWord(socket)}, pid ${pid}, has ended`
  ])
