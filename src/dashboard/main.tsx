import { render } from "preact"
import { keepToken } from "./api.ts"
import { follow } from "./live.ts"
import { Page } from "./page.tsx"
import { applyTheme, keptTheme } from "./theme.ts"

applyTheme(keptTheme())
keepToken()
const page = document.getElementById("page")
if (page !== null) render(<Page />, page)
follow()
