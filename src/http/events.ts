import type { ServerResponse } from "node:http"
import { isDeepStrictEqual } from "node:util"
import type { Assignment } from "../domain/Assignment.ts"
import type { CommandError } from "../domain/CommandError.ts"
import type { ForeignPort } from "../domain/foreign.ts"
import { printedJson } from "../text/printed.ts"

/** The ports at one moment, or the reason that they are not known. */
export type Look =
  | {
      readonly ok: true
      readonly at: string
      readonly assignments: ReadonlyArray<Assignment>
      readonly foreign: ReadonlyArray<ForeignPort>
    }
  | { readonly ok: false; readonly failure: CommandError }

/** Limits of the streams; times are in milliseconds. */
export const EVENT_LIMITS = {
  streams: 16,
  /** Bytes that wait for a client to read them: with more, it is dropped at the next event. */
  unread: 1_048_576,
  /** From the start of one look to that of the next. What starts or ends outside is shown within twice that. */
  interval: 1000,
  /** Between two looks, however much is changed. */
  gap: 100,
  heartbeat: 15_000
}

/** What every stream was sent last. */
interface Known {
  readonly assignments: ReadonlyMap<string, Assignment>
  readonly foreign: ReadonlyArray<ForeignPort>
}

export const EVENT_STREAM = "text/event-stream"

const HEADERS = { "content-type": EVENT_STREAM, connection: "close" }

/** Leaves out the times that pass with every look although nothing has changed. */
const steady = ({ health, ...assignment }: Assignment) => {
  const { checkedAt: _, lastUp, ...rest } = health
  return { ...assignment, health: health.state === "up" ? rest : { ...rest, lastUp } }
}

const isAsBefore = (before: Assignment | undefined, after: Assignment): boolean =>
  before !== undefined && isDeepStrictEqual(steady(before), steady(after))

const eventOf = (name: string, data: string): string => `event: ${name}\ndata: ${data}\n\n`

/** Prints one after the other: the text of all at once would be copied as a whole. */
const printedAll = (assignments: Iterable<Assignment>): string =>
  `[${Array.from(assignments, (each) => printedJson(each)).join(",")}]`

const listOf = ({ assignments, foreign }: Known): string =>
  eventOf("list", `{"assignments":${printedAll(assignments.values())},"foreign":${printedJson(foreign)}}`)

/** Returns the event of what changed between two looks, if anything did. */
const changeBetween = (before: Known, after: Known, at: string): string | undefined => {
  const changed = [...after.assignments.values()].filter((each) => !isAsBefore(before.assignments.get(each.key), each))
  const removed = [...before.assignments.keys()].filter((key) => !after.assignments.has(key))
  const isSame = changed.length + removed.length === 0 && isDeepStrictEqual(before.foreign, after.foreign)
  const rest = printedJson({ removed, foreign: after.foreign, at }).slice(1)
  return isSame ? undefined : eventOf("change", `{"changed":${printedAll(changed)},${rest}`)
}

/**
 * Streams the list of ports and its changes to any number of clients. There is one look for all of them, and none while there
 * is no client. `look` never rejects.
 */
export const makeEvents = (look: () => Promise<Look>, limits = EVENT_LIMITS) => {
  const streams = new Set<ServerResponse>()
  /** Undefined while it is not known. */
  let known: Known | undefined
  /** The event of why it is not. */
  let problem: string | undefined
  let timer: NodeJS.Timeout | undefined
  let heartbeat: NodeJS.Timeout | undefined
  let isLooking = false
  let isChanged = false
  let isEnded = false
  let lookedAt = Number.NEGATIVE_INFINITY

  const send = (stream: ServerResponse, text: string) => {
    if (stream.writableLength > limits.unread) stream.destroy()
    else stream.write(text)
  }
  const sendAll = (text: string | undefined) => {
    if (text !== undefined) for (const stream of streams) send(stream, text)
  }

  const tell = (found: Look) => {
    if (!found.ok) {
      known = undefined
      const { code, hint, message } = found.failure
      const event = eventOf("problem", printedJson({ error: { code, message, hint } }))
      if (event !== problem) sendAll(event)
      problem = event
      return
    }
    problem = undefined
    const { assignments, at, foreign } = found
    const now = { assignments: new Map(assignments.map((each) => [each.key, each])), foreign }
    sendAll(known === undefined ? listOf(now) : changeBetween(known, now, at))
    known = now
  }

  const lookAgain = async () => {
    isLooking = true
    isChanged = false
    const started = performance.now()
    const found = await look()
    isLooking = false
    lookedAt = performance.now()
    if (streams.size === 0) return
    tell(found)
    // What changed meanwhile may not have been seen.
    wait(isChanged ? limits.gap : Math.max(limits.gap, limits.interval - (lookedAt - started)))
  }
  const wait = (milliseconds: number) => {
    clearTimeout(timer)
    timer = setTimeout(() => void lookAgain(), milliseconds)
  }
  /** Looks as soon as that may be: something was changed. */
  const soon = () => {
    if (streams.size === 0) return
    if (isLooking) isChanged = true
    else wait(Math.max(0, lookedAt + limits.gap - performance.now()))
  }

  const leave = (stream: ServerResponse) => {
    streams.delete(stream)
    if (streams.size > 0) return
    clearTimeout(timer)
    clearInterval(heartbeat)
    known = undefined
    problem = undefined
  }

  return {
    /** Begins a stream; returns whether there was room for one more. */
    open: (stream: ServerResponse): boolean => {
      // It came by a connection that is being closed; nobody would end it.
      if (isEnded) {
        stream.destroy()
        return true
      }
      if (streams.size >= limits.streams) return false
      if (streams.size === 0) heartbeat = setInterval(() => sendAll(": here\n\n"), limits.heartbeat)
      streams.add(stream)
      stream.once("close", () => leave(stream))
      stream.writeHead(200, HEADERS)
      stream.write("retry: 1000\n\n")
      const first = known === undefined ? problem : listOf(known)
      if (first === undefined) soon()
      else send(stream, first)
      return true
    },
    soon,
    /** Allows streams, at first and again after all were ended. */
    begin: () => {
      isEnded = false
    },
    /** Ends every stream, and allows no more. A client that does not read is not waited for. */
    end: () => {
      isEnded = true
      for (const stream of streams) {
        if (stream.writableLength > 0) stream.destroy()
        // What was sent arrives; a client that does not read would not close its side.
        else stream.end(() => stream.destroy())
      }
    }
  }
}

export type Events = ReturnType<typeof makeEvents>
