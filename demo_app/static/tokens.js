// Applies the theme and the design tokens in the form of the component catalog to all examples. Shows
// the CSS for the design tokens that the visitor has changed. The form is hidden without this script.
// On wide screens, the script also opens the Jinja source of each example.
const form = document.querySelector("[data-tokens]");
const css = form.querySelector("[data-css]");
const examples = document.querySelectorAll(".result");
const fields = [...form.elements].filter((field) => field.name.startsWith("--"));

function update() {
  const changes = fields
    .filter((field) => field.value !== field.defaultValue)
    .map((field) => [field.name, field.value + (field.dataset.unit ?? "")]);
  // A theme sets design tokens on the element of the example, so a change on :root would have no effect.
  for (const example of examples) {
    example.dataset.xiebaoTheme = form.elements.theme.value;
    for (const field of fields) example.style.removeProperty(field.name);
    for (const [name, value] of changes) example.style.setProperty(name, value);
  }
  const lines = changes.map(([name, value]) => `  ${name}: ${value};`);
  css.textContent = lines.length ? [":root {", ...lines, "}"].join("\n") : css.dataset.empty;
}

form.hidden = false;
form.addEventListener("input", update);
form.addEventListener("reset", () => setTimeout(update)); // The browser resets the form fields after the event.
if (matchMedia("(min-width: 800px)").matches) {
  for (const details of document.querySelectorAll(".example .source")) details.open = true;
}
update(); // The browser may have kept the form values from an earlier visit.
