import { writeFileSync } from "node:fs"
import { join } from "node:path"
import { expect, it } from "vitest"
import { wordsFor } from "../../src/run/tools.ts"
import { temporary } from "../support/root.ts"

const directory = temporary()
writeFileSync(
  join(directory, "package.json"),
  JSON.stringify({
    scripts: {
      dev: "vite",
      quiet: "NODE_ENV=test vite dev --open",
      crossed: "cross-env A=b astro dev",
      chain: "tsc -b && vite",
      given: "vite --port 5173",
      strict: "vite --strictPort",
      piped: "vite | cat",
      many: "vite & node api.js",
      nested: "npm run dev",
      build: "vite build",
      next: "next dev",
      start: "ng serve",
      dashed: "vite -- --foo",
      quoted: "npx 'vite' --mode \"a b\""
    }
  })
)

const VITE = "--port 3001 --strictPort"

it.each<[string, string]>([
  // The tools themselves.
  ["vite", VITE],
  ["vite dev", VITE],
  ["vite preview --host", VITE],
  ["vite ./app", VITE],
  ["vite build", ""],
  ["vite --port 5173", ""],
  ["vite --port=5173", ""],
  ["vite --strictPort", "--port 3001"],
  ["./node_modules/.bin/vite", VITE],
  ["node node_modules/vite/bin/vite.js", VITE],
  ["react-router dev", VITE],
  ["astro dev", "--port 3001"],
  ["astro build", ""],
  ["ng serve", "--port 3001"],
  ["ng test", ""],
  ["nuxt dev", "--port 3001"],
  ["nuxi dev -p 1", ""],
  ["rsbuild dev", "--port 3001"],
  ["storybook dev", "--port 3001 --exact-port"],
  ["storybook dev -p 6006", ""],
  ["expo start", "--port 3001"],
  ["webpack serve", "--port 3001"],
  ["webpack", ""],
  ["webpack-dev-server", "--port 3001"],
  ["next dev", ""],
  ["node server.js", ""],
  ["uvicorn app:app --reload", "--port 3001"],
  ["flask run", "--port 3001"],
  ["flask --app x run", "--port 3001"],
  ["flask db upgrade", ""],
  ["rails server", "--port 3001"],
  ["bin/rails s", "--port 3001"],
  ["hugo server", "--port 3001"],
  ["hugo", ""],
  ["jekyll serve", "--port 3001"],
  ["php -S", "localhost:3001"],
  ["php -S localhost:8000", ""],
  ["python manage.py runserver", "3001"],
  ["python3 manage.py runserver 0.0.0.0:8000", ""],
  ["./manage.py runserver", "3001"],
  ["python manage.py migrate", ""],
  ["python3 -m http.server", "3001"],
  ["python3.12 -m http.server 8000", ""],
  ["python -m uvicorn app:app", "--port 3001"],
  ["python -m flask run", "--port 3001"],
  // Through launchers.
  ["npx vite", VITE],
  ["npx --yes vite@5 dev", ""],
  ["npx --yes vite dev", VITE],
  ["npx -p vite vite", VITE],
  ["npm exec vite", `-- ${VITE}`],
  ["npm exec -- vite", VITE],
  ["pnpm exec vite", VITE],
  ["pnpm dlx vite", VITE],
  ["pnpm vite", VITE],
  ["yarn vite", VITE],
  ["yarn dlx astro dev", "--port 3001"],
  ["bunx --bun vite", VITE],
  ["bun x vite", VITE],
  ["uv run uvicorn app:app", "--port 3001"],
  ["poetry run flask run", "--port 3001"],
  ["bundle exec jekyll serve", "--port 3001"],
  ["env A=b vite", VITE],
  ["NODE_ENV=test vite", VITE],
  ["cross-env A=b vite", VITE],
  // Through scripts.
  ["npm run dev", `-- ${VITE}`],
  ["npm run dev -- --host", VITE],
  ["npm run quiet", `-- ${VITE}`],
  ["npm run crossed", "-- --port 3001"],
  ["npm run chain", `-- ${VITE}`],
  ["npm run strict", "-- --port 3001"],
  ["npm run quoted", `-- ${VITE}`],
  ["npm start", "-- --port 3001"],
  ["npm --silent run dev", `-- ${VITE}`],
  ["pnpm run dev", VITE],
  ["pnpm dev", VITE],
  ["yarn dev", VITE],
  ["yarn run dev", VITE],
  ["bun run dev", VITE],
  ["npm run dashed", ""],
  ["npm run given", ""],
  ["npm run dev -- --port 1", ""],
  ["npm run piped", ""],
  ["npm run many", ""],
  ["npm run nested", ""],
  ["npm run build", ""],
  ["npm run next", ""],
  ["npm run nothing", ""],
  ["npm test", ""],
  ["npm run dev -w web", ""],
  ["npm --prefix web run dev", ""],
  ["pnpm --filter web dev", ""],
  ["sh -c vite", ""],
  ["vite-node x.ts", ""],
  ["", ""]
])("%s gets %j", (line, added) => {
  expect(wordsFor(line.split(" "), directory, 3001).join(" ")).toBe(added)
})

it("reads no script where there is none", () => {
  const other = temporary()
  expect(wordsFor(["npm", "run", "dev"], other, 3001)).toEqual([])
  for (const text of ["{", "[]", '{"scripts":5}', '{"scripts":{"dev":5}}', '{"scripts":null}']) {
    writeFileSync(join(other, "package.json"), text)
    expect(wordsFor(["npm", "run", "dev"], other, 3001), text).toEqual([])
  }
  expect(wordsFor(["npm", "run", "constructor"], other, 3001)).toEqual([])
})
