/* Gives accessible names to the two sidebars, because the theme gives them no names. In the Chinese manual, also
   translates the names of the controls that the theme has only in English. */

for (const [part, name] of [[".sidebar-drawer", ".sidebar-brand-text"], [".toc-drawer", ".toc-title"]]) {
  const text = document.querySelector(name)?.textContent.trim();
  if (text) document.querySelector(part)?.setAttribute("aria-label", text);
}

if (document.documentElement.lang.startsWith("zh")) {
  const names = {
    "#__navigation": "打开或关闭导航",
    "#__toc": "打开或关闭本页目录",
    ".theme-toggle": "切换浅色、深色或跟随系统",
    ".toctree-checkbox": "展开或收起",
  };
  for (const [control, name] of Object.entries(names)) {
    for (const element of document.querySelectorAll(control)) element.setAttribute("aria-label", name);
  }
}
