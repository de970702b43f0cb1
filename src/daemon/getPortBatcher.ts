/** How many keys one question to the database names at most. */
const MOST = 64

/** How many such questions may be under way, so that one that hangs does not hold up everybody. */
const AT_ONCE = 4

/** How many turns of the event loop a question waits for others at most: a fraction of a millisecond. */
const TURNS_MAX = 8

/**
 * Makes one question to the database of what many clients ask at the same time. Nobody is answered with anything that
 * was read before the question came: those that come while others are being answered wait for the next turn.
 */
export const batchGetPorts = <A>(read: (keys: ReadonlyArray<string>) => Promise<(key: string) => A>) => {
  const waiting: Array<{ readonly key: string; readonly done: (answer: A) => void; readonly fail: () => void }> = []
  let underWay = 0

  const next = async (): Promise<void> => {
    for (let asked = waiting.splice(0, MOST); asked.length > 0; asked = waiting.splice(0, MOST)) {
      try {
        const answer = await read([...new Set(asked.map(({ key }) => key))])
        for (const { done, key } of asked) done(answer(key))
      } catch {
        for (const { fail } of asked) fail()
      }
    }
    underWay--
  }

  /** As long as more questions come with each turn of the event loop, they are worth waiting for. */
  const gather = (before: number, turns: number): void => {
    if (waiting.length > before && waiting.length < MOST && turns < TURNS_MAX) {
      setImmediate(gather, waiting.length, turns + 1)
    } else void next()
  }

  return (key: string): Promise<A> =>
    new Promise((done, fail) => {
      waiting.push({ key, done, fail })
      if (underWay === AT_ONCE) return
      underWay++
      // After everything that has arrived by now.
      setImmediate(gather, 0, 0)
    })
}
