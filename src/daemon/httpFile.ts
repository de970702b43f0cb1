import { randomBytes } from "node:crypto"
import { lstatSync, renameSync, unlinkSync, writeFileSync } from "node:fs"
import type { Proof } from "../http/listener.ts"
import { tryRead } from "../machine/tryRead.ts"

/** Identifies the file at `path` itself, not one that it links to; undefined if there is none. */
const identityOf = (path: string): string | undefined =>
  tryRead(() => {
    const { dev, ino } = lstatSync(path)
    return `${dev}:${ino}`
  }, undefined)

/**
 * Keeps a file beside the socket, for this user only, from which a shell learns where this daemon serves HTTP, and by which
 * two words each of them knows the other. If it cannot be written, the shells ask the program instead.
 */
export const keepHttpFile = (socket: string, registry: string) => {
  const path = `${socket}.http`
  let text: string | undefined
  let written: string | undefined
  /** Puts a new file of this user's in the place of whatever is there: the directory may be another user's, too. */
  const write = (): void => {
    const temporary = `${path}.${process.pid}`
    try {
      writeFileSync(temporary, text ?? "", { mode: 0o600, flag: "wx" })
      renameSync(temporary, path)
      written = identityOf(path)
    } catch {
      tryRead(() => unlinkSync(temporary), undefined)
    }
  }
  return {
    /** Writes what is true from now on. */
    begin: (port: number, { ask, proof }: Proof): void => {
      text = `${port} ${ask} ${proof} ${registry}\n`
      write()
    },
    /** Writes it again if it was removed, perhaps with the socket. */
    upkeep: (): void => {
      if (text !== undefined && identityOf(path) !== written) write()
    },
    end: (): void => {
      if (text === undefined) return
      text = undefined
      if (identityOf(path) === written) tryRead(() => unlinkSync(path), undefined)
    }
  }
}

const word = (): string => randomBytes(16).toString("hex")

/** Makes two words that nothing else knows. */
export const makeProof = (): Proof => ({ ask: word(), proof: word() })
