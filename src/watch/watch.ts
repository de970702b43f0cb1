/** Everything that `d watch` loads on demand. */
export { endAs } from "../run/supervise.ts"
export { live } from "./live.ts"
export { stream } from "./stream.ts"
export { onceHeader } from "./view.ts"
