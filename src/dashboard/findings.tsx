import { useState } from "preact/hooks"
import { type Examination, type Finding, SEVERITIES } from "../domain/Finding.ts"
import { counted } from "../text/describe.ts"
import { runFix } from "./actions.ts"
import { runnable } from "./fixes.ts"
import { Ago, Command, Section } from "./parts.tsx"

/** Shows the doctor's findings and their fixes. */

/** A fix: run by the page if it only writes to the registry and the page may write, otherwise to be copied. */
const FixOf = ({ canWrite, fix, message }: { fix: string; message: string; canWrite: boolean }) => {
  const [isBusy, setBusy] = useState(false)
  const command = canWrite ? runnable(fix) : undefined
  const run = async () => {
    if (command === undefined) return
    setBusy(true)
    await runFix(command)
    setBusy(false)
  }
  return (
    <div class="fix">
      <Command line={fix} />
      {command === undefined ? null : (
        <button type="button" disabled={isBusy} aria-label={`Fix: ${message}`} onClick={() => void run()}>
          Fix
        </button>
      )}
    </div>
  )
}

export const FindingItem = ({ canWrite, finding }: { readonly finding: Finding; readonly canWrite: boolean }) => {
  const { advice, check, evidence, fix, message, severity } = finding
  return (
    <li class={`finding ${severity}`}>
      <p>
        <span class={`tag ${severity}`}>{severity}</span> <bdi>{message}</bdi>
      </p>
      <details>
        <summary>
          Evidence <span class="hidden">for: {message}</span>
        </summary>
        <p class="muted">
          <bdi>{evidence}</bdi> <code>{check}</code>
        </p>
        {advice === null ? null : <p class="muted">{advice}</p>}
      </details>
      {fix === null ? null : <FixOf fix={fix} message={message} canWrite={canWrite} />}
    </li>
  )
}

/** How many findings are shown until all are asked for. */
const SHOWN = 6

interface DoctorProps {
  readonly examination: Examination | null
  readonly canWrite: boolean
}

export const Doctor = ({ canWrite, examination }: DoctorProps) => {
  const [isWhole, setWhole] = useState(false)
  const findings = examination?.findings ?? []
  const serious = findings.filter(({ severity }) => severity !== "info")
  const shown = isWhole ? findings : serious.slice(0, SHOWN)
  const more = findings.length - shown.length
  return (
    <Section
      id="doctor"
      title="Doctor"
      side={
        examination === null ? null : (
          <span class="muted">
            <Ago at={examination.checkedAt} />
          </span>
        )
      }
    >
      {examination === null ? (
        <p class="muted">Examining …</p>
      ) : (
        <p class={serious.length === 0 ? "well" : ""}>
          {serious.length === 0
            ? "All is well."
            : SEVERITIES.filter((severity) => severity !== "info")
                .map((severity) => counted(findings.filter((each) => each.severity === severity).length, severity))
                .join(", ")}
        </p>
      )}
      <ul class="findings">
        {shown.map((finding) => (
          <FindingItem
            key={`${finding.check} ${finding.ports.join()} ${finding.message}`}
            finding={finding}
            canWrite={canWrite}
          />
        ))}
      </ul>
      {more > 0 || isWhole ? (
        <button type="button" class="quiet" aria-expanded={isWhole} onClick={() => setWhole(!isWhole)}>
          {isWhole ? "Show less" : `Show ${more} more`}
        </button>
      ) : null}
    </Section>
  )
}
