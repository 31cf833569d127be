// The Tailwind 3 of the pages in tests/browser/site_styles.py. classes.html lists their classes.
module.exports = {
  content: { relative: true, files: ["./classes.html"] },
  darkMode: "class",
  plugins: [require("../../../.venv/npm/node_modules/@tailwindcss/typography")],
};
