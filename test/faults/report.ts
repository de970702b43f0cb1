import { expect } from "vitest"
import type { Verdict } from "./checker.ts"

const HEADER = ["TRIAL", "ROUNDS", "OPERATIONS", "REFUSED", "UNKNOWN", "DUPLICATES", "LOSSES", "OTHER"]

/** The verdicts of many rounds, added up by trial. */
export class Report {
  private readonly rows = new Map<string, Array<number>>()

  add(trial: string, verdict: Verdict): void {
    const { drift, duplicates, inventions, losses, moved, operations, pairs, refused, stale, unclean, unknown } =
      verdict
    const other = [inventions, drift, pairs, moved, stale, unclean].flat().length
    const round = [1, operations, refused, unknown, duplicates.length, losses.length, other]
    const row = this.rows.get(trial) ?? round.map(() => 0)
    this.rows.set(
      trial,
      row.map((sum, index) => sum + (round[index] ?? 0))
    )
  }

  /** Adds the verdict, and fails where the promise was not kept. */
  keeps(trial: string, verdict: Verdict): void {
    this.add(trial, verdict)
    const { ok, operations, refused, unknown, ...lists } = verdict
    const wrong = Object.entries(lists).filter(([, lines]) => lines.length > 0)
    // At once: a run of many rounds tells why it failed only at its end, which may be an hour away.
    if (wrong.length > 0) console.error(trial, JSON.stringify(wrong, null, 2))
    expect(wrong).toEqual([])
  }

  get text(): string {
    const lines = [HEADER, ...[...this.rows].map(([trial, row]) => [trial, ...row.map(String)])]
    const widths = HEADER.map((_, column) => Math.max(...lines.map((line) => line[column]?.length ?? 0)))
    return lines
      .map((line) =>
        line
          .map((cell, column) => (column === 0 ? cell.padEnd(widths[0] ?? 0) : cell.padStart(widths[column] ?? 0)))
          .join("  ")
      )
      .join("\n")
  }
}
