/** Light or dark: as the system is, until the reader chooses. */

export const THEMES = ["auto", "light", "dark"] as const

export type Theme = (typeof THEMES)[number]

const KEPT = "theme"

export const keptTheme = (): Theme => {
  const kept = localStorage.getItem(KEPT)
  return THEMES.find((each) => each === kept) ?? "auto"
}

/** Applies a theme, and keeps it for the next visit. */
export const applyTheme = (theme: Theme): void => {
  localStorage.setItem(KEPT, theme)
  document.documentElement.dataset["theme"] = theme
}
