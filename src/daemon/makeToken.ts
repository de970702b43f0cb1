import { randomBytes } from "node:crypto"

/** How long a code leads to the token, in milliseconds: a browser may have to be started first. */
const CODE_MS = 60_000
/** How many codes there are at a time; the oldest goes first. So many that none is gone before a browser has been started. */
const CODES = 1000

const random = (): string => randomBytes(32).toString("base64url")

/** Makes the token of those who may change something by HTTP. It is nowhere but in this process's memory. */
export const makeToken = () => {
  let token = random()
  const codes = new Map<string, number>()
  return {
    now: (): string => token,
    /** Makes another one: whoever has the port next may be sent the token of before. */
    renew: (): void => {
      token = random()
      codes.clear()
    },
    /** Returns a code that can be exchanged for the token once. */
    code: (): string => {
      const code = random()
      codes.set(code, performance.now() + CODE_MS)
      for (const old of [...codes.keys()].slice(0, -CODES)) codes.delete(old)
      return code
    },
    /** Returns the token for a code that was not exchanged before. */
    exchange: (code: string): string | undefined => {
      const until = codes.get(code)
      codes.delete(code)
      return until !== undefined && performance.now() < until ? token : undefined
    }
  }
}
