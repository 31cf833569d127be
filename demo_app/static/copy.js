// Puts a button beside each piece of code that copies it.
const { copy, copied } = document.querySelector("[data-copy]").dataset;

for (const code of document.querySelectorAll("pre")) {
  const button = document.createElement("button");
  button.type = "button";
  button.className = "copy";
  button.textContent = copy;
  button.addEventListener("click", async () => {
    await navigator.clipboard.writeText(code.innerText);
    button.textContent = copied;
    setTimeout(() => (button.textContent = copy), 2000);
  });
  const box = document.createElement("div");
  box.className = "code";
  code.replaceWith(box);
  box.append(code, button);
}
