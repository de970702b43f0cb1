import * as Effect from "effect/Effect"
import { type ExposedSecret, exposedSecrets } from "../../config/exposedSecrets.ts"
import { fix } from "../../domain/Finding.ts"
import { shellWord } from "../../text/shell.ts"
import type { Check, FindingDraft } from "../DoctorContext.ts"

const finding = ({ file, mode, own, readers }: ExposedSecret, settingsFile: string): FindingDraft => {
  const closed = `chmod 600 ${shellWord(file)}`
  return {
    severity: "warning",
    keys: [],
    ports: [],
    message: `${file} has the password of the database, and ${readers} may read it`,
    evidence: `its mode is ${mode}`,
    ...fix(
      own ? closed : `sudo chown "$USER" ${shellWord(file)} && ${closed}`,
      file === settingsFile ? "or keep the password in a file of its own, and name it there as passwordFile" : null
    )
  }
}

/** Checks that the password of the database is readable by its user only. */
export const secretReadable: Check = ({ settings }) =>
  Effect.sync(() => exposedSecrets(settings).map((each) => finding(each, settings.file)))
