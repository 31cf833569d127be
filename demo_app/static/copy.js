// Puts a button beside each piece of code that copies it, and lets keys scroll what is too wide.
const { copy, copied } = document.querySelector("[data-copy]").dataset;

const said = document.createElement("p");
said.className = "said";
said.role = "status";
document.querySelector("main").append(said);

function buttonFor(code) {
  const button = document.createElement("button");
  button.type = "button";
  button.className = "copy";
  button.textContent = copy;
  const label = code.getAttribute("aria-labelledby");
  if (label) button.setAttribute("aria-describedby", label);
  button.addEventListener("click", async () => {
    await navigator.clipboard.writeText(code.innerText);
    button.textContent = said.textContent = copied;
    setTimeout(() => {
      button.textContent = copy;
      said.textContent = "";
    }, 2000);
  });
  return button;
}

const sizes = new ResizeObserver((seen) => {
  for (const { target } of seen) {
    if (target.scrollWidth > target.clientWidth) target.tabIndex = 0;
    else target.removeAttribute("tabindex");
  }
});

for (const code of document.querySelectorAll("pre")) {
  const box = document.createElement("div");
  box.className = "code";
  code.replaceWith(box);
  box.append(code);
  // Browsers have a clipboard where they trust the connection.
  if (navigator.clipboard) box.append(buttonFor(code));
  sizes.observe(code);
}
