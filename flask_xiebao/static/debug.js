// Flask-Xiebao: warns in the browser's console about entries whose text is hard to read, because its
// contrast with the background is below 4.5:1. xiebao_script() loads this file only in debug mode.
(() => {
  const KEY = Symbol.for("flask-xiebao-debug");
  if (document[KEY]) return; // Turbo runs the scripts in a body again on each page.
  document[KEY] = true;

  const MINIMUM = 4.5; // WCAG 2, success criterion 1.4.3
  // The token to change for each part of an entry.
  const TOKENS = {
    "entry--outline": "--xiebao-outline",
    "entry--borderless": "--xiebao-outline",
    "entry__action--outline": "--xiebao-outline",
    entry__status: "--xiebao-outline",
    "entry--button": "--xiebao-accent or --xiebao-on-accent",
    entry__action: "--xiebao-accent or --xiebao-on-accent",
    entry__badge: "--xiebao-badge or --xiebao-on-badge",
    entry__price: "--xiebao-price",
    "entry__old-price": "--xiebao-muted",
    entry__text: "--xiebao-muted",
    entry__insurer: "--xiebao-muted",
    entry__terms: "--xiebao-muted",
    entry__extra: "--xiebao-muted",
    entry__covers: "--xiebao-muted",
    "entry--card": "--xiebao-text",
    "entry--link": "--xiebao-text",
  };
  const PARTS = Object.keys(TOKENS).map((part) => `.xiebao-${part}`).join();
  const pen = new OffscreenCanvas(1, 1).getContext("2d", { willReadFrequently: true });

  function luminance(color) {
    const [red, green, blue] = [...color].map((channel) => {
      const part = channel / 255;
      return part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4;
    });
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue;
  }

  // Returns the color of one pixel on which these colors are painted over each other.
  function paint(colors) {
    for (const color of colors) {
      pen.fillStyle = color;
      pen.fillRect(0, 0, 1, 1);
    }
    return pen.getImageData(0, 0, 1, 1).data.slice(0, 3);
  }

  // Returns the background colors from the page to the element, or null if there is an image.
  function getBackgrounds(element) {
    const colors = [];
    for (let at = element; at; at = at.parentElement) {
      const style = getComputedStyle(at);
      if (style.backgroundImage !== "none" || style.opacity !== "1") return null;
      colors.unshift(style.backgroundColor);
    }
    return [getCanvasColor(), ...colors];
  }

  // Returns the color that the browser paints behind a page without a background.
  function getCanvasColor() {
    const probe = document.body.appendChild(document.createElement("span"));
    probe.style.backgroundColor = "Canvas";
    const color = getComputedStyle(probe).backgroundColor;
    probe.remove();
    return color;
  }

  function check(element) {
    const backgrounds = getBackgrounds(element);
    const disabled = '[aria-disabled="true"], .xiebao-entry--card:has([aria-disabled="true"])';
    if (!backgrounds || !element.textContent.trim() || element.closest(disabled)) return;
    const { color } = getComputedStyle(element);
    const [lighter, darker] = [paint([...backgrounds, color]), paint(backgrounds)]
      .map(luminance)
      .sort((one, other) => other - one);
    const contrast = (lighter + 0.05) / (darker + 0.05);
    if (contrast >= MINIMUM) return;
    const token = Object.entries(TOKENS).find(([part]) => element.matches(`.xiebao-${part}`))[1];
    console.warn(
      `Flask-Xiebao: "${element.textContent.trim()}" has a contrast of ${contrast.toFixed(2)}:1 with its` +
        ` background. Change ${token}, so that it is at least ${MINIMUM}:1.`,
      element,
    );
  }

  const checkAll = () => document.querySelectorAll(PARTS).forEach(check);
  addEventListener("load", checkAll);
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", checkAll);
})();
