import type { Environment } from "../domain/Environment.ts"
import type { ServiceState } from "../domain/Service.ts"
import type { OwnProgram } from "../machine/ownProgram.ts"

/** The facts that a manager depends on. */
export interface ManagerMeans {
  readonly environment: Environment
  readonly uid: number
  readonly own: OwnProgram
  /** The path of the daemon's socket. */
  readonly socket: string
  /** The system, as Node names it. */
  readonly platform: NodeJS.Platform
}

/** A file of the service as it should be. */
export interface WantedFile {
  readonly file: string
  readonly text: string
  readonly mode: number
  readonly directories: ReadonlyArray<string>
}

/** The program that keeps services on this machine: systemd or launchd. It is chosen once; after that there is one path. */
export interface Manager {
  /** The name of the service in it. */
  readonly name: string
  /** The files of the service. The last one defines it, and names the daemon's socket in these words. */
  readonly files: ReadonlyArray<WantedFile>
  readonly socketWords: string
  /** Fails if it would not find the files. */
  readonly checkPlaces: () => void
  /** Whether it listens at the socket itself, so that whatever answers there was started by it. */
  readonly listens: () => boolean
  readonly state: () => ServiceState
  /** Makes the files count after they were written, and has the service start on its own from now on. */
  readonly enable: (isChanged: boolean) => Promise<void>
  /** Starts the service, unless it runs. */
  readonly start: () => void
  readonly restart: () => void
  /** Ends the service for good, before its files are removed. */
  readonly disable: () => Promise<void>
  /** Forgets the files after they were removed. */
  readonly forget: () => void
  /** Shows what the daemon has logged, and returns the exit code of the program that does. */
  readonly logs: (follow: boolean) => number
  /** Notes what is easily overlooked. */
  readonly notes: () => ReadonlyArray<string>
}
