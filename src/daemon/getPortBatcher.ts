/** The maximum number of keys in one query. */
const MAX_KEYS = 64

/** The maximum number of concurrent queries. More than one, so that a query that hangs does not block all clients. */
const MAX_CONCURRENT = 4

/** The maximum number of event loop iterations that a batch waits for more requests: a fraction of a millisecond. */
const MAX_ITERATIONS = 8

/**
 * Batches the requests that many clients make at the same time into one query. No request is answered with data that
 * was read before it arrived: those that arrive while a query is running wait for the next batch.
 */
export const batchGetPorts = <A>(read: (keys: ReadonlyArray<string>) => Promise<(key: string) => A>) => {
  const waiting: Array<{ readonly key: string; readonly done: (answer: A) => void; readonly fail: () => void }> = []
  let inFlight = 0

  const next = async (): Promise<void> => {
    for (let batch = waiting.splice(0, MAX_KEYS); batch.length > 0; batch = waiting.splice(0, MAX_KEYS)) {
      try {
        const answer = await read([...new Set(batch.map(({ key }) => key))])
        for (const { done, key } of batch) done(answer(key))
      } catch {
        for (const { fail } of batch) fail()
      }
    }
    inFlight--
  }

  /** Waits for as long as each iteration of the event loop brings more requests. */
  const gather = (before: number, iterations: number): void => {
    if (waiting.length > before && waiting.length < MAX_KEYS && iterations < MAX_ITERATIONS) {
      setImmediate(gather, waiting.length, iterations + 1)
    } else void next()
  }

  return (key: string): Promise<A> =>
    new Promise((done, fail) => {
      waiting.push({ key, done, fail })
      if (inFlight === MAX_CONCURRENT) return
      inFlight++
      // Starts after everything that has already arrived is read.
      setImmediate(gather, 0, 0)
    })
}
