import { afterAll } from "vitest"
import { endAll } from "./ends.ts"

// Here, because this is run for each test file. A hook in another file of support would be made once in a process.
afterAll(endAll)
