/** What starts a command and ends it, which is loaded while its port is claimed. */
export { isBound } from "./bindTest.ts"
export { watchPort } from "./listening.ts"
export { lockStart } from "./startLock.ts"
export { endAs, supervise } from "./supervise.ts"
export { takeOver } from "./takeOver.ts"
