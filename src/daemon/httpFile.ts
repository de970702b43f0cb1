import { randomBytes } from "node:crypto"
import { existsSync, unlinkSync } from "node:fs"
import type { Proof } from "../http/listener.ts"
import { findFile, replace } from "../machine/replaceFile.ts"
import { tryRead } from "../machine/tryRead.ts"

/**
 * Keeps a file beside the socket, for this user only, from which a shell learns where this daemon serves HTTP, and by which
 * two words each of them knows the other. If it cannot be written, the shells ask the program instead.
 */
export const keepHttpFile = (socket: string, registry: string) => {
  const path = `${socket}.http`
  let text: string | undefined
  const write = (): void =>
    tryRead(() => {
      if (text !== undefined) replace(findFile(path), text, 0o600)
    }, undefined)
  return {
    /** Writes what is true from now on. */
    begin: (port: number, { ask, proof }: Proof): void => {
      text = `${port} ${ask} ${proof} ${registry}\n`
      write()
    },
    /** Writes it again if it was removed, perhaps with the socket. */
    upkeep: (): void => {
      if (!existsSync(path)) write()
    },
    end: (): void => {
      if (text === undefined) return
      text = undefined
      tryRead(() => unlinkSync(path), undefined)
    }
  }
}

const word = (): string => randomBytes(16).toString("hex")

/** Makes two words that nothing else knows. */
export const makeProof = (): Proof => ({ ask: word(), proof: word() })
