import { mariadb } from "../support/databases.ts"
import { commandsSuite } from "./commands.suite.ts"
import { racesSuite } from "./races.suite.ts"

commandsSuite(mariadb)
racesSuite(mariadb)
