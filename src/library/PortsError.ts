import type { CommandError, ErrorCode } from "../domain/CommandError.ts"

/**
 * Why a call failed. `message` says what is wrong with which value, and `hint` is what to do, often a command; both are
 * those of the command line.
 */
export class PortsError extends Error {
  override readonly name = "PortsError"
  /**
   * `not-set`, `not-found`, `conflict` and `range-full`: the registry's answer is no. `invalid` and `missing-argument`:
   * the call or the configuration is wrong. `unavailable`: the registry cannot be reached. `outcome-unknown`: a change
   * may have been made. `internal`: a bug.
   */
  readonly code: ErrorCode
  readonly hint: string

  constructor({ code, hint, message }: CommandError, options?: { readonly cause: unknown }) {
    super(message, options)
    this.code = code
    this.hint = hint
  }
}
