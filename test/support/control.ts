/** What a terminal would act upon, but for the end of a line. */
export const CONTROL = /(?!\n)[\p{Cc}\p{Zl}\p{Zp}]/u
