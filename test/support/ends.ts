const ends: Array<() => Promise<unknown>> = []

/** Has `end` called after the tests of the file that runs now. */
export const endWithFile = (end: () => Promise<unknown>): void => {
  ends.push(end)
}

/** Ends what the file has started, the last first. */
export const endAll = async (): Promise<void> => {
  while (ends.length > 0) await ends.pop()?.()
}
