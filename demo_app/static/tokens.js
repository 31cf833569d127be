// The controls of the catalog: they set the background and the design tokens of all examples, and
// show the CSS to copy. Without this script, the controls stay hidden. On wide screens, the script also
// shows the Jinja of each example.
const form = document.querySelector("[data-tokens]");
const css = form.querySelector("[data-css]");
const grounds = document.querySelectorAll(".result");
const fields = [...form.elements].filter((field) => field.name.startsWith("--"));

function update() {
  const changes = fields
    .filter((field) => field.value !== field.defaultValue)
    .map((field) => [field.name, field.value + (field.dataset.unit ?? "")]);
  // A theme sets tokens on its own element, so a change on :root would not reach the examples.
  for (const ground of grounds) {
    ground.dataset.xiebaoTheme = form.elements.ground.value;
    for (const field of fields) ground.style.removeProperty(field.name);
    for (const [name, value] of changes) ground.style.setProperty(name, value);
  }
  const lines = changes.map(([name, value]) => `  ${name}: ${value};`);
  css.textContent = lines.length ? [":root {", ...lines, "}"].join("\n") : css.dataset.empty;
}

form.hidden = false;
form.addEventListener("input", update);
form.addEventListener("reset", () => setTimeout(update)); // The browser resets the fields after this event.
if (matchMedia("(min-width: 800px)").matches) {
  for (const code of document.querySelectorAll(".example .source")) code.open = true;
}
update(); // The browser may have kept the values of an earlier visit.
