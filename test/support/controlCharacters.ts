/** What is no plain text of one line, but for its end. */
export const CONTROL = /(?!\n)[\p{Cc}\p{Zl}\p{Zp}]/u

/** The same, and what cannot be seen and changes how a line reads: nothing that is shown may have it. */
export const ACTING = /(?!\n)[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}]/u
