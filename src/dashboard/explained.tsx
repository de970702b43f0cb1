import type { ComponentChildren } from "preact"
import type { Explanation } from "../domain/Explanation.ts"
import type { HistoryEvent } from "../domain/HistoryEvent.ts"
import { describeOwner } from "../domain/Owner.ts"
import { escaped } from "../text/escape.ts"
import { healthText, ignoredTexts, listenerText, sightText, unlisted } from "../text/explanationTexts.ts"
import { FindingItem } from "./findings.tsx"
import { Ago, Timed } from "./parts.tsx"

/** Shows the document of `d explain`. */

const Fact = ({ children, name }: { readonly name: string; readonly children: ComponentChildren }) => (
  <div class="fact">
    <dt>{name}</dt>
    <dd>{children}</dd>
  </div>
)

const KeyFacts = ({
  about,
  listeners
}: {
  readonly about: Explanation["keys"][number]
  readonly listeners: Explanation["listeners"]
}) => {
  const { claimed, description, health, key, owner, pinned } = about
  return (
    <>
      <Fact name="Key">
        <bdi class="key">{escaped(key)}</bdi>
        {description === null ? null : <bdi class="muted">{escaped(description)}</bdi>}
      </Fact>
      <Fact name="Health">
        <Timed text={healthText(health)} />
      </Fact>
      {owner === null ? null : (
        <Fact name="Belongs to">
          <bdi class="path">{escaped(describeOwner(owner))}</bdi>
          <span class="muted">
            <Timed text={sightText(owner, listeners)} />
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
  const { findings, history, ignored, inUse, keys, listeners, place, port, reserved } = explanation
  return (
    <>
      <dl>
        {keys.map((about) => (
          <KeyFacts key={about.key} about={about} listeners={listeners} />
        ))}
        <Fact name="Place">{place}</Fact>
        {port === null ? null : (
          <Fact name="Listening">
            {listeners.length === 0 ? (
              unlisted(inUse)
            ) : (
              <ul class="plain">
                {listeners.map((listener) => (
                  <li key={`${listener.address} ${listener.pid}`}>
                    <Timed text={listenerText(listener)} />
                  </li>
                ))}
              </ul>
            )}
          </Fact>
        )}
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
      <List name="Ignored">
        {ignoredTexts(ignored).map((text) => (
          <li key={text}>
            <Timed text={text} />
          </li>
        ))}
      </List>
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
