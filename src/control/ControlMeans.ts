import type { CommandError } from "../domain/CommandError.ts"
import type { ServiceMeans } from "../service/service.ts"

/** The means that the client provides to `d daemon start` and its like. */
export interface ControlMeans extends ServiceMeans {
  /** Says why no daemon answers. */
  readonly noDaemon: () => Promise<CommandError>
}
