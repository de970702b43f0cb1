import { CommandFailed } from "../domain/CommandFailed.ts"
import { pause } from "../machine/pause.ts"

/** A daemon that answers. */
export interface Running {
  readonly pid: number
  readonly version: string
}

/** How long the daemon may take until it answers: a service manager may wait for other things first. */
const ANSWER_MS = 15_000
const EVERY_MS = 100

/** Returns the daemon of the service `name` once it answers, and is not `ending`, the one that was to end; or fails. */
export const answered = async (
  name: string,
  logs: string,
  ping: () => Promise<Running | undefined>,
  ending?: number
): Promise<Running> => {
  for (const over = performance.now() + ANSWER_MS; performance.now() < over; ) {
    const running = await ping()
    if (running !== undefined && running.pid !== ending) return running
    await pause(EVERY_MS)
  }
  throw new CommandFailed({
    code: "unavailable",
    message: `${name} was started, and its daemon does not answer`,
    hint: `${logs} shows why`
  })
}
