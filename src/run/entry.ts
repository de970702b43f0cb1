/** What the client loads on demand to run a program. */
export { runInBackground } from "./runInBackground.ts"
export { FAILED, RunFailed, runProgram } from "./runProgram.ts"
