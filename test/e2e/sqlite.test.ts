import { sqlite } from "../support/databases.ts"
import { commandsSuite } from "./commands.suite.ts"
import { racesSuite } from "./races.suite.ts"

commandsSuite(sqlite)
racesSuite(sqlite)
