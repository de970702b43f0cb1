import { execFileSync } from "node:child_process"

/** The end-to-end tests run the built program, so it is built from what is being tested. */
export default () => {
  execFileSync("npm", ["run", "--silent", "prepare"], { stdio: "inherit" })
}
