// Adds a copy button to each code block. If a code block is wider than the page, visitors can scroll it
// with the keyboard.
const { copy, copied } = document.querySelector("[data-copy]").dataset;

const statusText = document.createElement("p");
statusText.className = "copy-status";
statusText.role = "status";
document.querySelector("main").append(statusText);

function createButton(code) {
  const button = document.createElement("button");
  button.type = "button";
  button.className = "copy";
  button.textContent = copy;
  const labelId = code.getAttribute("aria-labelledby");
  if (labelId) button.setAttribute("aria-describedby", labelId);
  button.addEventListener("click", async () => {
    await navigator.clipboard.writeText(code.innerText);
    button.textContent = statusText.textContent = copied;
    setTimeout(() => {
      button.textContent = copy;
      statusText.textContent = "";
    }, 2000);
  });
  return button;
}

const observer = new ResizeObserver((entries) => {
  for (const { target } of entries) {
    if (target.scrollWidth > target.clientWidth) target.tabIndex = 0;
    else target.removeAttribute("tabindex");
  }
});

for (const code of document.querySelectorAll("pre")) {
  const box = document.createElement("div");
  box.className = "code";
  code.replaceWith(box);
  box.append(code);
  // On pages without HTTPS, browsers allow access to the clipboard only on localhost.
  if (navigator.clipboard) box.append(createButton(code));
  observer.observe(code);
}
