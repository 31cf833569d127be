/* Two parts of the page are asides: each gets a name, which the theme does not give them. */

for (const [part, name] of [[".sidebar-drawer", ".sidebar-brand-text"], [".toc-drawer", ".toc-title"]]) {
  const text = document.querySelector(name)?.textContent.trim();
  if (text) document.querySelector(part)?.setAttribute("aria-label", text);
}
