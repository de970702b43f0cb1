import type { ComponentChildren } from "preact"
import type { Explanation } from "../domain/Explanation.ts"
import type { HistoryEvent } from "../domain/HistoryEvent.ts"
import { escaped } from "../text/escape.ts"
import { STATE_WORDS } from "./board.ts"
import { FindingItem } from "./findings.tsx"
import { Ago } from "./parts.tsx"

/** Shows the document of `d explain`. */

const Fact = ({ children, name }: { readonly name: string; readonly children: ComponentChildren }) => (
  <div class="fact">
    <dt>{name}</dt>
    <dd>{children}</dd>
  </div>
)

const Listener = ({ listener }: { readonly listener: Explanation["listeners"][number] }) => {
  const { address, command, container, directory, pid, since, unit, user } = listener
  return (
    <li>
      <strong>{command === null ? "a process that is not visible" : escaped(command)}</strong>
      {pid === null ? " " : ` pid ${pid} `}
      <span class="muted">
        {[
          `on ${address}`,
          `of ${user}`,
          ...(unit === null ? [] : [unit]),
          ...(container === null ? [] : [`container ${container}`])
        ].join(", ")}
        {since === null ? null : (
          <>
            , since <Ago at={since} />
          </>
        )}
      </span>
      {directory === null ? null : <bdi class="path">{escaped(directory)}</bdi>}
    </li>
  )
}

const healthText = ({ lastUp, since, state }: Explanation["keys"][number]["health"]) => {
  const at = state === "up" ? since : lastUp
  return (
    <>
      {STATE_WORDS[state]}
      {at === null ? null : (
        <span class="muted">
          {state === "up" ? " since " : ", last up "}
          <Ago at={at} />
        </span>
      )}
    </>
  )
}

const KeyFacts = ({ about }: { readonly about: Explanation["keys"][number] }) => {
  const { claimed, description, health, key, owner, pinned } = about
  return (
    <>
      <Fact name="Key">
        <bdi class="key">{escaped(key)}</bdi>
        {description === null ? null : <bdi class="muted">{escaped(description)}</bdi>}
      </Fact>
      <Fact name="Health">{healthText(health)}</Fact>
      {owner === null ? null : (
        <Fact name="Belongs to">
          <bdi class="path">{escaped(owner.name)}</bdi>
          <span class="muted">
            {owner.said ? "" : "learned from what listened first"}
            {owner.seen === null ? (
              ""
            ) : (
              <>
                {owner.said ? "" : ", "}seen there <Ago at={owner.seen} />
              </>
            )}
          </span>
        </Fact>
      )}
      <Fact name="Claimed">
        {claimed === null ? (
          "no claim"
        ) : (
          <>
            <Ago at={claimed.at} />
            <span class="muted">
              by {claimed.by} on {claimed.host}
            </span>
          </>
        )}
      </Fact>
      {pinned ? <Fact name="Pinned">kept even if it is not used</Fact> : null}
    </>
  )
}

const Event = ({ event: { at, detail, key, newPort, oldPort, user, what } }: { readonly event: HistoryEvent }) => {
  const ports = [...new Set([oldPort, newPort].filter((port) => port !== null))].join(" → ")
  return (
    <li>
      <strong>{what}</strong> {key === null ? null : <bdi>{escaped(key)}</bdi>} {ports}
      {detail === null ? null : <bdi class="muted"> {escaped(detail)}</bdi>}
      <div class="muted">
        <Ago at={at} /> · {user}
      </div>
    </li>
  )
}

const List = ({ children, name }: { readonly name: string; readonly children: ReadonlyArray<ComponentChildren> }) =>
  children.length === 0 ? null : (
    <>
      <h3>{name}</h3>
      <ul class="plain">{children}</ul>
    </>
  )

export const Explained = ({
  canWrite,
  explanation
}: {
  readonly explanation: Explanation
  readonly canWrite: boolean
}) => {
  const { findings, history, inUse, keys, listeners, place, reserved } = explanation
  const nothing = inUse === true ? "something that is not visible has bound it" : "nothing"
  return (
    <>
      <dl>
        {keys.map((about) => (
          <KeyFacts key={about.key} about={about} />
        ))}
        <Fact name="Place">{place}</Fact>
        <Fact name="Listens">
          {listeners.length === 0 ? (
            nothing
          ) : (
            <ul class="plain">
              {listeners.map((listener) => (
                <Listener key={`${listener.address} ${listener.pid}`} listener={listener} />
              ))}
            </ul>
          )}
        </Fact>
      </dl>
      {findings.length === 0 ? null : (
        <>
          <h3>Findings</h3>
          <ul class="findings">
            {findings.map((finding) => (
              <FindingItem key={`${finding.check} ${finding.message}`} finding={finding} canWrite={canWrite} />
            ))}
          </ul>
        </>
      )}
      <List name="Reserved nearby">
        {reserved.map(({ port, reason }) => (
          <li key={port}>
            <span class="port">{port}</span> <bdi class="muted">{escaped(reason)}</bdi>
          </li>
        ))}
      </List>
      <List name="History">
        {history.map((event) => (
          <Event key={`${event.at} ${event.what} ${event.key}`} event={event} />
        ))}
      </List>
    </>
  )
}
