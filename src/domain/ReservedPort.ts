/** Where a reservation comes from. */
export const RESERVATION_SOURCES = ["built-in", "configuration", "reserve"] as const

/** A port that is never allocated, as `listReserved` shows it. */
export interface ReservedPort {
  readonly port: number
  /** `reserve` for those of `d reserve`. */
  readonly source: (typeof RESERVATION_SOURCES)[number]
  readonly reason: string
  /** When, by whom and on which host it was reserved, for those of `d reserve`; ISO 8601. */
  readonly at: string | null
  readonly by: string | null
  readonly host: string | null
}
